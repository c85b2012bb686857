"""Grafana's dashboards: what is committed is what is generated, Grafana knows every key, and every query has an answer."""

import json
import math
import re
from itertools import combinations
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from deploy.grafana.dashboards import FOLDER, dashboards, written
from deploy.grafana.panels import COLUMNS
from tests.deploy.prometheus import OF_DEVICES, SHIPPED, Prometheus, as_asked
from tests.exported import every_family

MADE = dashboards()
PANELS = [(file, panel) for file, made in MADE.items() for panel in made["panels"]]
QUERIES = [
    pytest.param(target["expr"], id=f"{file}: {panel['title']}{target['refId']}")
    for file, panel in PANELS
    for target in panel.get("targets", [])
]


def of_devices(expression: str) -> bool:
    """Whether a query is about distinct devices."""
    return any(name in expression for name in OF_DEVICES)


UNITS = {"short", "decbytes", "bytes", "Bps", "bps", "pps", "cps", "percentunit", "s", "dateTimeAsIso"}
"""Of Grafana's (packages/grafana-data/src/valueFormats/categories.ts); a unit it does not know is shown as a word."""
KINDS = {"timeseries", "stat", "bargauge", "table", "text"}
PROVISIONING = FOLDER.parent / "provisioning"
OF_THE_CLIENT = {"process_cpu_seconds_total", "process_resident_memory_bytes"}


def named(panels: list[tuple[str, dict[str, Any]]]) -> list[Any]:
    return [pytest.param(panel, id=f"{file}: {panel['title']}") for file, panel in panels]


@pytest.mark.parametrize("file", MADE)
def test_committed_is_generated(file: str) -> None:
    """`make dashboards` would change nothing."""
    assert written(MADE[file]) == (FOLDER / file).read_text("utf-8")


def test_no_other_files() -> None:
    """No dashboard outlives its source, and each has its own identifier."""
    assert sorted(MADE) == sorted(path.name for path in FOLDER.iterdir())
    assert len(MADE) == len({made["uid"] for made in MADE.values()})
    assert all(re.fullmatch(r"[a-z-]{8,40}", made["uid"]) for made in MADE.values())


def lost(mine: Any, theirs: Any, place: str = "") -> list[str]:
    """Where `theirs` has not what `mine` has; what it has beside is its own business."""
    if isinstance(mine, dict):
        if not isinstance(theirs, dict):
            return [place]
        return [found for key in mine for found in lost(mine[key], theirs.get(key), f"{place}/{key}")]
    if isinstance(mine, list):
        if not isinstance(theirs, list) or len(mine) != len(theirs):
            return [place]
        return [found for i, one in enumerate(mine) for found in lost(one, theirs[i], f"{place}/{i}")]
    return [] if mine == theirs else [place]


@pytest.mark.parametrize("file", MADE)
def test_grafana_knows_every_key(file: str) -> None:
    """Read into the types that Grafana publishes of its schema, and written again, nothing is lost: no key is misspelt."""
    register_default_plugins()
    again = json.loads(JSONEncoder().encode(Dashboard.from_json(MADE[file])))

    assert [] == lost(MADE[file], again)
    spoilt = json.loads(json.dumps(MADE[file]).replace('"legendFormat"', '"legendFromat"'))
    assert lost(spoilt, json.loads(JSONEncoder().encode(Dashboard.from_json(spoilt))))


@pytest.mark.parametrize("file", MADE)
def test_panels_have_their_places(file: str) -> None:
    """Within the width, none over another, each with its own number."""
    places = [panel["gridPos"] for panel in MADE[file]["panels"]]
    assert all(place["x"] + place["w"] <= COLUMNS and place["w"] > 0 and place["h"] > 0 for place in places)
    for one, other in combinations(places, 2):
        apart_x = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        apart_y = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert apart_x or apart_y, (one, other)
    numbers = [panel["id"] for panel in MADE[file]["panels"]]
    assert len(numbers) == len(set(numbers))


@pytest.mark.parametrize("panel", named(PANELS))
def test_panels_say_what_they_are(panel: dict[str, Any]) -> None:
    """A title, a sentence, a known kind and unit; series of a graph are told apart by what their query keeps."""
    assert panel["title"]
    assert panel["type"] in KINDS
    if panel["type"] == "text":
        return
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
    assert {"${datasource}"} == {target["datasource"]["uid"] for target in panel["targets"]}
    for target in panel["targets"]:
        kept = re.match(r"(?:8 \* |1000 \* |sort_desc\(topk\(12, )*\w+ by \(([^)]*)\)", target["expr"])
        shown = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
        if panel["type"] in {"timeseries", "bargauge"}:
            assert target["legendFormat"]
        if kept and shown:
            assert shown == set(kept[1].split(", "))


@pytest.mark.parametrize("file", MADE)
def test_variables(file: str) -> None:
    """Every variable that a query uses is defined, every one that is defined is used, and Grafana's own are known."""
    text = json.dumps(MADE[file])
    defined = {variable["name"] for variable in MADE[file]["templating"]["list"]}
    used = set(re.findall(r"\$\{?(\w+)", text)) - {"__range", "__rate_interval", "__all"}
    assert defined == used


@pytest.mark.parametrize("expression", QUERIES)
def test_only_metrics_that_exist(expression: str) -> None:
    """A query asks for what is exported or recorded."""
    rules = yaml.safe_load((SHIPPED / "recording.yml").read_text("utf-8"))
    known = {rule["record"] for group in rules["groups"] for rule in group["rules"]} | OF_THE_CLIENT | {"up", "ALERTS"}
    known |= {sample.name for family in every_family() for sample in family.samples}
    asked = re.findall(r"\b([a-z_]+:hallwatch_[a-z0-9_:]+|(?:hallwatch|process)_[a-z_]+|up|ALERTS)\{", expression)
    assert asked
    assert set() == set(asked) - known


@pytest.mark.parametrize("expression", [query for query in QUERIES if not of_devices(str(query.values[0]))])
def test_every_query_has_an_answer(expression: str, prometheus: Prometheus) -> None:
    """With "all" chosen everywhere, and short windows: series, and numbers. What is asked of distinct devices needs agents
    with a store in common, and is asked by tests/live/test_district.py.
    """
    found = prometheus.ask(as_asked(expression))
    assert found, expression
    assert not any(math.isnan(value) for _, value in found), found


def test_variables_have_values(prometheus: Prometheus) -> None:
    """The district, the site and the agent that can be chosen."""
    (labels,) = [labels for labels, _ in prometheus.ask("hallwatch_build_info")]
    assert ("example", "high_school") == (labels["district"], labels["site"])
    assert labels["instance"]


def test_provisioning() -> None:
    """Grafana is told where its dashboards and its Prometheus are, and scrapes as often as Prometheus does."""
    (provider,) = yaml.safe_load((PROVISIONING / "dashboards" / "hallwatch.yaml").read_text("utf-8"))["providers"]
    (source,) = yaml.safe_load((PROVISIONING / "datasources" / "prometheus.yaml").read_text("utf-8"))["datasources"]
    scraped = yaml.safe_load((SHIPPED / "prometheus.yml").read_text("utf-8"))["global"]["scrape_interval"]
    assert ("file", "/var/lib/grafana/dashboards") == (provider["type"], provider["options"]["path"])
    assert ("prometheus", scraped) == (source["type"], source["jsonData"]["timeInterval"])
