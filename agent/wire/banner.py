"""The first 64 bytes of a flow, one way or both ways -> Banner: the protocol that begins so, or None.

A wrong name is worse than none, so a probe says yes only to what could hardly be anything else; what two protocols
begin alike (220, +OK) is told by both directions together, or by the port.
"""

from agent.facts import Banner
from agent.wire.banner_tcp import TCP, both_tcp
from agent.wire.banner_text import TEXT, both_text
from agent.wire.banner_udp import UDP, both_udp
from agent.wire.opening import Opening, Table

_TCP = 6
_UDP = 17

_TABLES: dict[int, Table] = {_TCP: TCP + TEXT, _UDP: UDP}

PROTOCOLS = frozenset(protocol for table in _TABLES.values() for protocol, _ in table)
"""Every protocol a Banner can name."""


def read_opening(opening: Opening, ip_protocol: int) -> Banner | None:
    """The protocol of a flow's first payload packet in one direction. `ip_protocol` is IANA's number."""
    if not opening.data:
        return None
    for protocol, probe in _TABLES.get(ip_protocol, ()):
        if probe(opening):
            return Banner(protocol)
    return None


def read_both(client: bytes, server: bytes, ip_protocol: int) -> Banner | None:
    """The protocol of both directions' openings, after read_opening could tell neither."""
    if ip_protocol == _TCP:
        protocol = both_text(client, server) or both_tcp(client, server)
    elif ip_protocol == _UDP:
        protocol = both_udp(client, server)
    else:
        protocol = None
    return None if protocol is None else Banner(protocol)
