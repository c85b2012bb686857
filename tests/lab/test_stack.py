"""Frames: read back by dpkt, with their checksums added up here."""

import struct

import dpkt
import pytest

from agent.flow import Direction, Endpoints
from agent.lab.frames import Packet
from agent.lab.stack import ACK, FIN, PSH, RST, SYN, TcpTalk, Wire, fragments

V4 = Endpoints(b"\x0a\x14\x00\x05", 50_000, b"\xc6\x12\x01\x01", 443)
V6 = Endpoints(b"\xfd" + bytes(14) + b"\x05", 50_000, b"\x20\x01" + bytes(13) + b"\x01", 443)
BOTH = pytest.mark.parametrize("ends", [V4, V6], ids=["IPv4", "IPv6"])
TO_SERVER, TO_CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT


def _words(data: bytes) -> int:
    """Ones' complement sum, word by word (RFC 1071 section 4.1)."""
    data += b"\0" * (len(data) % 2)
    total = sum(int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def _read(packet: Packet) -> tuple[dpkt.ip.IP | dpkt.ip6.IP6, bytes]:
    """The IP packet and its payload, after checking all lengths and sums."""
    frame = dpkt.ethernet.Ethernet(packet.data)
    ip = frame.data
    at = 18 if frame.type == dpkt.ethernet.ETH_TYPE_8021Q else 14
    if isinstance(ip, dpkt.ip.IP):
        assert 0xFFFF == _words(packet.data[at : at + 20])
        assert len(packet.data) - at == ip.len
        payload, protocol = packet.data[at + 20 :], ip.p
    else:
        assert len(packet.data) - at - 40 == ip.plen
        payload, protocol = packet.data[at + 40 :], ip.nxt
    pseudo = b"" if protocol == 1 else ip.src + ip.dst + struct.pack("!II", len(payload), protocol)
    assert 0xFFFF == _words(pseudo + payload)
    return ip, payload


@BOTH
@pytest.mark.parametrize("vlan", [None, 20])
@pytest.mark.parametrize("length", [0, 1, 2, 1400])
def test_udp_reads_back(ends: Endpoints, vlan: int | None, length: int) -> None:
    """Addresses, ports, tag, lengths and checksums are right both ways, for odd and even payloads."""
    wire = Wire(ends, vlan=vlan)
    for direction in Direction:
        payload = bytes(range(256)) * 6
        packet = wire.udp(direction, payload[:length])
        ip, _ = _read(packet)
        there = (ip.src, ip.data.sport), (ip.dst, ip.data.dport)
        assert (there if direction == TO_SERVER else there[::-1]) == (
            (ends.client, ends.client_port),
            (ends.server, ends.server_port),
        )
        assert payload[:length] == ip.data.data
        assert (vlan is not None) == hasattr(dpkt.ethernet.Ethernet(packet.data), "vlan_tags")


@BOTH
@pytest.mark.parametrize("start_ms", [None, 2**32 - 1])
def test_a_connection_keeps_its_sequence_numbers(ends: Endpoints, start_ms: int | None) -> None:
    """Streams reassemble from sequence numbers across the wrap, and flags tell opening and end."""
    initial = (2**32 - 50, 2**32 - 1)
    talk = TcpTalk(Wire(ends), initial_sequences=initial, start_ms=start_ms)
    said = {TO_SERVER: b"up" * 100, TO_CLIENT: b"down" * 1000}
    packets = list(talk.open())
    for direction, data in said.items():
        packets += talk.send(direction, data, cuts=(1, 77))
    packets += talk.close()
    segments = [(packet.direction, _read(packet)[0].data) for packet in packets]
    heard = {TO_SERVER: bytearray(200), TO_CLIENT: bytearray(4000)}
    for direction, segment in segments[3:]:
        offset = (segment.seq - initial[direction] - 1) % 2**32
        heard[direction][offset : offset + len(segment.data)] = segment.data
    assert said == heard
    assert [SYN, SYN | ACK, ACK] == [segment.flags for _, segment in segments[:3]]
    assert [FIN | ACK, FIN | ACK, ACK] == [segment.flags for _, segment in segments[-3:]]
    assert {ACK | PSH} == {segment.flags for _, segment in segments[3:-3]}
    assert RST | ACK == _read(talk.reset(TO_CLIENT))[0].data.flags


@BOTH
def test_echo_reads_back(ends: Endpoints) -> None:
    """Request and reply have their types, and right checksums."""
    wire = Wire(ends, vlan=10)
    types = []
    for direction in Direction:
        ip, payload = _read(wire.echo(direction, 7, 1, b"data"))
        types.append(payload[0])
        assert struct.pack("!HH", 7, 1) + b"data" == payload[4:]
        assert (ends.client if direction == TO_SERVER else ends.server) == ip.src
    assert ([8, 0] if ends is V4 else [128, 129]) == types


@BOTH
@pytest.mark.parametrize("vlan", [None, 20])
def test_fragments_make_the_packet_again(ends: Endpoints, vlan: int | None) -> None:
    """Put together by their offsets, fragments are the datagram; all but the last say that more follow."""
    packet = Wire(ends, vlan=vlan).udp(TO_SERVER, bytes(range(250)) * 4)
    _, whole = _read(packet)
    heard = bytearray(len(whole))
    more = []
    for piece in fragments(packet, 400):
        ip = dpkt.ethernet.Ethernet(piece.data).data
        if isinstance(ip, dpkt.ip.IP):
            offset, last, body = 8 * ip.offset, not ip.mf, piece.data[len(piece.data) - ip.len + 20 :]
        else:
            header = ip.extension_hdrs[44]
            offset, last, body = 8 * header.frag_off, not header.m_flag, piece.data[len(piece.data) - ip.plen + 8 :]
        heard[offset : offset + len(body)] = body
        more.append(not last)
    assert whole == heard
    assert [True, True, False] == more
