"""Envelopes: the packet is inside, and every length around it is right, as dpkt sees it."""

import dpkt
import pytest

from agent.flow import Direction, Endpoints
from agent.lab import envelopes
from agent.lab.frames import Frame
from agent.lab.stack import Wire

V4 = Wire(Endpoints(b"\x0a\x14\x00\x05", 50_000, b"\xc6\x12\x01\x01", 443))
V6 = Wire(Endpoints(b"\xfd" + bytes(14) + b"\x05", 50_000, b"\x20\x01" + bytes(13) + b"\x01", 443))
BOTH = pytest.mark.parametrize("wire", [V4, V6], ids=["IPv4", "IPv6"])
PAYLOAD = b"what is inside" * 5


def _plain(wire: Wire) -> bytes:
    return wire.udp(Direction.TO_SERVER, PAYLOAD).data


def _outer_body(frame: bytes) -> tuple[int, bytes]:
    """Protocol and payload of the outer IP packet, whose length must be the frame's."""
    ip = dpkt.ethernet.Ethernet(frame).data
    if isinstance(ip, dpkt.ip.IP):
        assert len(frame) - 14 == ip.len
        return ip.p, frame[14 + 20 :]
    assert len(frame) - 54 == ip.plen
    return ip.nxt, frame[54:]


@BOTH
@pytest.mark.parametrize("name", envelopes.ENVELOPES)
def test_the_packet_is_inside(wire: Wire, name: str) -> None:
    """Whatever the envelope, the IP packet stands at its end, unchanged."""
    plain = _plain(wire)
    made = envelopes.ENVELOPES[name](plain)
    assert made.endswith(plain[14:])
    assert len(made) > len(plain)


@BOTH
@pytest.mark.parametrize("name", ["vlan", "qinq", "mpls", "pppoe"])
def test_dpkt_reads_through_tags(wire: Wire, name: str) -> None:
    """dpkt finds the datagram behind tags, labels and a PPPoE session."""
    inner = dpkt.ethernet.Ethernet(envelopes.ENVELOPES[name](_plain(wire))).data
    if name == "pppoe":
        inner = inner.data.data
    assert PAYLOAD == inner.data.data


def test_tags_are_the_documented_ones() -> None:
    """VLAN 20; for QinQ 100 outside, 20 inside."""
    tags = dpkt.ethernet.Ethernet(envelopes.qinq(_plain(V4))).vlan_tags
    assert [100, 20] == [tag.id for tag in tags]
    assert [20] == [tag.id for tag in dpkt.ethernet.Ethernet(envelopes.vlan(_plain(V4))).vlan_tags]


@BOTH
@pytest.mark.parametrize(
    ("name", "protocol", "header"),
    [
        ("gre", 47, None),
        ("gre-ethernet", 47, "00006558"),
        ("erspan-1", 47, "000088be"),
        ("erspan-2", 47, "100088be00000001"),
        ("erspan-3", 47, "100022eb00000001"),
    ],
)
def test_gre_headers(wire: Wire, name: str, protocol: int, header: str | None) -> None:
    """Flags and protocol types are those that tell the kinds of GRE apart (RFC 2784, RFC 2890)."""
    plain = _plain(wire)
    found, body = _outer_body(envelopes.ENVELOPES[name](plain))
    assert protocol == found
    if header is None:
        assert (0xB0, plain[12:14]) == (body[0], body[2:4])
        assert plain[14:] == body[16:]
    else:
        assert body.hex().startswith(header)


@BOTH
def test_erspan_headers_have_their_length(wire: Wire) -> None:
    """Type I has no header, type II eight bytes, type III twelve; then the frame begins."""
    plain = _plain(wire)
    for name, at in (("erspan-1", 4), ("erspan-2", 16), ("erspan-3", 20)):
        assert plain == _outer_body(envelopes.ENVELOPES[name](plain))[1][at:]


@BOTH
@pytest.mark.parametrize(("name", "port", "at"), [("vxlan", 4789, 16), ("geneve", 6081, 24), ("gtp-u", 2152, 24)])
def test_udp_tunnels(wire: Wire, name: str, port: int, at: int) -> None:
    """Port, UDP length and the inner frame's place are right."""
    plain = _plain(wire)
    protocol, body = _outer_body(envelopes.ENVELOPES[name](plain))
    udp = dpkt.udp.UDP(body)
    assert (17, port, len(body)) == (protocol, udp.dport, udp.ulen)
    assert plain[14 if name == "gtp-u" else 0 :] == body[at:]


@BOTH
@pytest.mark.parametrize("name", ["in-ipv4", "in-ipv6"])
def test_ip_in_ip(wire: Wire, name: str) -> None:
    """Protocol 4 carries IPv4, 41 carries IPv6 (RFC 2003, RFC 4213, RFC 2473)."""
    plain = _plain(wire)
    assert (4 if wire is V4 else 41, plain[14:]) == _outer_body(envelopes.ENVELOPES[name](plain))


def test_options_and_extensions_read_back() -> None:
    """dpkt reads options in IPv4 and extension headers in IPv6, and the datagram behind them."""
    ip = dpkt.ethernet.Ethernet(envelopes.ipv4_options(_plain(V4))).data
    assert (8, b"\x07", PAYLOAD) == (ip.hl, ip.opts[:1], ip.data.data)
    ip6 = dpkt.ethernet.Ethernet(envelopes.ipv6_extensions(_plain(V6))).data
    assert [0, 43, 60] == list(ip6.extension_hdrs)
    assert PAYLOAD == ip6.data.data


@BOTH
@pytest.mark.parametrize(
    ("linktype", "head_bytes", "reader"),
    [
        (9, 2, None),
        (50, 4, dpkt.ppp.PPP),
        (113, 16, dpkt.sll.SLL),
        (276, 20, dpkt.sll2.SLL2),
        (101, 0, None),
        (0, 4, None),
        (104, 4, None),
    ],
)
def test_link_types(wire: Wire, linktype: int, head_bytes: int, reader: type | None) -> None:
    """The IP packet follows the link's header, and dpkt reads it where it knows the link."""
    plain = _plain(wire)
    made = envelopes.LINKS[linktype](plain)
    assert made.endswith(plain[14:])
    assert head_bytes == len(made) - len(plain) + 14
    if reader is not None:
        assert PAYLOAD == reader(made).data.data.data
    assert 7 == len(envelopes.LINKS)


def test_frames_keep_their_time() -> None:
    """Enclosing changes bytes and nothing else; cutting keeps the length on the wire."""
    frames = [Frame(5, _plain(V4)), Frame(9, _plain(V4)[:50])]
    assert [5, 9] == [frame.time_ns for frame in envelopes.enclosed(frames, envelopes.vlan)]
    cut = envelopes.cut_short(frames, 60)
    assert [60, 50] == [len(frame.data) for frame in cut]
    assert [frame.wire_bytes for frame in frames] == [frame.wire_bytes for frame in cut]
