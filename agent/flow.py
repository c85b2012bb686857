"""Words of the gate: a flow, the slices of payload opened from it, and the class it is counted under.

Those that are made for every flow are named tuples: one takes 0.3 us to make, a frozen dataclass 1 us.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import NamedTuple


class Direction(IntEnum):
    """Which way a packet travels, seen from the client (the side that opened the flow)."""

    TO_SERVER = 0
    TO_CLIENT = 1


class SliceKind(IntEnum):
    """Which row of the table of what is opened let a slice out of the gate (gate_core.h: enum slice_kind)."""

    TLS = 1
    DTLS = 2
    QUIC = 3
    DNS = 4
    """One whole DNS, mDNS or LLMNR message (UDP)."""
    DNS_TCP = 5
    """A stretch of a DNS stream: messages with a two-byte length before each (RFC 1035 section 4.2.2)."""
    HTTP_METHOD = 6
    HTTP_HOST = 7
    """The value of the Host line and nothing around it, possibly in several slices."""
    BANNER = 8
    """The start of a flow's first payload packet in one direction, at most 64 bytes."""


class SliceFlag(IntEnum):
    """Bits of Slice.flags (gate_core.h: enum slice_flag)."""

    END = 1
    """HTTP_HOST: the value is complete. BANNER: the packet held no more than these bytes."""
    FRAGMENT = 2
    """The packet was an IP fragment: more of the same datagram may follow at a higher offset."""


class Slice(NamedTuple):
    """Opened bytes, as the gate hands them over."""

    slot: int
    """The flow's row in the gate's table."""
    direction: int
    """A Direction."""
    kind: int
    """A SliceKind."""
    flags: int
    offset: int
    """TCP: position of the first byte in its direction's stream, in bytes. UDP: position in the datagram's payload."""
    time_ns: int
    """When the packet was captured, by the clock that stamps this tap's packets, in nanoseconds."""
    data: bytes


class Endpoints(NamedTuple):
    """The two ends of a flow. Addresses are 4 or 16 bytes, network order; empty for frames without IP."""

    client: bytes
    client_port: int
    server: bytes
    server_port: int


class Flow(NamedTuple):
    """What the gate knows of a flow without reading payload."""

    ends: Endpoints
    ethertype: int
    """0x0800, 0x86DD, or the EtherType of frames that are not IP."""
    ip_protocol: int
    """IANA protocol number: 6 TCP, 17 UDP, ...; 0 when the frame is not IP."""
    vlan: int | None
    """The outermost VLAN identifier of the flow's first frame, or None when untagged."""
    outer: Endpoints | None
    """The ends of the tunnel that carried the flow, or None."""
    first_ns: int
    """When its first packet was captured, by the clock that stamps this tap's packets, in nanoseconds."""


class Place(NamedTuple):
    """What naming and policy ask of a flow: its row without ports, tunnel and time, which takes 2 us less to read."""

    client: bytes
    """4 or 16 bytes, network order; empty for frames without IP."""
    server: bytes
    vlan: int | None
    """As in Flow, and so what follows."""
    ethertype: int
    ip_protocol: int


class Evidence(StrEnum):
    """Where a flow's name came from, best first."""

    # As its text, which it equals; and the hash of Enum is a function in Python, which takes 0.1 us, several times a flow.
    __hash__ = str.__hash__

    SNI = "sni"
    """server_name of a TLS or DTLS ClientHello."""
    QUIC = "quic"
    """server_name of a ClientHello inside a QUIC Initial."""
    HOST = "host"
    """Host line of an HTTP/1 request."""
    DNS = "dns"
    """The address book: a DNS answer gave this address for the name."""
    ECH = "ech"
    """Encrypted ClientHello: only the outer, public name is known."""
    ADDRESS = "address"
    """A published prefix list."""
    PROTOCOL = "protocol"
    """A protocol's banner; there is no name."""
    NONE = "none"


class Account(StrEnum):
    """Whose account the service is used with, as far as the board has declared (Conn. Gen. Stat. 31-40x)."""

    __hash__ = str.__hash__

    PERSONAL = "personal"
    BOARD = "board"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class FlowClass:
    """What traffic is. It never changes under a flow; what policy says of it may (see verdict.py)."""

    segment: str
    application: str
    """Catalogue identifier such as "youtube", or "unknown"."""
    category: str
    """Catalogue category such as "social_networking", or "unclassified"."""
    protocol: str
    """"tls", "quic", "http", "dns", a banner's protocol, or the transport ("tcp", "udp", "icmp", ...)."""
    evidence: Evidence
    account: Account
