"""Words of the lab: a frame, and the truth about the flow it belongs to."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from agent.flow import Direction, Endpoints, Evidence


class Frame(NamedTuple):
    """A frame as a tap would deliver it, without FCS."""

    time_ns: int
    """Nanoseconds since the epoch."""
    data: bytes
    cut_bytes: int = 0
    """How many bytes at the end of the frame the capture's snap length cut off."""

    @property
    def wire_bytes(self) -> int:
        """Length on the wire."""
        return len(self.data) + self.cut_bytes


class Packet(NamedTuple):
    """A frame which has no time yet."""

    direction: Direction
    data: bytes


class Line(NamedTuple):
    """One thing said in a dialogue, before it is cut into packets: a stretch of a TCP stream, or one datagram."""

    speaker: Direction
    data: bytes


Dialogue = Iterator[Line]
"""What two ends say to each other; over TCP or UDP alike."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What a flow really was, whatever an observer makes of it."""

    flow_number: int
    """As in its canary."""
    ends: Endpoints
    """Addresses are empty for frames without IP."""
    vlan: int | None
    transport: str
    """"tcp", "udp", "icmp", "icmp6" or "arp"."""
    protocol: str
    """As FlowClass.protocol: "tls", "quic", "http", "dns", a banner's protocol, or the transport."""
    application: str
    """As FlowClass.application: what the client really used, also where no observer can tell."""
    category: str
    """As FlowClass.category."""
    hostname: str | None
    """The name that the client meant."""
    outer_name: str | None
    """The public name shown in its stead by an Encrypted ClientHello."""
    visible: Evidence
    """The best evidence that the frames hold."""
    canary: bool
    """Whether the flow has payload which must stay closed, and is marked."""
    packets: tuple[int, int] = (0, 0)
    """Frames by Direction."""
    bytes: tuple[int, int] = (0, 0)
    """Frame bytes on the wire by Direction."""
