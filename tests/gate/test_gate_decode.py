"""Frames in every envelope -> the flow inside them; frames that are cut, nested or spoilt -> a count, never a crash."""

import struct

import pytest

from agent.flow import Direction, Endpoints, SliceKind
from agent.lab import envelopes
from agent.lab.canary import filled
from agent.lab.crafted import START_NS, ends_of, timed
from agent.lab.frames import Frame
from agent.lab.stack import Wire
from tests.gate.feeding import Feeder, kinds

TO_SERVER, TO_CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT

FLOW = 17
PAYLOAD = bytes(range(40))
OUTER = {
    **dict.fromkeys(("gre", "gre-ethernet", "erspan-1", "erspan-2", "erspan-3", "in-ipv4", "in-ipv6"), (0, 0)),
    "vxlan": (49_999, 4789),
    "geneve": (49_999, 6081),
    "gtp-u": (49_999, 2152),
    "nested": (49_999, 4789),
}
"""Envelopes that are tunnels, and the ports of their outer packets."""
VLANS = {"vlan": 20, "qinq": 100, "erspan-2": 20, "erspan-3": 20, "nested": 20}
HEADER_LIMIT = 24


def datagram(*, ipv6: bool = False, payload: bytes = PAYLOAD, vlan: int | None = None) -> bytes:
    """A frame with one datagram from the client."""
    return Wire(ends_of(FLOW, 27015, ipv6=ipv6), vlan=vlan).udp(TO_SERVER, payload).data


def only_flow(feed: Feeder, data: bytes, *, link: int = 1, vlan: int = -1) -> int:
    """Feeds one frame and returns the slot of the flow it made."""
    feed([Frame(START_NS, data)], link=link, vlan=vlan)
    (slot,) = feed.live()
    return slot


BOTH = pytest.mark.parametrize("ipv6", [False, True], ids=["IPv4", "IPv6"])


@BOTH
@pytest.mark.parametrize("envelope", envelopes.ENVELOPES)
def test_envelope(feed: Feeder, envelope: str, ipv6: bool) -> None:
    """The flow is that of the packet inside; tag and tunnel are known beside it, the frame's bytes are all counted."""
    data = envelopes.ENVELOPES[envelope](datagram(ipv6=ipv6))
    slot = only_flow(feed, data)
    flow = feed.gate.table.flow(slot)
    outer = flow.outer

    assert ends_of(FLOW, 27015, ipv6=ipv6) == flow.ends
    assert (0x86DD if ipv6 else 0x0800, 17) == (flow.ethertype, flow.ip_protocol)
    assert VLANS.get(envelope) == flow.vlan
    assert OUTER.get(envelope) == (outer and (outer.client_port, outer.server_port))
    assert ((1, 0), (len(data), 0)) == feed.gate.table.counts(slot)
    if outer:
        size = 16 if envelope == "in-ipv6" else 4
        assert (size, size) == (len(outer.client), len(outer.server))
        assert (1, 2) == (outer.client[-1], outer.server[-1])


@BOTH
@pytest.mark.parametrize("link", envelopes.LINKS)
def test_link_type(feed: Feeder, link: int, ipv6: bool) -> None:
    """A frame as it stands in a capture file of another link type is the same flow."""
    slot = only_flow(feed, envelopes.LINKS[link](datagram(ipv6=ipv6)), link=link)

    assert ends_of(FLOW, 27015, ipv6=ipv6) == feed.gate.table.flow(slot).ends


def _ipv4(data: bytes, protocol: int, body: bytes) -> bytes:
    return data[:14] + struct.pack("!BBHIBBH", 0x45, 0, 20 + len(body), 0, 64, protocol, 0) + data[26:34] + body


def _ah(data: bytes) -> bytes:
    return _ipv4(data, 51, b"\x11\x04\0\0" + bytes(20) + data[34:])


def _ah_ipv6(data: bytes) -> bytes:
    body = b"\x11\x04\0\0" + bytes(20) + data[54:]
    return data[:18] + struct.pack("!HBB", len(body), 51, 64) + data[22:54] + body


def _capwap(body: bytes, *, native: bool, port: int = 5247, to_controller: bool = True) -> bytes:
    """CAPWAP data (RFC 5415 section 4.3) between an access point and its controller."""
    header = struct.pack("!I", 2 << 19 | 1 << 14 | 1 << 9 | native << 8) + bytes(4)
    ends = Endpoints(b"\x0a\0\0\1", 40_000, b"\x0a\0\0\2", port)
    return Wire(ends).udp(TO_SERVER if to_controller else TO_CLIENT, header + body).data


def _wireless(data: bytes, control: bytes) -> bytes:
    """The frame as IEEE 802.11 data with LLC and SNAP."""
    quality = b"\0\0" if 0x88 in control else b""
    return control + bytes(22) + quality + b"\xaa\xaa\x03\0\0\0" + data[12:]


OTHERS: dict[str, envelopes.Envelope] = {
    "authentication header": _ah,
    "CAPWAP, 802.3": lambda data: _capwap(data, native=False),
    "CAPWAP, from the controller": lambda data: _capwap(data, native=False, to_controller=False),
    "CAPWAP, 802.11": lambda data: _capwap(_wireless(data, b"\x08\x01"), native=True),
    "CAPWAP, 802.11 swapped": lambda data: _capwap(_wireless(data, b"\x01\x08"), native=True),
    "CAPWAP, 802.11 QoS": lambda data: _capwap(_wireless(data, b"\x88\x01"), native=True),
    "SNAP": lambda data: data[:12] + struct.pack("!H", len(data) - 6) + b"\xaa\xaa\x03\0\0\0" + data[12:],
    "MPLS pseudowire": lambda data: data[:12] + b"\x88\x47" + b"\0\1\1\x40" + bytes(4) + data,
    "MPLS in IP": lambda data: _ipv4(data, 137, b"\0\1\1\x40" + data[14:]),
    "old QinQ": lambda data: data[:12] + b"\x91\0\0\x14\x81\0\0\x15" + data[12:],
    "GTP-U without extensions": lambda data: (
        Wire(ends_of(1, 2152)).udp(TO_SERVER, b"\x30\xff\0\0\0\0\0\1" + data[14:]).data
    ),
    "GTP-U with a number": lambda data: (
        Wire(ends_of(1, 2152)).udp(TO_SERVER, b"\x32\xff\0\0\0\0\0\1\0\1\0\0" + data[14:]).data
    ),
    "PPTP": lambda data: _ipv4(data, 47, b"\x30\x81\x88\x0b\0\0\0\0" + bytes(8) + b"\0\x21" + data[14:]),
    "segmentation offload": lambda data: data[:16] + b"\0\0" + data[18:],
}
"""Envelopes that the lab has not: a frame of an IPv4 packet -> a frame."""


@pytest.mark.parametrize("name", OTHERS)
def test_other_envelope(feed: Feeder, name: str) -> None:
    """Rarer envelopes hold the same flow."""
    flow = feed.gate.table.flow(only_flow(feed, OTHERS[name](datagram())))

    assert ends_of(FLOW, 27015) == flow.ends
    assert 17 == flow.ip_protocol


LINK_FRAMES = {
    "BSD loopback, big endian": (108, b"\0\0\0\x02", 14),
    "raw IP of BSD": (12, b"", 14),
    "raw IPv4": (228, b"", 14),
    "PPP with compressed protocol": (9, b"\x21", 14),
    "PPP behind HDLC": (9, b"\xff\x03\0\x21", 14),
    "PPPoE": (51, b"\x11\0\0\7\0\0\0\x21", 14),
    "Cisco HDLC, multicast": (104, b"\x8f\0\x08\0", 14),
    "PPI, Ethernet": (192, b"\0\0\x0c\0\1\0\0\0" + bytes(4), 0),
    "PPI, raw IP": (192, b"\0\0\x08\0\x65\0\0\0", 14),
}


@pytest.mark.parametrize("name", LINK_FRAMES)
def test_other_link_type(feed: Feeder, name: str) -> None:
    """Rarer link types hold the same flow."""
    link, head, skip = LINK_FRAMES[name]
    slot = only_flow(feed, head + datagram()[skip:], link=link)

    assert ends_of(FLOW, 27015) == feed.gate.table.flow(slot).ends


def test_ipv6_authentication_header(feed: Feeder) -> None:
    """An authentication header in IPv6 counts its length in four bytes (RFC 4302 section 2.2)."""
    flow = feed.gate.table.flow(only_flow(feed, _ah_ipv6(datagram(ipv6=True))))

    assert ends_of(FLOW, 27015, ipv6=True) == flow.ends


@pytest.mark.parametrize(
    ("tags", "beside", "expected"),
    [
        ((), -1, None),
        ((20,), -1, 20),
        ((), 30, 30),
        ((20,), 30, 30),
        ((), 0, None),
        ((20,), 0, 20),
        ((0,), -1, None),
        ((0, 20), -1, 20),
        ((100, 20, 30), -1, 100),
    ],
)
def test_outermost_tag_counts(feed: Feeder, tags: tuple[int, ...], beside: int, expected: int | None) -> None:
    """A flow's VLAN is the outermost tag of its first frame, be it beside the frame; VLAN 0 only gives a priority."""
    data = datagram()
    stacked = data[:12] + b"".join(b"\x81\0" + struct.pack("!H", 0xE000 | tag) for tag in tags) + data[12:]
    slot = only_flow(feed, stacked, vlan=beside)

    assert expected == feed.gate.table.flow(slot).vlan


@pytest.mark.parametrize(
    ("transport", "mirrored", "expected"), [(None, None, None), (9, None, 9), (9, 20, 20), (None, 20, 20)]
)
def test_tag_inside_a_tunnel(feed: Feeder, transport: int | None, mirrored: int | None, expected: int | None) -> None:
    """The tag of a mirrored frame counts before that of the packets which carry it."""
    outer = envelopes.vxlan(datagram(vlan=mirrored))
    data = outer if transport is None else envelopes.vlan(outer, transport)

    assert expected == feed.gate.table.flow(only_flow(feed, data)).vlan


@pytest.mark.parametrize("envelope", [envelopes.erspan_2, envelopes.erspan_3])
def test_mirrored_frame_without_tag(feed: Feeder, envelope: envelopes.Envelope) -> None:
    """An ERSPAN header that names no VLAN says that the mirrored frame had none, whatever carries the session."""
    data = bytearray(envelope(datagram()))
    data[14 + 20 + 8 : 14 + 20 + 10] = bytes((data[42] & 0xF0, 0))

    assert feed.gate.table.flow(only_flow(feed, envelopes.vlan(bytes(data), 9))).vlan is None


# ---- Frames that go too deep, or make no sense


def _tagged(data: bytes, tags: int) -> bytes:
    return data[:12] + b"\x81\0\0\x14" * tags + data[12:]


def test_deep_tags(feed: Feeder) -> None:
    """Twenty tags are read through; what has more headers than the limit is counted as such, and undecodable."""
    feed([Frame(START_NS, _tagged(datagram(), HEADER_LIMIT - 4))])
    assert (0, 0) == (feed.gate.totals()["truncated_headers"], feed.gate.totals()["undecodable_packets"])

    feed([Frame(START_NS, _tagged(datagram(), tags)) for tags in (HEADER_LIMIT - 3, HEADER_LIMIT, 200)])
    assert (3, 3) == (feed.gate.totals()["truncated_headers"], feed.gate.totals()["undecodable_packets"])


def test_deep_labels_in_a_tunnel(feed: Feeder) -> None:
    """Inside a tunnel such a frame is counted by the tunnel's ends."""
    data = datagram()
    deep = data[:12] + b"\x88\x47" + b"\0\1\0\x40" * 30 + data[14:]
    flow = feed.gate.table.flow(only_flow(feed, envelopes.gre_ethernet(deep)))

    assert (b"\xc0\0\2\1", b"\xc0\0\2\2") == (flow.ends.client, flow.ends.server)
    assert (47, None) == (flow.ip_protocol, flow.outer)
    assert 1 == feed.gate.totals()["truncated_headers"]


def test_nested_tunnels(feed: Feeder) -> None:
    """Three tunnels are read through; a fourth is counted by the ends that the third one carries."""
    data = datagram()
    for _ in range(3):
        data = envelopes.in_ipv4(data)
    flow = feed.gate.table.flow(only_flow(feed, data))
    assert (17, 27015) == (flow.ip_protocol, flow.ends.server_port)
    feed.remove(feed.live())

    flow = feed.gate.table.flow(only_flow(feed, envelopes.in_ipv4(data)))
    assert (4, b"\xc0\0\2\2") == (flow.ip_protocol, flow.ends.server)


def test_fourth_tunnel_stays_closed(feed: Feeder) -> None:
    """What a tunnel beyond the third carries are others' words: they are not opened as the tunnel's own."""
    data = envelopes.vxlan(datagram(payload=filled(FLOW, 60)))
    for _ in range(3):
        data = envelopes.in_ipv4(data)

    assert 4789 == feed.gate.table.flow(only_flow(feed, data)).ends.server_port


@pytest.mark.parametrize("flags", [0x80, 0xC0, 0x08])
def test_capwap_fragment_stays_closed(feed: Feeder, flags: int) -> None:
    """A fragment of CAPWAP's own carries part of somebody's frame."""
    data = bytearray(_capwap(datagram(payload=filled(FLOW, 60)), native=False))
    data[14 + 20 + 8 + 3] |= flags

    assert 5247 == feed.gate.table.flow(only_flow(feed, bytes(data))).ends.server_port
    assert 0 == sum(feed.gate.opened_bytes().values())


@pytest.mark.parametrize("name", OUTER)
def test_unreadable_inside(feed: Feeder, name: str) -> None:
    """A tunnel whose inside makes no sense is counted by its own ends, and nothing of it is opened."""
    plain = datagram(payload=filled(FLOW, 60))
    data = envelopes.ENVELOPES[name](plain)
    spoilt = data[: data.index(plain[14:])] + b"\x99" + plain[15:]
    flow = feed.gate.table.flow(only_flow(feed, spoilt))

    assert OUTER[name] == (flow.ends.client_port, flow.ends.server_port)
    assert flow.outer is None
    assert 0 == feed.gate.totals()["undecodable_packets"]


@pytest.mark.parametrize("port", [4789, 6081, 2152, 5247])
def test_no_tunnel_on_its_port(feed: Feeder, port: int) -> None:
    """A datagram to a tunnel's port that has not its header is a datagram like any other."""
    data = Wire(ends_of(FLOW, port)).udp(TO_SERVER, b"\xff" * 40).data
    flow = feed.gate.table.flow(only_flow(feed, data))

    assert (ends_of(FLOW, port), None) == (flow.ends, flow.outer)


@pytest.mark.parametrize(
    ("link", "data"),
    [
        (1, b""),
        (1, bytes(13)),
        (1, datagram()[:14] + b"\x95" + bytes(40)),
        (1, datagram()[:14] + b"\x41" + bytes(40)),
        (147, bytes(60)),
        (0xFFFFFFFF, bytes(60)),
        (101, b"\x10" + bytes(60)),
        (192, b"\0\0\x08\0\x07\0\0\0" + bytes(60)),
    ],
)
def test_undecodable(feed: Feeder, link: int, data: bytes) -> None:
    """A frame of which not even one layer can be told is counted as undecodable, with its bytes."""
    feed([Frame(START_NS, data)], link=link)

    totals = feed.gate.totals()
    assert (1, len(data)) == (totals["undecodable_packets"], totals["undecodable_bytes"])
    assert [] == feed.live()


@pytest.mark.parametrize(("ethertype", "expected"), [(0x0806, 0x0806), (0x88CC, 0x88CC), (0x8863, 0x8863), (0x0026, 1)])
def test_frames_without_ip(feed: Feeder, ethertype: int, expected: int) -> None:
    """ARP, LLDP, PPPoE discovery and plain LLC are flows by their EtherType, without ends."""
    flow = feed.gate.table.flow(only_flow(feed, bytes(12) + struct.pack("!H", ethertype) + filled(FLOW, 46)))

    assert (expected, 0, Endpoints(b"", 0, b"", 0)) == (flow.ethertype, flow.ip_protocol, flow.ends)


@pytest.mark.parametrize("protocol", [1, 2, 50, 58, 89, 132, 136, 200])
def test_other_protocols_stay_closed(feed: Feeder, protocol: int) -> None:
    """Only TCP and UDP introduce themselves: nothing of any other protocol is opened."""
    slices = feed([Frame(START_NS, _ipv4(datagram(), protocol, filled(FLOW, 80)))])

    assert [] == slices
    assert protocol == feed.gate.table.flow(0).ip_protocol


def test_kinds_are_of_the_payload(feed: Feeder) -> None:
    """Control of this file: the plain datagram is opened as "anything else"."""
    assert [SliceKind.BANNER] == kinds(feed(timed([Wire(ends_of(FLOW, 27015)).udp(TO_SERVER, PAYLOAD)])))
