"""Payloads -> frames: Ethernet, 802.1Q, IPv4 or IPv6, TCP or UDP, with correct lengths and checksums.

Scapy builds each kind of header once; the fields that differ from packet to packet are written into a copy, because
building every packet with scapy costs half a millisecond.
"""

import struct
from collections.abc import Iterable, Iterator
from functools import cache
from zlib import crc32

from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6, IPv6ExtHdrFragment
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Packet as Layers
from scapy.packet import Raw

from agent.flow import Direction, Endpoints
from agent.lab.cuts import pieces
from agent.lab.frames import Packet

FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10
"""TCP flags (RFC 9293 section 3.1)."""

DEFAULT_MSS_BYTES = 1400
"""Keeps a tagged IPv6 frame with TCP timestamps under 1518 bytes."""

WINDOW = 0xFAF0

TTL = (127, 55)
"""By Direction: the client is one hop from the tap, the server several."""

_TCP_OPTIONS: dict[str, list[tuple[str, object]]] = {
    "tcp": [],
    "tcp timestamps": [("NOP", None), ("NOP", None), ("Timestamp", (0, 0))],
    "tcp syn": [
        ("MSS", DEFAULT_MSS_BYTES),
        ("NOP", None),
        ("WScale", 8),
        ("NOP", None),
        ("NOP", None),
        ("SAckOK", b""),
    ],
}


_ECHO_TYPES = {4: (8, 0), 6: (128, 129)}
"""IP version -> types of ICMP echo messages by Direction (RFC 792, RFC 4443 section 4)."""


@cache
def _template(version: int, vlan: int | None, kind: str) -> bytes:
    """A header with everything in it that does not depend on the packet."""
    layers = Ether(src="00:00:00:00:00:00", dst="00:00:00:00:00:00")
    if vlan is not None:
        layers /= Dot1Q(vlan=vlan)
    if version == 4:
        layers /= IP(src="0.0.0.0", dst="0.0.0.0", flags="DF" if kind in _TCP_OPTIONS else "", len=0, chksum=0)
    else:
        layers /= IPv6(src="::", dst="::", plen=0)
    if kind == "udp":
        layers /= UDP(len=0, chksum=0)
    elif kind == "echo":
        layers /= ICMP(chksum=0) if version == 4 else ICMPv6EchoRequest(cksum=0)
    else:
        layers /= TCP(chksum=0, options=_TCP_OPTIONS[kind])
    return bytes(layers)


def _ones_sum(data: bytes | bytearray) -> int:
    """The ones' complement sum of 16-bit words (RFC 1071): the whole as one number, modulo 2**16 - 1."""
    return int.from_bytes(data, "big") * (256 if len(data) % 2 else 1) % 0xFFFF


def mac(address: bytes) -> bytes:
    """A locally administered MAC address made of the last bytes of an IP address."""
    return b"\x02\x00" + address[-4:]


class Wire:
    """Makes the frames of one flow; knows its addresses and ports, and no protocol above UDP and TCP."""

    def __init__(self, ends: Endpoints, *, vlan: int | None = None) -> None:
        self.ends = ends
        self.vlan = vlan
        self.version = 4 if len(ends.client) == 4 else 6
        self._network_at = 14 if vlan is None else 18
        self._transport_at = self._network_at + (20 if self.version == 4 else 40)
        self._address_sum = _ones_sum(ends.client + ends.server)
        self._ipv4_id = [ends.client_port, ends.server_port]
        self._headers: dict[tuple[Direction, str], bytes] = {}

    def udp(self, direction: Direction, payload: bytes) -> Packet:
        """One datagram."""
        head = self._header(direction, "udp")
        length = 8 + len(payload)
        struct.pack_into("!H", head, self._transport_at + 4, length)
        return self._finish(direction, head, payload, 17, self._transport_at + 6)

    def tcp(
        self,
        direction: Direction,
        sequence: int,
        acknowledgement: int,
        flags: int,
        payload: bytes = b"",
        *,
        time_ms: int | None = None,
    ) -> Packet:
        """One segment; with the timestamp option (RFC 7323) when `time_ms` is given, with SYN's options on a SYN."""
        kind = "tcp syn" if flags & SYN else "tcp" if time_ms is None else "tcp timestamps"
        head = self._header(direction, kind)
        at = self._transport_at
        struct.pack_into("!II", head, at + 4, sequence % 2**32, acknowledgement % 2**32)
        struct.pack_into("!BH", head, at + 13, flags, WINDOW)
        if kind == "tcp timestamps" and time_ms is not None:
            struct.pack_into("!II", head, at + 24, time_ms % 2**32, (time_ms - 20) % 2**32)
        return self._finish(direction, head, payload, 6, at + 16)

    def echo(self, direction: Direction, identifier: int, sequence: int, payload: bytes) -> Packet:
        """An ICMP or ICMPv6 echo request from the client, or the reply from the server."""
        head = self._header(direction, "echo")
        at = self._transport_at
        head[at] = _ECHO_TYPES[self.version][direction]
        struct.pack_into("!HH", head, at + 4, identifier, sequence)
        return self._finish(direction, head, payload, 1 if self.version == 4 else 58, at + 2)

    def _header(self, direction: Direction, kind: str) -> bytearray:
        found = self._headers.get((direction, kind))
        if found is None:
            found = self._headers[direction, kind] = self._addressed(direction, kind)
        return bytearray(found)

    def _addressed(self, direction: Direction, kind: str) -> bytes:
        ends = self.ends
        source, source_port, target, target_port = ends.client, ends.client_port, ends.server, ends.server_port
        if direction == Direction.TO_CLIENT:
            source, source_port, target, target_port = target, target_port, source, source_port
        head = bytearray(_template(self.version, self.vlan, kind))
        head[0:12] = mac(target) + mac(source)
        at = self._network_at
        head[at + (8 if self.version == 4 else 7)] = TTL[direction]
        head[self._transport_at - 2 * len(source) : self._transport_at] = source + target
        if kind != "echo":
            struct.pack_into("!HH", head, self._transport_at, source_port, target_port)
        return bytes(head)

    def _finish(self, direction: Direction, head: bytearray, payload: bytes, protocol: int, sum_at: int) -> Packet:
        at = self._network_at
        if self.version == 4:
            self._ipv4_id[direction] = (self._ipv4_id[direction] + 1) % 2**16
            struct.pack_into("!HH", head, at + 2, len(head) - at + len(payload), self._ipv4_id[direction])
            struct.pack_into("!H", head, at + 10, 0xFFFF - _ones_sum(head[at : at + 20]))
        else:
            struct.pack_into("!H", head, at + 4, len(head) - self._transport_at + len(payload))
        transport = head[self._transport_at :] + payload
        total = _ones_sum(transport)
        if protocol != 1:  # ICMP alone has no pseudo-header in its checksum
            total += self._address_sum + protocol + len(transport)
        struct.pack_into("!H", head, sum_at, 0xFFFF - total % 0xFFFF)
        return Packet(direction, bytes(head) + payload)


class TcpTalk:
    """One TCP connection over a wire: opens, cuts streams into segments, closes, and keeps both sequence numbers."""

    def __init__(
        self,
        wire: Wire,
        *,
        initial_sequences: tuple[int, int] = (1000, 2000),
        mss_bytes: int = DEFAULT_MSS_BYTES,
        start_ms: int | None = None,
    ) -> None:
        """`initial_sequences` are by Direction. With `start_ms`, segments carry timestamps that count up from it."""
        self.wire = wire
        self._initial = initial_sequences
        self._mss_bytes = mss_bytes
        self._time_ms = start_ms
        self._sent = [0, 0]

    def open(self) -> Iterator[Packet]:
        """The three-way handshake."""
        client, server = self._initial
        yield self.wire.tcp(Direction.TO_SERVER, client, 0, SYN)
        yield self.wire.tcp(Direction.TO_CLIENT, server, client + 1, SYN | ACK)
        yield self.acknowledge(Direction.TO_SERVER)

    def at(self, direction: Direction, offset: int, payload: bytes, flags: int = ACK | PSH) -> Packet:
        """A segment at a place of the stream, in bytes from its start; the connection does not move on."""
        other = Direction(1 - direction)
        sequence = self._initial[direction] + 1 + offset
        acknowledgement = self._initial[other] + 1 + self._sent[other]
        if self._time_ms is not None:
            self._time_ms += 1
        return self.wire.tcp(direction, sequence, acknowledgement, flags, payload, time_ms=self._time_ms)

    def send(self, direction: Direction, data: bytes, cuts: Iterable[int] = ()) -> Iterator[Packet]:
        """Segments for `data`, cut at the given positions and wherever a segment would exceed the MSS."""
        for _, stretch in pieces(data, cuts):
            for _, piece in pieces(stretch, range(self._mss_bytes, len(stretch), self._mss_bytes)):
                packet = self.at(direction, self._sent[direction], piece)
                self._sent[direction] += len(piece)
                yield packet

    def skip(self, direction: Direction, length_bytes: int) -> None:
        """Moves the connection on by what was sent with at()."""
        self._sent[direction] += length_bytes

    def acknowledge(self, direction: Direction) -> Packet:
        """A segment without payload."""
        return self.at(direction, self._sent[direction], b"", ACK)

    def close(self) -> Iterator[Packet]:
        """FIN from the client, FIN from the server, and the last acknowledgement."""
        yield self.at(Direction.TO_SERVER, self._sent[0], b"", FIN | ACK)
        self._sent[0] += 1
        yield self.at(Direction.TO_CLIENT, self._sent[1], b"", FIN | ACK)
        self._sent[1] += 1
        yield self.acknowledge(Direction.TO_SERVER)

    def reset(self, direction: Direction) -> Packet:
        """A reset."""
        return self.at(direction, self._sent[direction], b"", RST | ACK)


def fragments(packet: Packet, piece_bytes: int) -> list[Packet]:
    """The packet as IP fragments of `piece_bytes` of IP payload, a multiple of 8 (RFC 791, RFC 8200 section 4.5)."""
    data = packet.data
    network_at = 18 if data[12:14] == b"\x81\x00" else 14
    version = data[network_at] >> 4
    body_at = network_at + (20 if version == 4 else 40)
    head = (IP if version == 4 else IPv6)(data[network_at:body_at])
    body = data[body_at:]
    made = []
    for start in range(0, len(body), piece_bytes):
        more = start + piece_bytes < len(body)
        piece = Raw(body[start : start + piece_bytes])
        place = start // 8
        envelope = (
            _fragment_ipv4(head, place, more=more)
            if version == 4
            else _fragment_ipv6(head, place, crc32(body), more=more)
        )
        made.append(Packet(packet.direction, data[:network_at] + bytes(envelope / piece)))
    return made


def _fragment_ipv4(head: Layers, place: int, *, more: bool) -> Layers:
    flags = "MF" if more else ""
    return IP(src=head.src, dst=head.dst, ttl=head.ttl, id=head.id, proto=head.proto, flags=flags, frag=place)


def _fragment_ipv6(head: Layers, place: int, identification: int, *, more: bool) -> Layers:
    fragment = IPv6ExtHdrFragment(nh=head.nh, offset=place, m=int(more), id=identification)
    return IPv6(src=head.src, dst=head.dst, hlim=head.hlim, nh=44) / fragment
