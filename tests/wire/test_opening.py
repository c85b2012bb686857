"""Tests of what probes may ask."""

from agent.flow import Direction
from agent.wire.opening import Opening


def test_directions_and_ports() -> None:
    """Either side may use the port, as it is not always known who opened the flow."""
    opening = Opening(b"x", 1, 40_000, 25, Direction.TO_SERVER)

    assert (True, False) == (opening.from_client, opening.from_server)
    assert (True, True, False) == (opening.on_port(25), opening.on_port(1, 40_000), opening.on_port(80))
    assert opening._replace(direction=Direction.TO_CLIENT).from_server
