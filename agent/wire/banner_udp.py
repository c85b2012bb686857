"""Openings of protocols over UDP -> which protocol it is. A table of probes."""

import re

from agent.wire import dns
from agent.wire.banner_tcp import is_kerberos, is_openvpn_reset
from agent.wire.banner_text import is_sip
from agent.wire.cursor import Malformed
from agent.wire.opening import Opening, Table
from agent.wire.quic_keys import SALTS
from agent.wire.stun import STUN

_SSDP = re.compile(rb"(?:(?:M-SEARCH|NOTIFY) \* HTTP/1\.1|HTTP/1\.1 200 OK)\r\n", re.IGNORECASE)
_NETBIOS_NAME = re.compile(rb"\x20[A-P]{32}")
"""First-level encoding: two letters from A to P for each of 16 bytes (RFC 1001 section 14.1)."""
_DHT = re.compile(rb"d1:[ar]d2:id20:|d1:ad.{0,8}2:id20:|d1:eli20[0-9]e|d2:ip[46]:", re.DOTALL)
_SYSLOG = re.compile(rb"<(?:0|[1-9]\d?|1[0-8]\d|19[01])>[1A-Z ]")
_OLD_QUIC = re.compile(rb".(?:.{8})?Q0[2-4]\d", re.DOTALL)
_RADIUS_HEADER_BYTES = 20
_RAKNET_MAGIC = bytes.fromhex("00ffff00fefefefefdfdfdfd12345678")


def _be(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size])


def _dns(opening: Opening) -> bool:
    """A plain question on a port of its own; only the first 64 bytes are there, so long questions are passed over."""
    data = opening.data
    if len(data) < 17 or data[2] & 0x78 or data[4:6] != b"\x00\x01" or data[3] & 0x40:
        return False
    if max(_be(data, 6, 2), _be(data, 8, 2), _be(data, 10, 2)) > 32 or (
        not data[2] & 0x80 and data[6:8] != b"\x00\x00"
    ):
        return False
    try:
        message = dns.parse(data)
    except Malformed:
        return False
    return message is not None and len(message.questions) == 1 and b"." in message.questions[0]


def _netbios(opening: Opening) -> bool:
    """Name service and datagrams (RFC 1002 sections 4.2 and 4.4)."""
    data = opening.data
    if opening.on_port(137):
        return _NETBIOS_NAME.match(data, 12) is not None
    return (
        opening.on_port(138) and data[:1] in (b"\x10", b"\x11", b"\x12") and _NETBIOS_NAME.match(data, 14) is not None
    )


def _ntp(opening: Opening) -> bool:
    """Version 1 to 4, symmetric to broadcast (RFC 5905 section 7.3)."""
    data = opening.data
    return opening.on_port(123) and len(data) >= 48 and 1 <= data[0] >> 3 & 7 <= 4 and 1 <= data[0] & 7 <= 5


def _dhcp(opening: Opening) -> bool:
    """BOOTP over Ethernet (RFC 2131 section 2), or DHCPv6 (RFC 8415 section 7.3)."""
    data = opening.data
    if opening.on_port(67):
        return data[:3] in (b"\x01\x01\x06", b"\x02\x01\x06") and opening.payload_bytes >= 240
    return opening.on_port(546, 547) and opening.payload_bytes >= 8 and 1 <= data[0] <= 36


def _snmp(opening: Opening) -> bool:
    """A SEQUENCE of the packet's length, version 1, 2c or 3, then a community or header data (RFC 3417, RFC 3412)."""
    data = opening.data
    if data[:1] != b"\x30" or len(data) < 8:
        return False
    at = 2 if data[1] < 0x80 else 2 + (data[1] & 0x7F)
    length = data[1] if at == 2 else _be(data, 2, at - 2)
    rest = data[at : at + 4]
    return (
        length + at == opening.payload_bytes
        and rest in (b"\x02\x01\x00\x04", b"\x02\x01\x01\x04", b"\x02\x01\x03\x30")
        and opening.on_port(161, 162)
    )


def _radius(opening: Opening) -> bool:
    """RFC 2865 section 3."""
    if not opening.on_port(1812, 1813, 1645, 1646):
        return False
    # Imported here, since it takes 0.03 s and most captures hold nothing that it reads.
    from dpkt import UnpackError
    from dpkt.radius import RADIUS

    try:
        radius = RADIUS(opening.data[:_RADIUS_HEADER_BYTES])  # of the attributes, which may be cut, it would read on
    except UnpackError:
        return False
    return radius.code in (1, 2, 3, 4, 5, 11) and radius.len == opening.payload_bytes


def _tftp(opening: Opening) -> bool:
    """A request: a file's name and the mode (RFC 1350 section 5). What answers comes from another port."""
    if opening.server_port != 69 or opening.payload_bytes > len(opening.data):
        return False
    from dpkt import UnpackError  # here: see _radius
    from dpkt.tftp import TFTP

    try:
        tftp = TFTP(opening.data)
    except (UnpackError, IndexError):  # IndexError: a request without its second field
        return False
    return tftp.opcode in (1, 2) and opening.data.lower().split(b"\x00")[2:3] in ([b"octet"], [b"netascii"])


def _wireguard(opening: Opening) -> bool:
    """Handshake and transport messages have fixed sizes and three zero bytes (WireGuard paper, section 5.4)."""
    data, size = opening.data, opening.payload_bytes
    kind = data[:4]
    if kind == b"\x01\x00\x00\x00":
        return size == 148
    if kind == b"\x02\x00\x00\x00":
        return size == 92
    # Transport data, a flow that was there before the tap: a counter that has not run for centuries.
    return kind == b"\x04\x00\x00\x00" and size >= 32 and size % 16 == 0 and data[12:16] == bytes(4)


def _ike(opening: Opening) -> bool:
    """ISAKMP (RFC 7296 section 3.1), behind four zero bytes on port 4500 (RFC 3948), or ESP there."""
    data, size = opening.data, opening.payload_bytes
    if opening.on_port(4500):
        if data == b"\xff":
            return True  # keepalive
        if data[:4] != bytes(4):
            return size >= 32 and 0 < _be(data, 4, 4) < 1 << 16  # ESP soon after its start: a small sequence number
        data, size = data[4:], size - 4
    elif not opening.on_port(500):
        return False
    return len(data) >= 28 and data[17] in (0x10, 0x20) and _be(data, 24, 4) == size


def _openvpn(opening: Opening) -> bool:
    return is_openvpn_reset(opening.data, opening.payload_bytes)


def _rtp(opening: Opening) -> bool:
    """One packet of RTP looks like much else, so: no extension, padding or sources, an audio type, a frame's size.

    Telephony sends 10, 20 or 30 ms of 8 kHz audio a packet (RFC 3551 section 4.5), other types are told by both_udp.
    """
    data = opening.data
    if len(data) < 12 or data[0] != 0x80 or min(opening.client_port, opening.server_port) < 1024:
        return False
    payload_type = data[1] & 0x7F  # without the marker (RFC 3550 section 5.1)
    if payload_type in (0, 8, 9):
        return opening.payload_bytes in (92, 172, 252)
    return payload_type == 18 and opening.payload_bytes in (22, 32, 42)


def _rtcp(opening: Opening) -> bool:
    """A report with its sender first (RFC 3550 section 6.1), whose length is that of the packet or leaves room."""
    data = opening.data
    if len(data) < 8 or data[0] >> 6 != 2 or data[1] not in (200, 201):
        return False
    reports = data[0] & 0x1F
    words = _be(data, 2, 2)
    least = 1 + 6 * reports + (5 if data[1] == 200 else 0)
    return least <= words <= least + 8 and 4 * (words + 1) <= opening.payload_bytes < 1500


def _coap(opening: Opening) -> bool:
    """RFC 7252 section 3: version 1, a token of at most 8 bytes, a request."""
    data = opening.data
    return (
        opening.server_port == 5683
        and len(data) >= 4
        and data[0] >> 6 == 1
        and data[0] & 0x0F <= 8
        and (data[1] == 0 or 1 <= data[1] <= 7 or 2 <= data[1] >> 5 <= 5)
    )


def _bittorrent(opening: Opening) -> bool:
    """DHT (BEP 5), local discovery (BEP 14), UDP tracker (BEP 15), the SYN of uTP (BEP 29)."""
    data, size = opening.data, opening.payload_bytes
    if data[:1] == b"d":
        return _DHT.match(data) is not None
    if data[:9] == b"BT-SEARCH":
        return True
    if size == 16:
        return data[:12] == b"\x00\x00\x04\x17\x27\x10\x19\x80\x00\x00\x00\x00"
    return (
        data[:1] == b"\x41"
        and (size, data[1:2]) in ((20, b"\x00"), (30, b"\x02"))
        and data[8:12] == bytes(4)
        and data[18:20] == bytes(2)
    )


def _quic(opening: Opening) -> bool:
    """A long header whose version is known but which is no client's Initial; or the public header before Q046."""
    data = opening.data
    if len(data) >= 27 and data[0] & 0xC0 == 0xC0 and data[5] <= 20 and data[6 + data[5]] <= 20:
        version = _be(data, 1, 4)
        # 0x?a?a?a?a asks for the server's versions (RFC 9000 section 15), in a datagram as long as any first one.
        return version in SALTS or (version & 0x0F0F0F0F == 0x0A0A0A0A and opening.payload_bytes >= 1200)
    return opening.on_port(443) and _OLD_QUIC.match(data) is not None


def _zoom(opening: Opening) -> bool:
    """Its media: hello and answer (01 00, 02 00), on Zoom's own ports."""
    return opening.on_port(*range(8801, 8811)) and opening.data[:2] in (b"\x01\x00", b"\x02\x00")


def _discord(opening: Opening) -> bool:
    """A keepalive, or IP discovery: type 1, 70 bytes (Discord developer documentation, "Voice connections")."""
    data, size = opening.data, opening.payload_bytes
    if size == 8:
        return data[:4] == b"\x13\x37\xca\xfe"
    return size == 74 and data[:4] in (b"\x00\x01\x00\x46", b"\x00\x02\x00\x46") and opening.server_port >= 19294


def _telegram(opening: Opening) -> bool:
    """A call's relay: 16 bytes of tag, ones, then what tells a ping from its answer (libtgvoip)."""
    return opening.data[16:28] == b"\xff" * 12 and opening.data[28:32] in (b"\xfe\xff\xff\xff", b"\xc7\x72\x15\xc0")


def _qq(opening: Opening) -> bool:
    """OICQ: 02, a version, ... 03; the end is only seen of packets within the 64 bytes."""
    data = opening.data
    return opening.on_port(8000) and opening.payload_bytes == len(data) >= 27 and data[0] == 2 and data[-1] == 3


def _nfs(opening: Opening) -> bool:
    """A SunRPC call to, or reply of, the NFS program (RFC 5531 section 9)."""
    data = opening.data
    if not opening.on_port(2049) or len(data) < 24:
        return False
    if data[4:8] == bytes(4):
        return data[8:16] == b"\x00\x00\x00\x02\x00\x01\x86\xa3"
    return data[4:8] == b"\x00\x00\x00\x01" and data[8:12] in (bytes(4), b"\x00\x00\x00\x01")


def _h323(opening: Opening) -> bool:
    """RAS, which names its own specification in its first bytes (ITU-T H.225.0: 0.0.8.2250.0)."""
    return opening.on_port(1718, 1719) and b"\x06\x00\x08\x91\x4a\x00" in opening.data[:16]


def _rdp(opening: Opening) -> bool:
    """A SYN of MS-RDPEUDP (section 2.2.2.1): no sequence number seen, padded to the size probed for."""
    return opening.server_port == 3389 and opening.data[:4] == b"\xff\xff\xff\xff" and opening.payload_bytes > 1000


UDP: Table = (
    *STUN,
    ("dns", _dns),
    ("ssdp", lambda o: _SSDP.match(o.data) is not None),  # UPnP device architecture, section 1.3
    ("netbios", _netbios),
    ("dhcp", _dhcp),
    ("ntp", _ntp),
    ("quic", _quic),
    ("bittorrent", _bittorrent),
    ("wireguard", _wireguard),
    ("ipsec", _ike),
    ("openvpn", _openvpn),
    ("sip", is_sip),
    ("snmp", _snmp),
    ("discord", _discord),
    ("telegram", _telegram),
    ("zoom", _zoom),
    ("dropbox", lambda o: o.on_port(17500) and o.data[:1] == b"{"),  # LAN discovery
    ("spotify", lambda o: o.data.startswith(b"SpotUdp0")),
    ("syncthing", lambda o: o.data.startswith(b"\x2e\xa7\xd9\x0b")),  # local discovery, version 4
    ("teamspeak", lambda o: o.data.startswith(b"TS3INIT1")),
    ("source_engine", lambda o: o.data.startswith(b"\xff\xff\xff\xffTSource Engine Query")),
    ("steam", lambda o: o.data.startswith(b"\xff\xff\xff\xff\x21\x4c\x5f\xa0")),
    ("raknet", lambda o: _RAKNET_MAGIC in o.data),
    ("kerberos", lambda o: o.on_port(88) and is_kerberos(o.data)),
    ("radius", _radius),
    ("tftp", _tftp),
    ("syslog", lambda o: o.server_port == 514 and _SYSLOG.match(o.data) is not None),  # RFC 5424 section 6
    ("coap", _coap),
    ("nfs", _nfs),
    ("h323", _h323),
    ("rdp", _rdp),
    ("qq", _qq),
    ("rtcp", _rtcp),
    ("rtp", _rtp),
)


def both_udp(client: bytes, server: bytes) -> str | None:
    """The protocol of two openings that only together tell it: RTP both ways, each with a stream of its own; uTP."""
    if _could_be_rtp(client) and _could_be_rtp(server) and client[8:12] != server[8:12]:
        return "rtp"
    if _is_utp_handshake(client, server):
        return "bittorrent"
    return None


def _is_utp_handshake(syn: bytes, state: bytes) -> bool:
    """A SYN, and a STATE that acknowledges it for the same connection (BEP 29, "connection setup")."""
    return (
        len(syn) >= 20
        and len(state) >= 20
        and (syn[0], state[0]) == (0x41, 0x21)
        and syn[1] <= 2
        and state[1] <= 2
        and syn[2:4] == state[2:4]
        and syn[16:18] == state[18:20]
    )


def _could_be_rtp(data: bytes) -> bool:
    """Version 2 without padding or sources, a payload type in use (RFC 3551 section 6), a source that is not 0."""
    return len(data) >= 20 and data[0] & 0xEF == 0x80 and data[1] & 0x7F in _RTP_TYPES and data[8:12] != bytes(4)


_RTP_TYPES = frozenset({0, 3, 4, 8, 9, 18, 26, 31, 32, 33, 34, *range(96, 128)})
