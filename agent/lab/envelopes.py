"""A plain Ethernet frame -> the same packet in another envelope: tags, tunnels, IP options, link types, cut short.

Frames to be wrapped are untagged, as Wire makes them without a VLAN.
"""

from collections.abc import Callable, Iterable

from scapy.contrib.erspan import ERSPAN_II, ERSPAN_III
from scapy.contrib.geneve import GENEVE, GeneveOptions
from scapy.contrib.gtp import GTP_U_Header, GTPPDUSessionContainer
from scapy.contrib.mpls import MPLS
from scapy.layers.inet import IP, UDP, IPOption_NOP, IPOption_RR
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, PadN
from scapy.layers.l2 import GRE, CookedLinux, CookedLinuxV2, Dot1AD, Dot1Q, Ether
from scapy.layers.ppp import HDLC, PPP, PPPoE
from scapy.layers.vxlan import VXLAN
from scapy.packet import Packet as Layers
from scapy.packet import Raw

from agent.lab.frames import Frame

OUTER_SOURCE, OUTER_TARGET = "192.0.2.1", "192.0.2.2"
"""The ends of every IPv4 tunnel (RFC 5737)."""

OUTER_SOURCE_6, OUTER_TARGET_6 = "2001:db8::1", "2001:db8::2"

Envelope = Callable[[bytes], bytes]


def enclosed(frames: Iterable[Frame], envelope: Envelope) -> list[Frame]:
    """Every frame in the envelope, at its time."""
    return [Frame(frame.time_ns, envelope(frame.data)) for frame in frames]


def cut_short(frames: Iterable[Frame], snap_bytes: int) -> list[Frame]:
    """The frames as a capture with a snap length of `snap_bytes` keeps them."""
    return [Frame(frame.time_ns, frame.data[:snap_bytes], max(0, len(frame.data) - snap_bytes)) for frame in frames]


def _link(data: bytes, ethertype: int) -> Layers:
    return Ether(dst=data[0:6].hex(":"), src=data[6:12].hex(":"), type=ethertype)


def _ethertype(data: bytes) -> int:
    return int.from_bytes(data[12:14], "big")


def _outer(data: bytes, protocol: int) -> Layers:
    return _link(data, 0x0800) / IP(src=OUTER_SOURCE, dst=OUTER_TARGET, proto=protocol)


def _outer_udp(data: bytes, port: int) -> Layers:
    # No checksum, as VXLAN, Geneve and GTP-U send over IPv4 (RFC 7348 section 5); scapy leaves a given one as it is.
    return _outer(data, 17) / UDP(sport=49_999, dport=port, chksum=0)


def vlan(data: bytes, identifier: int = 20) -> bytes:
    """One 802.1Q tag."""
    return bytes(_link(data, 0x8100) / Dot1Q(vlan=identifier, type=_ethertype(data)) / Raw(data[14:]))


def qinq(data: bytes) -> bytes:
    """802.1ad around 802.1Q; the outer identifier is 100, the inner 20."""
    tags = Dot1AD(vlan=100, type=0x8100) / Dot1Q(vlan=20, type=_ethertype(data))
    return bytes(_link(data, 0x88A8) / tags / Raw(data[14:]))


def mpls(data: bytes) -> bytes:
    """Two labels (RFC 3032)."""
    return bytes(_link(data, 0x8847) / MPLS(label=1000, s=0, ttl=60) / MPLS(label=2000, s=1, ttl=60) / Raw(data[14:]))


def pppoe(data: bytes) -> bytes:
    """A PPPoE session (RFC 2516)."""
    protocol = 0x0021 if _ethertype(data) == 0x0800 else 0x0057
    return bytes(_link(data, 0x8864) / PPPoE(sessionid=7) / PPP(proto=protocol) / Raw(data[14:]))


def gre(data: bytes) -> bytes:
    """IP in GRE with checksum, key and sequence number (RFC 2784, RFC 2890)."""
    header = GRE(proto=_ethertype(data), chksum_present=1, key_present=1, key=9, seqnum_present=1, sequence_number=3)
    return bytes(_outer(data, 47) / header / Raw(data[14:]))


def gre_ethernet(data: bytes) -> bytes:
    """The whole frame in GRE (Transparent Ethernet Bridging)."""
    return bytes(_outer(data, 47) / GRE(proto=0x6558) / Raw(data))


def erspan_1(data: bytes) -> bytes:
    """ERSPAN type I: GRE without a sequence number, and no header of its own (draft-foschiano-erspan)."""
    return bytes(_outer(data, 47) / GRE(proto=0x88BE) / Raw(data))


def erspan_2(data: bytes) -> bytes:
    """ERSPAN type II; the frame's VLAN 20 stands in its header."""
    header = GRE(proto=0x88BE, seqnum_present=1, sequence_number=1)
    return bytes(_outer(data, 47) / header / ERSPAN_II(vlan=20, session_id=5) / Raw(data))


def erspan_3(data: bytes) -> bytes:
    """ERSPAN type III; the frame's VLAN 20 stands in its header."""
    header = GRE(proto=0x22EB, seqnum_present=1, sequence_number=1)
    return bytes(_outer(data, 47) / header / ERSPAN_III(vlan=20, session_id=5, timestamp=1) / Raw(data))


def vxlan(data: bytes) -> bytes:
    """VXLAN (RFC 7348)."""
    return bytes(_outer_udp(data, 4789) / VXLAN(vni=77) / Raw(data))


def geneve(data: bytes) -> bytes:
    """Geneve with one option (RFC 8926)."""
    option = GeneveOptions(classid=0x0102, type=1, data=b"\0\0\0\1")
    return bytes(_outer_udp(data, 6081) / GENEVE(proto=0x6558, vni=77, options=[option]) / Raw(data))


def gtp_u(data: bytes) -> bytes:
    """IP in GTP-U with a PDU session container (3GPP TS 29.281, TS 38.415)."""
    header = GTP_U_Header(gtp_type=255, teid=0x1234, E=1, next_ex=0x85) / GTPPDUSessionContainer(type=0, QFI=9)
    return bytes(_outer_udp(data, 2152) / header / Raw(data[14:]))


def in_ipv4(data: bytes) -> bytes:
    """IP in IPv4: IP-in-IP for an IPv4 packet (RFC 2003), 6in4 for an IPv6 packet (RFC 4213)."""
    return bytes(_outer(data, 4 if _ethertype(data) == 0x0800 else 41) / Raw(data[14:]))


def in_ipv6(data: bytes) -> bytes:
    """IP in IPv6 (RFC 2473)."""
    header = IPv6(src=OUTER_SOURCE_6, dst=OUTER_TARGET_6, nh=4 if _ethertype(data) == 0x0800 else 41)
    return bytes(_link(data, 0x86DD) / header / Raw(data[14:]))


def nested(data: bytes) -> bytes:
    """A mirror session over a tunnel: ERSPAN II in VXLAN."""
    return vxlan(erspan_2(data))


def ipv4_options(data: bytes) -> bytes:
    """A record-route option in an IPv4 header; the frame must be IPv4."""
    head = IP(data[14:34])
    options = [IPOption_RR(length=11, pointer=4, routers=["0.0.0.0", "0.0.0.0"]), IPOption_NOP()]
    made = IP(src=head.src, dst=head.dst, ttl=head.ttl, id=head.id, proto=head.proto, flags=head.flags, options=options)
    return data[:14] + bytes(made / Raw(data[34:]))


def ipv6_extensions(data: bytes) -> bytes:
    """Hop-by-hop, routing and destination options in an IPv6 packet (RFC 8200 section 4); the frame must be IPv6."""
    head = IPv6(data[14:54])
    made = IPv6(src=head.src, dst=head.dst, hlim=head.hlim, nh=0)
    made /= IPv6ExtHdrHopByHop(nh=43, options=[PadN(optdata=b"\0\0\0\0")])
    made /= IPv6ExtHdrRouting(nh=60, type=4, segleft=0)
    made /= IPv6ExtHdrDestOpt(nh=head.nh, options=[PadN(optdata=b"\0\0\0\0")])
    return data[:14] + bytes(made / Raw(data[54:]))


ENVELOPES: dict[str, Envelope] = {
    "vlan": vlan,
    "qinq": qinq,
    "mpls": mpls,
    "pppoe": pppoe,
    "gre": gre,
    "gre-ethernet": gre_ethernet,
    "erspan-1": erspan_1,
    "erspan-2": erspan_2,
    "erspan-3": erspan_3,
    "vxlan": vxlan,
    "geneve": geneve,
    "gtp-u": gtp_u,
    "in-ipv4": in_ipv4,
    "in-ipv6": in_ipv6,
    "nested": nested,
}
"""Envelopes that fit a frame of either IP version."""

LINKS: dict[int, Envelope] = {
    0: lambda data: (2 if _ethertype(data) == 0x0800 else 24).to_bytes(4, "little") + data[14:],
    9: lambda data: bytes(PPP(proto=0x0021 if _ethertype(data) == 0x0800 else 0x0057) / Raw(data[14:])),
    50: lambda data: bytes(HDLC() / PPP(proto=0x0021 if _ethertype(data) == 0x0800 else 0x0057) / Raw(data[14:])),
    101: lambda data: data[14:],
    104: lambda data: b"\x0f\0" + data[12:],
    113: lambda data: bytes(CookedLinux(src=data[6:12], lladdrlen=6, proto=_ethertype(data)) / Raw(data[14:])),
    276: lambda data: bytes(CookedLinuxV2(src=data[6:12], lladdrlen=6, proto=_ethertype(data)) / Raw(data[14:])),
}
"""Link type of a capture file (https://www.tcpdump.org/linktypes.html) -> a frame as it stands there: BSD loopback,
PPP, PPP in HDLC-like framing, raw IP, Cisco HDLC, Linux cooked v1 and v2."""
