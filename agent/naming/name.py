"""Facts of an introduction, or none -> the flow's name, and the evidence for it."""

from collections.abc import Callable
from typing import Final, NamedTuple

from agent.facts import Banner, ClientHello, DnsMessage, Facts, HttpRequest, Unread
from agent.flow import Evidence, Place
from agent.naming.book import AddressBook

TRANSPORTS: Final = {
    1: "icmp",
    2: "igmp",
    4: "ipip",
    6: "tcp",
    17: "udp",
    41: "ipv6",
    46: "rsvp",
    47: "gre",
    50: "esp",
    51: "ah",
    58: "icmp6",
    88: "eigrp",
    89: "ospf",
    103: "pim",
    108: "ipcomp",
    112: "vrrp",
    115: "l2tp",
    132: "sctp",
    136: "udplite",
}
"""IANA protocol number -> name"""

LINK_PROTOCOLS: Final = {
    0x0001: "llc",
    0x0806: "arp",
    0x0842: "wol",
    0x8035: "rarp",
    0x8100: "vlan",
    0x8809: "lacp",
    0x8863: "pppoe",
    0x888E: "eapol",
    0x8899: "rrcp",
    0x88CC: "lldp",
    0x88E5: "macsec",
    0x88F7: "ptp",
    0x8906: "fcoe",
    0x9000: "loopback",
}
"""EtherType -> name, of frames without IP; 1 is the gate's own number for an 802.3 frame without SNAP"""


class Name(NamedTuple):
    """What a flow is called."""

    name: bytes | None
    """Lower case, without the final dot."""
    evidence: Evidence
    protocol: str


def transport(place: Place) -> str:
    """The protocol by number alone, for a flow of which nothing was read."""
    if place.client:
        return TRANSPORTS.get(place.ip_protocol, "ip")
    return LINK_PROTOCOLS.get(place.ethertype, "link")


def find_name(
    facts: Facts | None,
    place: Place,
    book: AddressBook,
    now_ns: int,
    *,
    is_public_name: Callable[[bytes], bool],
    is_site: Callable[[bytes], bool],
    is_known_protocol: Callable[[str], bool],
) -> Name:
    """Names a flow by the best evidence there is.

    Args:
        facts: what its introduction said; None when nothing was opened or read.
        place: its ends.
        book: what DNS said.
        now_ns: capture time.
        is_public_name: whether a name is an outer name of Encrypted ClientHello, as far as configured.
        is_site: whether it is known whose site a name is.
        is_known_protocol: whether a protocol alone tells the application.
    """
    if isinstance(facts, ClientHello):
        return _of_hello(facts, place, book, now_ns, is_public_name, is_site)
    if isinstance(facts, DnsMessage):
        return Name(None, Evidence.PROTOCOL, "dns")
    if isinstance(facts, HttpRequest) and facts.host:
        meant = book.look_up(place.client, place.server, now_ns) if _is_address(facts.host) else None
        return Name(meant, Evidence.DNS, "http") if meant else Name(facts.host, Evidence.HOST, "http")
    if isinstance(facts, Banner) and is_known_protocol(facts.protocol):
        return Name(None, Evidence.PROTOCOL, facts.protocol)
    protocol = _protocol_of(facts) or transport(place)
    if place.server and (known := book.look_up(place.client, place.server, now_ns)):
        return Name(known, Evidence.DNS, protocol)
    told = isinstance(facts, Banner | HttpRequest) or is_known_protocol(protocol)
    return Name(None, Evidence.PROTOCOL if told else Evidence.NONE, protocol)


def _of_hello(
    hello: ClientHello,
    place: Place,
    book: AddressBook,
    now_ns: int,
    is_public_name: Callable[[bytes], bool],
    is_site: Callable[[bytes], bool],
) -> Name:
    protocol, server_name = hello.protocol, hello.server_name
    if server_name is None:
        known = book.look_up(place.client, place.server, now_ns)
        return Name(known, Evidence.DNS if known else Evidence.PROTOCOL, protocol)
    name = server_name.lower().rstrip(b".")
    # Whoever has a domain can have DNS call any name an outer one, and browsers send the extension to every server: of a
    # site that is known, DNS is not believed.
    if hello.encrypted and (is_public_name(name) or (book.is_public_name(name) and not is_site(name))):
        inner = book.look_up_own(place.client, place.server, now_ns)
        if inner and inner != name:
            return Name(inner, Evidence.DNS, protocol)
        return Name(name, Evidence.ECH, protocol)
    return Name(name, Evidence.QUIC if protocol == "quic" else Evidence.SNI, protocol)


def _protocol_of(facts: Facts | None) -> str | None:
    if isinstance(facts, Banner | Unread):
        return facts.protocol
    return "http" if isinstance(facts, HttpRequest) else None


def _is_address(host: bytes) -> bool:
    """An address literal in a Host line names nothing (RFC 9110 section 7.2 allows it)."""
    return b":" in host or host.replace(b".", b"").isdigit()
