"""The first payload packet of a flow in one direction -> what the probes of banners may ask about it."""

from collections.abc import Callable
from typing import NamedTuple

from agent.flow import Direction


class Opening(NamedTuple):
    """What left the gate of one packet, and what is known of it without payload."""

    data: bytes
    """At most the first 64 bytes of the payload."""
    payload_bytes: int
    """Of the whole packet; at least len(data)."""
    client_port: int
    server_port: int
    direction: int
    """A Direction."""

    @property
    def from_client(self) -> bool:
        return self.direction == Direction.TO_SERVER

    @property
    def from_server(self) -> bool:
        return self.direction == Direction.TO_CLIENT

    def on_port(self, *ports: int) -> bool:
        """Either side uses one of `ports`: which side opened the flow is not always known."""
        return self.server_port in ports or self.client_port in ports


Probe = Callable[[Opening], bool]
"""True when the packet is of the probe's protocol and could hardly be of another."""

Table = tuple[tuple[str, Probe], ...]
"""(protocol, probe), tried in order: the first that says yes names the flow."""
