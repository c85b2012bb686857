"""Tests of telling protocols over UDP by their first bytes."""

import pytest
from dpkt.ntp import NTP
from dpkt.rtp import RTP as DPKT_RTP
from hypothesis import given
from hypothesis import strategies as st

from agent.wire.banner_udp import UDP, both_udp
from agent.wire.opening import Opening
from tests.wire.build import block, crypto, initial, message, name

CLIENT, SERVER = 0, 1


def told(data: bytes, port: int = 40_000, direction: int = CLIENT, client_port: int = 50_000) -> str | None:
    """The first protocol of the table that claims the packet."""
    opening = Opening(data[:64], len(data), client_port, port, direction)
    return next((protocol for protocol, probe in UDP if probe(opening)), None)


IKE = b"i" * 8 + bytes(8) + b"\x21\x20\x22\x08" + bytes(4) + (358).to_bytes(4) + bytes(330)
RTP = b"\x80\x00\x12\x34" + b"time" + b"ssrc" + b"\xff" * 160
VIDEO = b"\x90\xe0\x12\x34" + b"time" + b"SSRC" + bytes(900)

CASES = [
    ("stun", 3478, b"\x00\x01\x00\x00\x21\x12\xa4\x42" + b"t" * 12),
    ("dns", 40_000, message([name("www.example.com")])),
    ("ssdp", 1900, b"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n"),
    ("ssdp", 40_000, b"HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=1800\r\n"),
    (
        "netbios",
        137,
        bytes.fromhex("b1e60110000100000000000020") + b"FHFAEBEECACACACACACACACACACACAAA" + b"\0\0\x20\0\x01",
    ),
    (
        "netbios",
        138,
        bytes.fromhex("110a2e43c0a80543008a00e6000020") + b"FDEBEOEKEJCNEMEJEGEFECEPECCACACA" + bytes(100),
    ),
    ("dhcp", 67, b"\x01\x01\x06\x00" + bytes(296)),
    ("dhcp", 547, b"\x01\xab\xcd\xef\x00\x01\x00\x0e" + bytes(40)),
    ("ntp", 123, b"\x23\x02\x06\xec" + bytes(44)),
    ("quic", 443, initial(crypto(b"x"))),
    ("quic", 4433, b"\xcf\xba\xba\xba\xba\x08" + bytes(1200)),
    ("quic", 443, b"\x0d" + b"i" * 8 + b"Q043" + bytes(100)),
    ("bittorrent", 6881, b"d1:ad2:id20:" + b"x" * 20 + b"e1:q4:ping1:t2:aa1:y1:qe"),
    ("bittorrent", 6881, b"d1:rd2:id20:" + b"x" * 20 + b"e1:t2:aa1:y1:re"),
    ("bittorrent", 6771, b"BT-SEARCH * HTTP/1.1\r\nHost: 239.192.152.143:6771\r\n"),
    ("bittorrent", 1337, bytes.fromhex("000004172710198000000000") + b"tran"),
    ("bittorrent", 40_000, b"\x41\x00\x45\x67\xed\x63\x92\x96\x00\x00\x00\x00\x00\x10\x00\x00\x23\xc6\x00\x00"),
    ("wireguard", 51_820, b"\x01\x00\x00\x00" + b"x" * 144),
    ("wireguard", 443, b"\x02\x00\x00\x00" + b"x" * 88),
    ("wireguard", 51_820, b"\x04\x00\x00\x00indx" + b"\x07" + bytes(7) + b"x" * 80),
    ("ipsec", 500, IKE),
    ("ipsec", 4500, bytes(4) + IKE),
    ("ipsec", 4500, b"\xff"),
    ("ipsec", 4500, b"\xc0\x01\x02\x03\x00\x00\x00\x01" + bytes(100)),
    ("openvpn", 1194, b"\x38" + b"s" * 8 + bytes(5)),
    ("openvpn", 443, b"\x38" + b"s" * 8 + b"\x00\x00\x00\x01\x62\x5a\x9e\x97" + bytes(60)),
    ("sip", 5060, b"REGISTER sip:example.com SIP/2.0\r\n"),
    ("snmp", 161, bytes.fromhex("302902010104067075626c6963a01c0204677f") + bytes(24)),
    ("discord", 50_004, b"\x13\x37\xca\xfe\x0e\x00\x00\x00"),
    ("discord", 50_004, b"\x00\x01\x00\x46" + bytes(70)),
    ("telegram", 530, b"t" * 16 + b"\xff" * 12 + b"\xfe\xff\xff\xff" + b"x" * 8),
    ("zoom", 8801, b"\x01\x00\x02" + bytes(104)),
    ("dropbox", 17_500, b'{"host_int": 1, "version": [2, 0]}'),
    ("spotify", 57_621, b"SpotUdp0" + bytes(36)),
    ("syncthing", 21_027, b"\x2e\xa7\xd9\x0b" + bytes(200)),
    ("teamspeak", 9987, b"TS3INIT1\x00\x65" + bytes(24)),
    ("source_engine", 27_015, b"\xff\xff\xff\xffTSource Engine Query\x00"),
    ("steam", 27_036, b"\xff\xff\xff\xff\x21\x4c\x5f\xa0" + bytes(176)),
    ("raknet", 53_000, b"\x05\x00\xff\xff\x00\xfe\xfe\xfe\xfe\xfd\xfd\xfd\xfd\x12\x34\x56\x78\x0b" + bytes(900)),
    ("kerberos", 88, bytes.fromhex("6a82011b30820117a103020105a20302010a") + bytes(270)),
    ("radius", 1812, b"\x01\x07\x00\x2a" + b"a" * 16 + b"\x01\x16" + b"u" * 20),
    ("tftp", 69, b"\x00\x01startup-config\x00octet\x00"),
    ("syslog", 514, b"<34>1 2026-11-21T08:00:00Z host app - - hello"),
    ("coap", 5683, b"\x40\x01\x12\x34\xbb.well-known"),
    ("nfs", 2049, b"xid1" + bytes(4) + bytes.fromhex("00000002000186a300000003") + bytes(40)),
    ("h323", 1719, bytes.fromhex("0220000006000891 4a000400") + bytes(30)),
    ("rdp", 3389, b"\xff\xff\xff\xff\x00\x40\x18\x01" + bytes(1224)),
    ("qq", 8000, b"\x02\x3b\x0b\x00\x01\x00\x17" + bytes(36) + b"\x03"),
    ("rtcp", 40_001, b"\x81\xc9\x00\x07" + b"x" * 74),
    ("rtp", 40_002, RTP),
]


@pytest.mark.parametrize(("protocol", "port", "data"), CASES)
def test_told(protocol: str, port: int, data: bytes) -> None:
    """A first packet as these protocols send it, alone."""
    assert protocol == told(data, port)


@pytest.mark.parametrize(("protocol", "port", "data"), CASES)
def test_every_cut(protocol: str, port: int, data: bytes) -> None:
    """A packet that was captured short is of its protocol or of none: no other, and nothing is raised."""
    for cut in range(1, len(data[:64])):
        opening = Opening(data[:cut], len(data), 50_000, port, CLIENT)
        assert next((probed for probed, probe in UDP if probe(opening)), None) in (None, protocol)


@pytest.mark.parametrize(("protocol", "port", "data"), CASES)
def test_every_end(protocol: str, port: int, data: bytes) -> None:
    """A packet that really ends there raises nothing, and is of its protocol or of none."""
    for end in range(1, len(data[:64])):
        assert told(data[:end], port) in (None, protocol)


@pytest.mark.parametrize(
    "data", [b"\0\1", b"\0\1boot.cfg", b"\0\2boot.cfg\0", b"\0\1boot.cfg\0octe", b"\0\3", b"\0\5\0"]
)
def test_tftp_without_its_fields(data: bytes) -> None:
    """What ends before the mode is no request, and no more than that."""
    assert None is told(data, 69)


def test_radius_of_which_attributes_are_cut() -> None:
    """The header tells it, wherever among the attributes the 64 bytes end."""
    for size in range(2, 46):
        attributes = bytes((1, size)) + b"u" * (size - 2) + b"\x04\x06addr" * 10
        assert "radius" == told(b"\x01\x07" + (20 + len(attributes)).to_bytes(2) + b"a" * 16 + attributes, 1812)


@pytest.mark.parametrize(
    ("port", "data"),
    [
        (40_000, b"\x23\x02\x06\xec" + bytes(44)),  # NTP's shape on another port
        (40_000, b"\x80\x00\x12\x34timessrc" + bytes(77)),  # RTP's first bytes, no audio frame's size
        (40_000, VIDEO),  # dynamic types need both directions
        (443, RTP),  # not between ports above 1023
        (40_000, b"\x01\x00\x00\x00" + b"x" * 143),
        (40_000, b"\x04\x00\x00\x00indx" + b"\xaa" * 88),  # a WireGuard counter of centuries
        (40_000, b"\x00\x01\x00\x46" + bytes(69)),
        (500, IKE + b"x"),
        (40_000, message([name("localhost")])),  # one label could be chance
        (40_000, b"\x00" * 40),
        (40_000, b"\xff" * 40),
        (443, b"\xcf\xba\xba\xba\xba\x08" + bytes(600)),  # an unknown version, and too short for a client's first
        (443, b"\x40" + bytes(60)),  # a short header of QUIC says nothing
        (8000, b"\x02" + bytes(80) + b"\x03"),  # its end is not within the 64 bytes
        (40_001, b"\x81\xc9\x00\xff" + b"x" * 2000),
        (69, b"\x00\x03\x00\x01data"),
        (1812, b"\x01\x07\x00\x2b" + b"a" * 16 + b"\x01\x16" + b"u" * 20),
        (514, b"<999>no"),
    ],
)
def test_not_told(port: int, data: bytes) -> None:
    """What could be of another protocol is left open."""
    assert None is told(data, port)


def test_dns_answers_are_told_too() -> None:
    """An answer, cut after 64 bytes, still shows its question."""
    answer = message([name("www.example.com")], [b"\xc0\x0c\x00\x01\x00\x01" + bytes(4) + block(2, b"addr")] * 4)

    assert "dns" == told(answer, direction=SERVER)


def test_both() -> None:
    """Packets of dynamic types in both directions are RTP, unless they are one stream seen twice."""
    other = VIDEO[:8] + b"ABCD" + VIDEO[12:]

    assert "rtp" == both_udp(VIDEO, other)
    assert None is both_udp(VIDEO, VIDEO)
    assert None is both_udp(VIDEO, b"\x16\xfe\xfd" + bytes(30))
    assert None is both_udp(b"", b"")


UTP_SYN = bytes.fromhex("4100 1234 0badcafe 00000539 00100000 beef 0007")
UTP_STATE = bytes.fromhex("2100 1234 0badf00d 00000001 00100000 4321 beef")


@pytest.mark.parametrize(
    ("syn", "state", "expected"),
    [
        (UTP_SYN, UTP_STATE, "bittorrent"),
        (b"\x41\x02" + UTP_SYN[2:] + b"\x00\x08" + bytes(8), b"\x21\x01" + UTP_STATE[2:], "bittorrent"),  # extensions
        (UTP_SYN, UTP_STATE[:2] + b"\x12\x35" + UTP_STATE[4:], None),  # another connection's
        (UTP_SYN, UTP_STATE[:18] + b"\xbe\xee", None),  # acknowledges something else
        (UTP_SYN, b"\x11" + UTP_STATE[1:], None),  # a FIN is no answer
        (b"\x01" + UTP_SYN[1:], UTP_STATE, None),  # data begins nothing
        (b"\x41\x03" + UTP_SYN[2:], UTP_STATE, None),  # no such extension
        (UTP_SYN, b"\x21\x03" + UTP_STATE[2:], None),
        (UTP_SYN[:19], UTP_STATE, None),
        (UTP_SYN, UTP_STATE[:19], None),
    ],
)
def test_utp_is_told_by_its_handshake(syn: bytes, state: bytes, expected: str | None) -> None:
    """A SYN whose times are not zero could be anything by itself; the answer to it could not."""
    assert not dict(UDP)["bittorrent"](Opening(UTP_SYN, 20, 50_000, 40_000, CLIENT))
    assert expected == both_udp(syn, state)


@given(st.binary(min_size=48, max_size=64))
def test_ntp_as_dpkt_reads_it(data: bytes) -> None:
    """Version and mode are the bits that dpkt takes for them."""
    ntp = NTP(data)

    assert (1 <= ntp.v <= 4 and 1 <= ntp.mode <= 5) == dict(UDP)["ntp"](Opening(data, len(data), 50_000, 123, CLIENT))


@given(
    st.sampled_from([0, 8, 9, 18, 128, 136, 146]) | st.integers(0, 255),
    st.binary(min_size=10, max_size=62),
    st.sampled_from([22, 92, 172, 252, 900]),
)
def test_rtp_as_dpkt_reads_it(second: int, rest: bytes, size: int) -> None:
    """The type, without the marker, is the number that dpkt takes for it."""
    data = bytes((0x80, second)) + rest
    sizes = {0: (92, 172, 252), 8: (92, 172, 252), 9: (92, 172, 252), 18: (22, 32, 42)}
    expected = size in sizes.get(DPKT_RTP(data).pt, ())

    assert expected == dict(UDP)["rtp"](Opening(data, size, 50_000, 40_000, CLIENT))
