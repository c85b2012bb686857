"""A school day that is being watched, and a Prometheus that has scraped it for a while: once for all tests here."""

from collections.abc import Iterator
from functools import partial

import pytest

from tests.deploy.demo import demo
from tests.deploy.prometheus import WINDOW_S, Prometheus
from tests.live.waiting import wait_for

WARM_UP_S = 90.0
LATE = (
    "district_site_segment_category:hallwatch_over_allowance_devices:sum",
    "district_site_segment:hallwatch_prohibited_bytes:rate1h",
)
"""What takes longest to occur: two devices of a segment that used the same category, and the prohibited."""


@pytest.fixture(scope="session")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """The real one, with the shipped configuration in quick motion, over a running demo."""
    folder = tmp_path_factory.mktemp("prometheus")
    with demo(folder) as address, Prometheus(folder / "prometheus", address) as made:
        made.ready()
        for name in LATE:
            # Longer than any window ago, so that every rate and every comparison with earlier has its data.
            wait_for(
                partial(made.has, f"{name} offset {WINDOW_S + 2}s"),
                WARM_UP_S,
                made.log,
            )
        yield made
