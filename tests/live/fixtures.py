"""Fixtures for tests that need root: two namespaces with a cable between them, and someone who sends."""

from collections.abc import Iterator

import pytest

from tests.live.cable import SWITCH, Cable
from tests.live.needs import need_bpf, need_namespaces, need_packet_sockets
from tests.live.sender import Sender


@pytest.fixture(params=["kernel", "process"])
def gate(request: pytest.FixtureRequest) -> str:
    """Where the gate stands."""
    kind = str(request.param)
    if kind == "kernel":
        need_bpf()
    return kind


@pytest.fixture
def cable() -> Iterator[Cable]:
    """Two namespaces and what joins them."""
    need_packet_sockets()
    need_namespaces()
    with Cable() as made:
        yield made


@pytest.fixture
def sender(cable: Cable) -> Iterator[Sender]:
    """Sends into the far end."""
    with cable.inside(cable.far):
        made = Sender(SWITCH)
    yield made
    made.close()
