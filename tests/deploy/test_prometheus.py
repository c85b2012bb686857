"""What is shipped for Prometheus, as its own tools see it: configuration, rules, each alert's two cases, its runbook."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.exported import every_family
from tests.promtool import promtool

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "deploy" / "prometheus"
BUILT_IN = {"up", "ALERTS"}


def rules(file: str) -> list[dict[str, Any]]:
    """The rules of a file, in its order."""
    return [rule for group in yaml.safe_load((FOLDER / file).read_text("utf-8"))["groups"] for rule in group["rules"]]


ALERTS = {rule["alert"]: rule for rule in rules("alerts.yml")}
RECORDED = [rule["record"] for rule in rules("recording.yml")]


def exported() -> set[str]:
    """Names of all series that an agent exports."""
    return {sample.name for family in every_family() for sample in family.samples}


@pytest.mark.parametrize(
    "words",
    [
        ("check", "config", "prometheus.yml"),
        ("check", "rules", "--lint-fatal", "recording.yml"),
        ("check", "rules", "--lint-fatal", "alerts.yml"),
        ("test", "rules", "alerts_test.yml"),
        ("test", "rules", "alerts_week_test.yml"),
    ],
    ids=lambda words: " ".join(words[-2:]),
)
def test_promtool(words: tuple[str, ...]) -> None:
    """It accepts every file, and every alert fires and stays silent as it should."""
    *command, file = words
    checked = promtool(*command, FOLDER / file)

    assert 0 == checked.returncode, checked.stdout
    assert "SUCCESS" in checked.stdout


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_has_its_two_cases(alert: str) -> None:
    """One in which it fires with its labels and text, and one in which it stays silent although there is data."""
    cases = [
        (test["input_series"], check["exp_alerts"])
        for file in FOLDER.glob("alerts*_test.yml")
        for test in yaml.safe_load(file.read_text("utf-8"))["tests"]
        for check in test.get("alert_rule_test", [])
        if check["alertname"] == alert
    ]
    assert {True, False} == {bool(expected) for _, expected in cases}
    assert all(series for series, _ in cases)


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_says_what_to_do(alert: str) -> None:
    """A severity that the runbook explains, a summary, and a heading of the runbook that is the alert's."""
    rule = ALERTS[alert]
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert {"summary", "description", "runbook"} == set(rule["annotations"])
    document, _, anchor = rule["annotations"]["runbook"].partition("#")
    headings = re.findall(r"^## (\w+)$", (ROOT / document).read_text("utf-8"), re.MULTILINE)
    (heading,) = [one for one in headings if one.lower() == anchor]
    section = (ROOT / document).read_text("utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    assert f"*{rule['labels']['severity']}" in section
    assert alert == heading or f"`{alert}`" in section


def test_runbook_has_no_other_headings() -> None:
    """No section outlives its alert."""
    headings = re.findall(r"^## (\w+)$", (ROOT / "docs" / "runbook.md").read_text("utf-8"), re.MULTILINE)
    assert set() == set(headings) - set(ALERTS)


def test_recorded_names() -> None:
    """level:metric:operations (https://prometheus.io/docs/practices/rules/), each level beginning with the district."""
    for name in RECORDED:
        assert re.fullmatch(r"district(_[a-z]+)*:hallwatch_[a-z_]+:[a-z0-9_]+", name), name
    assert sorted(set(RECORDED)) == sorted(RECORDED)


@pytest.mark.parametrize("file", ["recording.yml", "alerts.yml"])
def test_only_metrics_that_exist(file: str) -> None:
    """A rule asks for what is exported or recorded, so that no renamed metric silences it."""
    known = exported() | set(RECORDED) | BUILT_IN
    for rule in rules(file):
        asked = set(re.findall(r"[a-z_]+:hallwatch_[a-z0-9_:]+|(?<![\w:])hallwatch_[a-z_]+", rule["expr"]))
        assert set() == asked - known


@pytest.mark.parametrize("document", sorted((ROOT / "docs").glob("*.md")), ids=lambda path: path.name)
def test_documents_speak_of_metrics_that_exist(document: Path) -> None:
    """What a document calls hallwatch_..., or a sum of these, is exported or recorded."""
    text = document.read_text("utf-8")
    families = {family.name for family in every_family()}
    recorded = set(re.findall(r"district(?:_[a-z]+)*:hallwatch_[a-z0-9_:]+", text))
    named = set(re.findall(r"(?<![\w:/])hallwatch_[a-z_]+[a-z](?![\w*])", text))
    assert set() == recorded - set(RECORDED)
    assert set() == named - exported() - families


def test_documented_configurations(tmp_path: Path) -> None:
    """The pieces of prometheus.yml in docs/scale.md are right by promtool."""
    pieces = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "scale.md").read_text("utf-8"), re.DOTALL)
    assert 2 <= len(pieces)
    for piece in pieces:
        (tmp_path / "prometheus.yml").write_text(piece, encoding="utf-8")
        checked = promtool("check", "config", tmp_path / "prometheus.yml")
        assert 0 == checked.returncode, checked.stdout
