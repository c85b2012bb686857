"""A moment of the school day -> the flows that begin then: who, to what service, and by which protocol."""

import ipaddress
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

from agent.flow import Endpoints, Evidence
from agent.lab import banners, dialogues, names, quic
from agent.lab.flows import INTRODUCTION_PACKETS, Plan, Talk, address_resolution, impaired, over_tcp, over_udp, pings
from agent.lab.frames import Packet, Truth
from agent.lab.hellos import BROWSERS, CHROME, FIREFOX
from agent.lab.services import ECH_PUBLIC_NAME, PEER_V4, PEER_V6, RESOLVERS, SERVICES, Service

MILLISECOND_NS = 1_000_000

IPV6_SHARE = 0.15

FIRST_PORT = 49_152
"""Clients count their ports up from somewhere in the dynamic range (RFC 6335 section 6), so none returns in a day."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of the school's network."""

    vlan: int | None
    share: float
    """Of the clients, relative to the other segments."""
    v4: ipaddress.IPv4Network
    v6: ipaddress.IPv6Network


SEGMENTS = (
    Segment(10, 0.30, ipaddress.IPv4Network("10.10.0.0/16"), ipaddress.IPv6Network("fd48:5757:0:10::/64")),
    Segment(20, 0.55, ipaddress.IPv4Network("10.20.0.0/16"), ipaddress.IPv6Network("fd48:5757:0:20::/64")),
    Segment(30, 0.15, ipaddress.IPv4Network("10.30.0.0/16"), ipaddress.IPv6Network("fd48:5757:0:30::/64")),
)
"""Staff, students, guests."""


@dataclass(frozen=True, slots=True)
class Nameless:
    """A kind of flow that has no name."""

    weight: float
    transport: str
    protocol: str
    application: str
    category: str
    port: int
    speaker: banners.Speaker
    midstream: bool = False


NAMELESS = (
    Nameless(3.0, "tcp", "bittorrent", "bittorrent", "file_sharing", 6881, banners.bittorrent),
    Nameless(1.5, "udp", "bittorrent", "bittorrent", "file_sharing", 6881, banners.dht),
    Nameless(1.5, "udp", "bittorrent", "bittorrent", "file_sharing", 51413, banners.utp),
    Nameless(2.0, "tcp", "smb", "smb", "file_sharing", 445, banners.smb),
    Nameless(1.5, "tcp", "ssh", "ssh", "remote_access", 22, banners.ssh),
    Nameless(0.8, "tcp", "ftp", "ftp", "file_sharing", 21, banners.ftp),
    Nameless(2.0, "udp", "ntp", "ntp", "infrastructure", 123, banners.ntp),
    Nameless(2.0, "udp", "stun", "webrtc", "video_conferencing", 3478, banners.stun),
    Nameless(0.8, "udp", "wireguard", "wireguard", "vpn_and_proxy", 51820, banners.wireguard),
    Nameless(1.0, "udp", "udp", "unknown", "unclassified", 27015, banners.unknown),
    Nameless(1.0, "tcp", "tls", "unknown", "unclassified", 443, dialogues.anonymous_tls),
    Nameless(2.0, "tcp", "tcp", "unknown", "unclassified", 443, banners.midstream, midstream=True),
)

NAMED_WEIGHT = 76.0
PING_WEIGHT = 1.5
ARP_WEIGHT = 1.5


@dataclass(slots=True)
class _Client:
    segment: Segment
    addresses: tuple[bytes, bytes]
    """IPv4 and IPv6."""
    next_port: int

    def port(self) -> int:
        port = self.next_port
        self.next_port = port + 1 if port < 65_535 else FIRST_PORT
        return port


class Campus:
    """The clients of a school, and what each does next."""

    def __init__(self, rng: random.Random, *, clients: int, segments: tuple[Segment, ...], max_pace_ns: int) -> None:
        """`max_pace_ns` limits the mean time between a flow's packets, so that flows end within a short day too."""
        self._rng = rng
        self._max_pace_ns = max_pace_ns
        self._next_number = 0
        self._clients = []
        shares = [segment.share for segment in segments]
        for index in range(clients):
            segment = rng.choices(segments, shares)[0]
            addresses = (segment.v4[257 + index].packed, segment.v6[257 + index].packed)
            self._clients.append(_Client(segment, addresses, rng.randrange(FIRST_PORT, 65_536)))

    def visit(self, start_ns: int) -> Iterator[Plan]:
        """What one client does at a moment: a flow, and the look-ups that it needs before."""
        rng = self._rng
        client = rng.choice(self._clients)
        family = int(rng.random() < IPV6_SHARE)
        kinds: list[Nameless | str] = [*NAMELESS, "named", "ping", "arp"]
        weights = [kind.weight for kind in NAMELESS] + [NAMED_WEIGHT, PING_WEIGHT, ARP_WEIGHT]
        kind = rng.choices(kinds, weights)[0]
        if isinstance(kind, Nameless):
            yield self._nameless(client, family, kind, start_ns)
        elif kind == "named":
            yield from self._named(client, family, start_ns)
        elif kind == "ping":
            yield self._ping(client, family, start_ns)
        else:
            yield self._arp(client, start_ns)

    def _named(self, client: _Client, family: int, start_ns: int) -> Iterator[Plan]:
        """A visit to a service: usually looked up first, except where Encrypted ClientHello hides the name."""
        rng = self._rng
        service = rng.choices(SERVICES, [service.weight for service in SERVICES])[0]
        way = rng.choice(service.speaks)
        if way == "nameless" or (way != "ech" and rng.random() < 0.85):
            for kind in ("AAAA" if family else "A", *(("HTTPS",) if rng.random() < 0.5 else ())):
                yield self._look_up(client, family, service, kind, start_ns)
            start_ns += 60 * MILLISECOND_NS + rng.randrange(40 * MILLISECOND_NS)
        yield self._connection(client, family, service, way, start_ns)

    def _look_up(self, client: _Client, family: int, service: Service, kind: str, start_ns: int) -> Plan:
        alias = f"{service.application}.edge.hallwatch-cdn.example" if len(service.hostname) % 3 == 0 else None
        ends = Endpoints(client.addresses[family], client.port(), RESOLVERS[family], 53)
        over_stream = self._rng.random() < 0.02
        truth = self._truth(ends, client, "tcp" if over_stream else "udp", "dns", "dns", "infrastructure", canary=False)

        def talk(rng: random.Random) -> Iterator[Packet]:
            lines = dialogues.look_up(rng, service.hostname, kind, service.addresses, alias=alias)
            if not over_stream:
                return over_udp(ends, truth.vlan, lines)
            prefixed = (line._replace(data=names.over_tcp(line.data)) for line in lines)
            return over_tcp(rng, ends, truth.vlan, prefixed)

        return Plan(truth, talk, start_ns, 10 * MILLISECOND_NS)

    def _connection(self, client: _Client, family: int, service: Service, way: str, start_ns: int) -> Plan:
        address = service.addresses[family]
        visible, outer_name = Evidence.SNI, None
        if way == "ech":  # an edge of its own, for which no look-up was ever seen
            address = address[:-2] + bytes([address[-2] | 0x40, address[-1]])
            visible, outer_name = Evidence.ECH, ECH_PUBLIC_NAME
        visible = {"nameless": Evidence.DNS, "quic": Evidence.QUIC, "http": Evidence.HOST}.get(way, visible)
        protocol = way if way in ("quic", "http") else "tls"
        transport = "udp" if way == "quic" else "tcp"
        ends = Endpoints(client.addresses[family], client.port(), address, 80 if way == "http" else 443)
        truth = self._truth(ends, client, transport, protocol, service.application, service.category)
        truth = replace(truth, hostname=service.hostname, outer_name=outer_name, visible=visible)
        return self._paced(truth, partial(_named_talk, truth, way), start_ns)

    def _nameless(self, client: _Client, family: int, kind: Nameless, start_ns: int) -> Plan:
        network = (PEER_V4, PEER_V6)[family]
        peer = network[self._rng.randrange(1, 65_000)].packed
        ends = Endpoints(client.addresses[family], client.port(), peer, kind.port)
        truth = self._truth(
            ends, client, kind.transport, kind.protocol, kind.application, kind.category, canary=kind.protocol != "ntp"
        )
        if kind.application == "unknown":
            truth = replace(truth, visible=Evidence.NONE)
        return self._paced(truth, partial(_nameless_talk, truth, kind), start_ns)

    def _ping(self, client: _Client, family: int, start_ns: int) -> Plan:
        peer = (PEER_V4, PEER_V6)[family][self._rng.randrange(1, 65_000)].packed
        ends = Endpoints(client.addresses[family], 0, peer, 0)
        name = "icmp6" if family else "icmp"
        truth = self._truth(ends, client, name, name, "icmp", "infrastructure")
        return self._paced(truth, lambda rng: pings(rng, ends, truth.vlan, truth.flow_number), start_ns)

    def _arp(self, client: _Client, start_ns: int) -> Plan:
        asker, owner = client.addresses[0], client.segment.v4[1].packed
        truth = self._truth(Endpoints(b"", 0, b"", 0), client, "arp", "arp", "arp", "infrastructure", canary=False)
        return self._paced(truth, lambda _rng: address_resolution(asker, owner, truth.vlan), start_ns)

    def _truth(
        self,
        ends: Endpoints,
        client: _Client,
        transport: str,
        protocol: str,
        application: str,
        category: str,
        *,
        canary: bool = True,
    ) -> Truth:
        number = self._next_number
        self._next_number = number + 1
        return Truth(
            flow_number=number,
            ends=ends,
            vlan=client.segment.vlan,
            transport=transport,
            protocol=protocol,
            application=application,
            category=category,
            hostname=None,
            outer_name=None,
            visible=Evidence.PROTOCOL,
            canary=canary,
        )

    def _paced(self, truth: Truth, talk: Talk, start_ns: int) -> Plan:
        pace_ns = int(MILLISECOND_NS * 10 ** self._rng.uniform(0, 1.8))
        return Plan(truth, talk, start_ns, max(1, min(pace_ns, self._max_pace_ns)))


def _named_talk(truth: Truth, way: str, rng: random.Random) -> Iterator[Packet]:
    """A connection to a service; one in eight meets troubles on its way."""
    name, number, sizes = truth.hostname or "", truth.flow_number, _sizes(rng)
    if way == "quic":
        version = quic.VERSION_2 if rng.random() < 0.15 else quic.VERSION_1
        browser = rng.choice(BROWSERS[:4])
        lines = dialogues.quic_connection(rng, number, name, sizes, browser=browser, version=version)
        packets, spared = over_udp(truth.ends, truth.vlan, lines), 0
    elif way == "http":
        lines = dialogues.http(rng, number, name, sizes)
        packets, spared = over_tcp(rng, truth.ends, truth.vlan, lines), INTRODUCTION_PACKETS
    else:
        hides = way == "ech"
        browser = rng.choice((CHROME, FIREFOX) if hides else BROWSERS)
        shown = truth.outer_name if hides else None if way == "nameless" else name
        lines = dialogues.tls(rng, number, shown, sizes, browser=browser, encrypted=hides)
        packets, spared = over_tcp(rng, truth.ends, truth.vlan, lines), 3
    return impaired(rng, packets, spared) if rng.random() < 1 / 8 else packets


def _nameless_talk(truth: Truth, kind: Nameless, rng: random.Random) -> Iterator[Packet]:
    lines = kind.speaker(rng, truth.flow_number, _sizes(rng))
    if kind.transport == "tcp":
        packets = over_tcp(rng, truth.ends, truth.vlan, lines, midstream=kind.midstream)
    else:
        packets = over_udp(truth.ends, truth.vlan, lines)
    return impaired(rng, packets, INTRODUCTION_PACKETS) if rng.random() < 1 / 8 else packets


def _sizes(rng: random.Random) -> list[int]:
    """Bytes said in turn, up and down: few flows carry most of the day."""
    sizes = []
    for _ in range(rng.choice((1, 1, 2, 2, 3, 5))):
        sizes += [rng.randrange(80, 900), min(60_000, int(rng.lognormvariate(8.0, 1.4)) + 64)]
    return sizes
