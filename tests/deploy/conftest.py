"""A school day that is being watched, and a Prometheus that has scraped it for a while: once for all tests here."""

import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from agent.shipped import shipped_rules
from tests.demo import demo
from tests.deploy.prometheus import WINDOW_S, Prometheus
from tests.live.waiting import wait_for

WARM_UP_S = 90.0
LATE = (
    "district_site_segment_category:hallwatch_over_allowance_devices:sum",
    "district_site_segment:hallwatch_prohibited_bytes:rate1h",
)
"""What takes longest to occur: two devices of a segment that used the same category, and the prohibited."""


def rules_with_an_allowance(folder: Path) -> Path:
    """The shipped rules, with an allowance that everybody exceeds: so everything occurs that is exported."""
    rules = shutil.copytree(shipped_rules(), folder / "rules")
    text = (rules / "rules.yaml").read_text("utf-8")
    changed = text.replace("    verdict: incidental\n", "    verdict: incidental\n    allowance: {bytes: 1 kB}\n")
    assert text != changed
    (rules / "rules.yaml").write_text(changed, encoding="utf-8")
    return rules


@pytest.fixture(scope="session")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """The real one, with the shipped configuration in quick motion, over a running demo."""
    folder = tmp_path_factory.mktemp("prometheus")
    options = ("--rules", str(rules_with_an_allowance(folder)), "--min-devices", "2")
    with (
        demo(folder, *options) as url,
        Prometheus(folder / "prometheus", urlsplit(url).netloc) as made,
    ):
        made.ready()
        for name in LATE:
            # Longer than any window ago, so that every rate and every comparison with earlier has its data.
            wait_for(
                partial(made.has, f"{name} offset {WINDOW_S + 2}s"),
                WARM_UP_S,
                made.log,
            )
        yield made
