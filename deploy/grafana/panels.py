"""What a panel shows, in a few words -> the JSON that Grafana (10 and later) keeps of a dashboard.

Only what we use of the dashboard schema: https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from deploy.grafana.queries import Query

Json = dict[str, Any]

SCHEMA_VERSION: Final = 39
"""Of Grafana 10.3; later ones read it and bring it up to date themselves."""
COLUMNS: Final = 24
DATASOURCE: Final[Json] = {"type": "prometheus", "uid": "${datasource}"}

COLOURS: Final = {"permitted": "green", "incidental": "blue", "review": "orange", "prohibited": "red"}
"""Each verdict has its colour everywhere; the legend says the word as well."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel. Panels flow from left to right and begin a new line when there is no room."""

    title: str
    says: str
    """Shown behind the (i): what it means, in plain words."""
    kind: str
    """Grafana's: "timeseries", "stat", "bargauge", "table"; "text" shows `says` itself."""
    queries: tuple[Query, ...] = ()
    unit: str = "short"
    width: int = 12
    height: int = 8
    stacked: bool = False
    value: str = "Value"
    """Of a table: the heading above its numbers."""
    words: tuple[tuple[str, str, str], ...] = ()
    """Of a stat: number, the word for it, and its colour."""
    most: float | None = None
    """Where the scale ends, when it is known."""


def dashboard(
    *, uid: str, title: str, says: str, panels: Sequence[Panel], variables: Sequence[Json], since: str
) -> Json:
    """A dashboard's JSON; the same arguments give the same text."""
    return {
        "uid": uid,
        "title": title,
        "description": says,
        "tags": ["hallwatch"],
        "schemaVersion": SCHEMA_VERSION,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "1m",
        "time": {"from": since, "to": "now"},
        "timezone": "browser",
        "templating": {"list": list(variables)},
        "links": [
            {"type": "dashboards", "tags": ["hallwatch"], "title": "Hallwatch", "asDropdown": False, "keepTime": True}
        ],
        "panels": _placed(panels),
    }


def datasource_variable() -> Json:
    """Which Prometheus is asked."""
    return {"type": "datasource", "name": "datasource", "label": "Prometheus", "query": "prometheus"}


def label_variable(name: str, label: str, query: str) -> Json:
    """A label of the series to choose from, several or all."""
    return {
        "type": "query",
        "name": name,
        "label": label,
        "datasource": DATASOURCE,
        "query": {"query": query, "refId": name},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": ["All"], "value": ["$__all"]},
    }


def _placed(panels: Sequence[Panel]) -> list[Json]:
    made: list[Json] = []
    x = y = line = 0
    for number, panel in enumerate(panels, 1):
        if x + panel.width > COLUMNS:
            x, y, line = 0, y + line, 0
        made.append({"id": number, "gridPos": {"x": x, "y": y, "w": panel.width, "h": panel.height}, **_panel(panel)})
        x, line = x + panel.width, max(line, panel.height)
    return made


def _panel(panel: Panel) -> Json:
    if panel.kind == "text":
        return {"type": "text", "title": panel.title, "options": {"mode": "markdown", "content": panel.says}}
    at_once = panel.kind != "timeseries"
    targets = [
        {
            "refId": chr(ord("A") + i),
            "datasource": DATASOURCE,
            "expr": query.expr,
            "legendFormat": query.legend,
            "instant": at_once,
            "range": not at_once,
            "format": "table" if panel.kind == "table" else "time_series",
        }
        for i, query in enumerate(panel.queries)
    ]
    made: Json = {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.says,
        "datasource": DATASOURCE,
        "targets": targets,
        "fieldConfig": {"defaults": _defaults(panel), "overrides": _overrides(panel)},
        "options": _options(panel),
    }
    if panel.kind == "table":
        renamed = {"excludeByName": {"Time": True}, "renameByName": {"Value": panel.value}, "indexByName": {}}
        made["transformations"] = [{"id": "organize", "options": renamed}]
    return made


def _defaults(panel: Panel) -> Json:
    # Without this Grafana shows a number that stays 0 with no unit, and one below 0.1 % as 0.
    made: Json = {"unit": panel.unit, "min": 0, "color": {"mode": "palette-classic"}}
    if panel.most is not None:
        made["max"] = panel.most
    if panel.kind == "timeseries":
        made["custom"] = {
            "fillOpacity": 40 if panel.stacked else 10,
            "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"},
            "showPoints": "never",
        }
    if panel.words:
        options = {
            number: {"text": word, "color": colour, "index": i} for i, (number, word, colour) in enumerate(panel.words)
        }
        made["mappings"] = [{"type": "value", "options": options}]
    return made


def _overrides(panel: Panel) -> list[Json]:
    if panel.kind == "table":
        number = [{"id": "unit", "value": panel.unit}]
        texts = [{"id": "custom.align", "value": "left"}]
        return [
            {"matcher": {"id": "byName", "options": panel.value}, "properties": number},
            {"matcher": {"id": "byType", "options": "string"}, "properties": texts},
        ]
    if not any("verdict" in query.legend for query in panel.queries):
        return []
    return [
        {
            "matcher": {"id": "byRegexp", "options": f"/(^|[ ,]){verdict}$/"},
            "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": colour}}],
        }
        for verdict, colour in COLOURS.items()
    ]


def _options(panel: Panel) -> Json:
    last = {"calcs": ["lastNotNull"], "fields": "", "values": False}
    match panel.kind:
        case "timeseries":
            legend = {"displayMode": "table", "placement": "right", "showLegend": True, "calcs": ["mean", "max"]}
            return {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}
        case "stat":
            shown = {"graphMode": "none", "colorMode": "value", "justifyMode": "auto", "textMode": "auto"}
            return {"reduceOptions": last, "orientation": "auto", **shown}
        case "bargauge":
            return {"reduceOptions": last, "orientation": "horizontal", "displayMode": "basic", "valueMode": "text"}
        case _:
            return {"showHeader": True, "cellHeight": "sm", "sortBy": [{"displayName": panel.value, "desc": True}]}
