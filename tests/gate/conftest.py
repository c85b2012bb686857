"""A gate for one test, and its feeder."""

from collections.abc import Iterator

import pytest

from agent.gate.native import NativeGate
from tests.gate.capture_reading import Reader
from tests.gate.feeding import Feeder

MAX_FLOWS = 64


@pytest.fixture
def gate() -> Iterator[NativeGate]:
    """A native gate with room for a few flows."""
    made = NativeGate(max_flows=MAX_FLOWS)
    yield made
    made.close()


@pytest.fixture
def feed(gate: NativeGate) -> Feeder:
    """Feeds frames to `gate` and returns their slices; asserts conservation after each, and that no canary got out."""
    return Feeder(gate)


@pytest.fixture
def read(feed: Feeder) -> Reader:
    """Reads the bytes of capture files through `gate`."""
    return Reader(feed)
