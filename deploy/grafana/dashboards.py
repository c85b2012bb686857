"""What three kinds of people want to see -> dashboards/*.json: `make dashboards`, or python -m deploy.grafana.dashboards.

Today is for the superintendent, Policy for whoever answers for the written policy, Tap for the sysadmin. Nothing
here is about a person: no metric is.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from deploy.grafana import policy, tap, today
from deploy.grafana.panels import Json, dashboard, datasource_variable, label_variable
from deploy.grafana.queries import AT

FOLDER: Final = Path(__file__).with_name("dashboards")

WHERE: Final = (
    datasource_variable(),
    label_variable("district", "District", "label_values(hallwatch_build_info, district)"),
    label_variable("site", "Site", 'label_values(hallwatch_build_info{district=~"$district"}, site)'),
)
INSTANCE: Final = label_variable("instance", "Agent", f"label_values(hallwatch_build_info{{{AT}}}, instance)")


SHOWN: Final = (
    ("today", "What the network was used for today, and what the policy says of it.", today.PANELS, WHERE, "now/d"),
    ("policy", "The written policy, by clause and district.", policy.PANELS, WHERE, "now-7d"),
    ("tap", "Rates, drops, the gate, evidence, tables, introductions.", tap.PANELS, (*WHERE, INSTANCE), "now-3h"),
)
"""Name, what it says, panels, variables, and since when it shows."""


def dashboards() -> Mapping[str, Json]:
    """Name of a file in dashboards/ -> what it holds."""
    return {
        f"{name}.json": dashboard(
            uid=f"hallwatch-{name}",
            title=f"Hallwatch: {name.capitalize()}",
            says=says,
            panels=panels,
            variables=variables,
            since=since,
        )
        for name, says, panels, variables, since in SHOWN
    }


def written(held: Json) -> str:
    """As it stands in the file."""
    return json.dumps(held, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for file, content in dashboards().items():
        (FOLDER / file).write_text(written(content), encoding="utf-8")
