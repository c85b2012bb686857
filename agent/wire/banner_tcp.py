"""Openings of binary protocols over TCP -> which protocol it is. A table of probes."""

from agent.wire.opening import Opening, Table

_SMB = frozenset({b"\xffSMB", b"\xfeSMB", b"\xfdSMB", b"\xfcSMB"})
"""SMB 1, 2 and 3, encrypted, compressed (MS-SMB2 section 2.2)."""
_KERBEROS_TAGS = frozenset({0x6A, 0x6B, 0x6C, 0x6D, 0x7E})
"""AS-REQ, AS-REP, TGS-REQ, TGS-REP, KRB-ERROR (RFC 4120 section 5.10)."""
_LDAP_TAGS = frozenset({b"\x60", b"\x61", b"\x63", b"\x64", b"\x65", b"\x77", b"\x78"})
"""bind, search, extended: requests and responses (RFC 4511 section 4)."""
_POSTGRESQL_CODES = frozenset({0x00030000, 80877103, 80877104})
"""Protocol 3.0, SSLRequest, GSSENCRequest."""
_OPENVPN_RESETS = frozenset({0x38, 0x40, 0x50})
"""P_CONTROL_HARD_RESET_CLIENT_V2, _SERVER_V2, _CLIENT_V3; each with key 0."""
_OPENVPN_COUNTERS = frozenset({b"\x00\x00\x00\x01", b"\x0f\x00\x00\x01", b"\x0a\x01\x00\x01"})
"""The first packet's number; the others leave room for early negotiation, as tls-crypt-v2 does."""


def _be(data: bytes, at: int, size: int) -> int:
    """A number in network order; short when the bytes end, which no probe that compares lengths then accepts."""
    return int.from_bytes(data[at : at + size])


def _smb(opening: Opening) -> bool:
    """After a NetBIOS or direct TCP header of four bytes (MS-SMB2 section 2.1)."""
    return opening.data[:1] == b"\x00" and opening.data[4:8] in _SMB


def _netbios_session(opening: Opening) -> bool:
    """SESSION REQUEST (RFC 1002 section 4.3.2): two encoded names of 34 bytes."""
    return opening.data[:5] == b"\x81\x00\x00\x44\x20" and opening.on_port(139)


def _rdp(opening: Opening) -> bool:
    """A TPKT with an X.224 connection request or confirm (MS-RDPBCGR section 2.2.1.1)."""
    data = opening.data
    if data[:2] != b"\x03\x00" or len(data) < 11 or _be(data, 2, 2) != opening.payload_bytes:
        return False
    if data[4] != opening.payload_bytes - 5 or data[5] not in (0xE0, 0xD0):
        return False
    rest = data[11:]
    return (
        rest.startswith((b"Cookie: mstshash=", b"\x01\x00\x08\x00", b"\x02\x1f\x08\x00", b"\x02\x00\x08\x00"))
        or opening.server_port == 3389
    )


def _telnet(opening: Opening) -> bool:
    """Nothing but option negotiation: IAC, WILL to DONT, an option (RFC 854); a cut packet may end inside one."""
    data = opening.data
    options = data[:63] if len(data) == 64 else data
    return (
        len(options) >= 3
        and len(options) % 3 == 0
        and all(options[at] == 0xFF and 0xFB <= options[at + 1] <= 0xFE for at in range(0, len(options), 3))
    )


def _mysql(opening: Opening) -> bool:
    """The server's handshake, protocol 10: a version in digits and points (MySQL client/server protocol)."""
    data = opening.data
    return (
        opening.from_server
        and len(data) > 8
        and int.from_bytes(data[:3], "little") + 4 == opening.payload_bytes
        and data[3:5] == b"\x00\x0a"
        and data[5:6].isdigit()
        and data[6:7] == b"."
    )


def _postgresql(opening: Opening) -> bool:
    data = opening.data
    return (
        opening.from_client
        and len(data) >= 8
        and _be(data, 0, 4) == opening.payload_bytes
        and _be(data, 4, 4) in _POSTGRESQL_CODES
    )


def _mqtt(opening: Opening) -> bool:
    """CONNECT (MQTT 5.0 section 3.1): one to four bytes of length, then the protocol's name."""
    data = opening.data
    return data[:1] == b"\x10" and any(data.startswith((b"\x00\x04MQTT", b"\x00\x06MQIsdp"), at) for at in range(2, 6))


def _ldap(opening: Opening) -> bool:
    """LDAPMessage: a SEQUENCE of the packet's length, a message number, an operation (RFC 4511 section 4.1.1)."""
    data = opening.data
    if data[:1] != b"\x30" or len(data) < 9:
        return False
    at = 2 if data[1] < 0x80 else 2 + (data[1] & 0x7F)
    length = data[1] if at == 2 else _be(data, 2, at - 2)
    if at > 6 or length + at != opening.payload_bytes or data[at : at + 1] != b"\x02":
        return False
    size = data[at + 1]
    return 1 <= size <= 4 and data[at + 2 + size : at + 3 + size] in _LDAP_TAGS


def is_kerberos(data: bytes) -> bool:
    """A KDC message whose first fields hold protocol version 5 (RFC 4120 section 5.4)."""
    return len(data) > 16 and data[0] in _KERBEROS_TAGS and b"\x02\x01\x05" in data[4:20] and 0x30 in data[2:6]


def _kerberos(opening: Opening) -> bool:
    """With its length before it (RFC 4120 section 7.2.2)."""
    data = opening.data
    return _be(data, 0, 4) + 4 == opening.payload_bytes and is_kerberos(data[4:])


def _bgp(opening: Opening) -> bool:
    """RFC 4271 section 4.1: a marker of ones, a length, a type."""
    data = opening.data
    return data[:16] == b"\xff" * 16 and 19 <= _be(data, 16, 2) <= 4096 and data[18:19] in (b"\1", b"\2", b"\3", b"\4")


def _modbus(opening: Opening) -> bool:
    """The MBAP header (Modbus messaging on TCP/IP, section 3.1.3); too plain to be known without its port."""
    data = opening.data
    return (
        opening.on_port(502)
        and len(data) >= 8
        and data[2:4] == b"\x00\x00"
        and _be(data, 4, 2) + 6 == opening.payload_bytes
    )


def is_openvpn_reset(data: bytes, payload_bytes: int) -> bool:
    """A hard reset (OpenVPN protocol, "Control channel"): alone, or followed by a replay counter of 1 and a time.

    tls-auth puts a digest of 16 to 64 bytes before the counter, tls-crypt nothing.
    """
    if payload_bytes < 14 or data[:1] == b"" or data[0] not in _OPENVPN_RESETS:
        return False
    if payload_bytes == 14:
        return data[0] == 0x38 and data[9:14] == bytes(5)
    for at in (9, 25, 29, 41):
        counter = data[at : at + 4]
        if counter in _OPENVPN_COUNTERS and b"\x50" <= data[at + 4 : at + 5] < b"\xa0":
            return True  # and a time between 2012 and 2055
    return False


def _openvpn(opening: Opening) -> bool:
    data = opening.data
    return _be(data, 0, 2) + 2 == opening.payload_bytes and is_openvpn_reset(data[2:], opening.payload_bytes - 2)


def _socks(opening: Opening) -> bool:
    """A greeting alone is two or three plain bytes, so only on SOCKS's own port; see both_tcp for the others."""
    return opening.server_port == 1080 and opening.from_client and _socks_greeting(opening.data)


def _socks_greeting(data: bytes) -> bool:
    """RFC 1928 section 3, or SOCKS 4's CONNECT and BIND."""
    if data[:1] == b"\x05":
        return 3 <= len(data) <= 10 and len(data) == 2 + data[1]
    return len(data) >= 9 and data[0] == 4 and data[1] in (1, 2) and data[-1] == 0


def _socks_answer(data: bytes) -> bool:
    """RFC 1928 section 3, or SOCKS 4's reply."""
    return (len(data) == 2 and data[0] == 5) or (len(data) == 8 and data[0] == 0 and 0x5A <= data[1] <= 0x5D)


def _teamviewer(opening: Opening) -> bool:
    return opening.on_port(5938) and opening.data[:2] in (b"\x17\x24", b"\x11\x30")


def _edonkey(opening: Opening) -> bool:
    """A protocol byte, the packet's length, and a hello (eMule, opcodes.h: OP_HELLO, OP_EMULEINFO)."""
    data = opening.data
    return (
        len(data) >= 6
        and data[0] in (0xE3, 0xC5)
        and int.from_bytes(data[1:5], "little") + 5 == opening.payload_bytes
        and data[5] == 0x01
    )


def _whatsapp(opening: Opening) -> bool:
    """Its handshake starts with WA and two version bytes, since 2018 perhaps after "ED", 0, 1 for routing."""
    data = opening.data
    if opening.from_server or not opening.on_port(80, 443, 5222):
        return False
    if data[:4] == b"ED\x00\x01":
        return True
    return data[:2] == b"WA" and data[2:3] < b"\x10" and len(data) >= 4


def _h323(opening: Opening) -> bool:
    """A TPKT with a Q.931 message in it (ITU-T H.225.0 section 7.2): call signalling."""
    data = opening.data
    return opening.on_port(1720) and data[:2] == b"\x03\x00" and data[4:6] == b"\x08\x02"


def _skinny(opening: Opening) -> bool:
    """Cisco's SCCP: a length that leaves out its header of eight bytes, and a version."""
    data = opening.data
    return (
        opening.on_port(2000)
        and len(data) >= 12
        and int.from_bytes(data[:4], "little") + 8 == opening.payload_bytes
        and int.from_bytes(data[4:8], "little") <= 0x20
    )


TCP: Table = (
    ("bittorrent", lambda o: o.data.startswith(b"\x13BitTorrent protocol")),  # BEP 3
    ("smb", _smb),
    ("netbios", _netbios_session),
    ("rdp", _rdp),
    ("mysql", _mysql),
    ("postgresql", _postgresql),
    ("mqtt", _mqtt),
    ("ldap", _ldap),
    ("kerberos", _kerberos),
    ("bgp", _bgp),
    ("openvpn", _openvpn),
    ("whatsapp", _whatsapp),
    ("edonkey", _edonkey),
    ("telnet", _telnet),
    ("socks", _socks),
    ("teamviewer", _teamviewer),
    ("modbus", _modbus),
    ("h323", _h323),
    ("skinny", _skinny),
)


def both_tcp(client: bytes, server: bytes) -> str | None:
    """The protocol of two openings that only together tell it."""
    return "socks" if _socks_greeting(client) and _socks_answer(server) else None
