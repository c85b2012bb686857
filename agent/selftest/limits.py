"""The table of what is opened, by kind of slice, as a number of bytes that a look from outside can check.

A second copy of the limits in agent/gate/gate_core.h, on purpose: the self-test does not ask the gate what it may do. A
test holds the two equal; docs/privacy.md has the table for people.
"""

from dataclasses import dataclass
from typing import Final

TLS_BYTES: Final = 16_384
DTLS_DATAGRAMS: Final = 4
QUIC_DATAGRAMS: Final = 6
DATAGRAM_BYTES: Final = 4096
DNS_TCP_BYTES: Final = 16_384
HTTP_SEARCH_BYTES: Final = 2048
HTTP_HOST_BYTES: Final = 256
HTTP_METHOD_BYTES: Final = 16
BANNER_BYTES: Final = 64


@dataclass(frozen=True, slots=True)
class Limit:
    """What one row of the table allows; None where it sets no such limit."""

    flow_bytes: int | None = None
    """Of one flow and direction, repetitions included."""
    end_bytes: int | None = None
    """How far into its stream or datagram."""


LIMITS: Final = {
    "tls": Limit(flow_bytes=TLS_BYTES, end_bytes=TLS_BYTES),
    "dtls": Limit(flow_bytes=DTLS_DATAGRAMS * DATAGRAM_BYTES, end_bytes=DATAGRAM_BYTES),
    "quic": Limit(flow_bytes=QUIC_DATAGRAMS * DATAGRAM_BYTES, end_bytes=DATAGRAM_BYTES),
    "dns": Limit(end_bytes=DATAGRAM_BYTES),
    "dns_tcp": Limit(end_bytes=DNS_TCP_BYTES),
    "http_method": Limit(flow_bytes=HTTP_METHOD_BYTES, end_bytes=HTTP_SEARCH_BYTES),
    "http_host": Limit(flow_bytes=HTTP_HOST_BYTES, end_bytes=HTTP_SEARCH_BYTES),
    "banner": Limit(flow_bytes=BANNER_BYTES),
}
"""kind of slice (agent.flow.SliceKind in lower case) -> its limits"""
