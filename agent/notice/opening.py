"""The gate's table of what is opened, as values: the notice and the people who read it get the gate's own numbers."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

LIMITS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "GATE_TLS_BYTES": 16384,
        "GATE_DTLS_DATAGRAMS": 4,
        "GATE_QUIC_DATAGRAMS": 6,
        "GATE_DATAGRAM_BYTES": 4096,
        "GATE_DNS_TCP_BYTES": 16384,
        "GATE_HTTP_SEARCH_BYTES": 2048,
        "GATE_HTTP_HOST_BYTES": 256,
        "GATE_HTTP_METHOD_BYTES": 16,
        "GATE_BANNER_BYTES": 64,
    }
)
"""gate_core.h: enum gate_limit. A test holds the two equal, so that no notice can promise less than the gate opens."""
