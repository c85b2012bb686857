"""The shipped rules in a real Prometheus that scrapes a running agent: each is evaluated, and each has data to work with."""

import math
import re
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from agent.policy.policy import load
from agent.shipped import shipped_rules
from tests.deploy.prometheus import OF_DEVICES, OF_WEB_CONFIG, SHIPPED, Prometheus, in_quick_motion

COMPARISON = re.compile(r"(==|<|>=|>)(?= )")


def rules(file: str, kind: str) -> list[tuple[str, str]]:
    """Name and expression of each rule, in quick motion."""
    groups = yaml.safe_load(in_quick_motion((SHIPPED / file).read_text("utf-8")))["groups"]
    return [(rule[kind], rule["expr"]) for group in groups for rule in group["rules"]]


def test_quick_motion_changes_durations_only() -> None:
    """Taken back to one duration everywhere, the rules of a test are the rules that are shipped."""
    duration = re.compile(r"(?<=for: )\d+\w+|(?<=\[)\d+\w(?=\])|(?<=offset )\d+\w|(?<=_interval: )\w+")
    for file in ("alerts.yml", "recording.yml", "prometheus.yml"):
        shipped = (SHIPPED / file).read_text("utf-8")
        assert shipped != in_quick_motion(shipped)
        assert duration.sub("1s", shipped) == duration.sub("1s", in_quick_motion(shipped))


def test_prometheus_evaluates_every_rule(prometheus: Prometheus) -> None:
    """All that is shipped is loaded, healthy, and without an error."""
    loaded = prometheus.rules()
    names = {
        name for file, kind in (("recording.yml", "record"), ("alerts.yml", "alert")) for name, _ in rules(file, kind)
    }
    assert names == {rule["name"] for rule in loaded}
    assert [] == [(rule["name"], rule.get("lastError")) for rule in loaded if rule["health"] != "ok"]


@pytest.mark.parametrize("record", [name for name, _ in rules("recording.yml", "record") if name not in OF_DEVICES])
def test_every_recording_has_data(record: str, prometheus: Prometheus) -> None:
    """It has series, numbers, and the labels that its level names, no more and no fewer."""
    found = prometheus.ask(record)
    assert found
    assert not any(math.isnan(value) for _, value in found)
    level = set(record.partition(":")[0].split("_"))
    assert {frozenset(level)} == {frozenset(labels.keys() - {"__name__"}) for labels, _ in found}


@pytest.mark.parametrize(
    ("alert", "expression"),
    [rule for rule in rules("alerts.yml", "alert") if not any(name in rule[1] for name in OF_DEVICES + OF_WEB_CONFIG)],
)
def test_every_alert_has_data(alert: str, expression: str, prometheus: Prometheus) -> None:
    """With each comparison made to say 0 or 1 in place of leaving out, there is an answer: the alert is not blind."""
    seen = COMPARISON.sub(r"\1 bool", expression)
    assert expression != seen, alert
    assert prometheus.ask(seen), alert


def test_a_demo_rings_few_alarms(prometheus: Prometheus) -> None:
    """What is true of the demo fires (the gate stands in the process, nobody posted a notice), and no fault does."""
    prometheus.wait_until_fires("HallwatchGateInProcess")
    prometheus.wait_until_fires("HallwatchNoticeOutOfDate")
    allowed = {
        "HallwatchGateInProcess",
        "HallwatchNoticeOutOfDate",
        "HallwatchOverAllowance",
        "HallwatchProhibitedRising",
    }
    reviewed = load(shipped_rules()).catalogue.reviewed
    assert reviewed is not None
    if datetime.now(UTC).date() - reviewed >= timedelta(days=180):
        allowed.add("HallwatchCatalogueOld")
    assert set() == prometheus.firing() - allowed
