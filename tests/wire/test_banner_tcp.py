"""Tests of telling binary protocols over TCP by their first bytes."""

import pytest

from agent.wire.banner_tcp import TCP, both_tcp, is_kerberos
from agent.wire.opening import Opening
from tests.wire.build import block

CLIENT, SERVER = 0, 1
AS_REQ = bytes.fromhex("6a82011b30820117a103020105a20302010a") + bytes(270)


def told(data: bytes, direction: int, port: int = 40_000) -> str | None:
    """The first protocol of the table that claims the packet."""
    opening = Opening(data[:64], len(data), 50_000, port, direction)
    return next((protocol for protocol, probe in TCP if probe(opening)), None)


CASES = [
    ("bittorrent", CLIENT, 6881, b"\x13BitTorrent protocol" + bytes(48)),
    ("smb", CLIENT, 445, b"\x00\x00\x00\x45\xffSMBr" + bytes(64)),
    ("smb", SERVER, 445, b"\x00\x00\x01\x78\xfeSMB@" + bytes(370)),
    ("netbios", CLIENT, 139, b"\x81\x00\x00\x44 " + b"CK" * 16 + bytes(35)),
    ("rdp", CLIENT, 40_000, bytes.fromhex("030000130ee000000000000100080003000000")),
    (
        "rdp",
        SERVER,
        40_000,
        bytes.fromhex("030000130ed000001234000209080000000000")[:11] + b"\x02\x1f\x08\x00\x08\0\0\0",
    ),
    ("rdp", CLIENT, 3389, bytes.fromhex("0300000b06e00000000000")),
    ("mysql", SERVER, 3306, b"\x4a\x00\x00\x00\x0a8.0.36\x00" + bytes(66)),
    ("postgresql", CLIENT, 5432, bytes.fromhex("0000000804d2162f")),
    ("postgresql", CLIENT, 5432, (24).to_bytes(4) + b"\x00\x03\x00\x00" + b"user\x00postgres\x00\x00\x00"),
    ("mqtt", CLIENT, 1883, b"\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04abcd"),
    ("mqtt", CLIENT, 1883, b"\x10\x92\x01\x00\x06MQIsdp\x03" + bytes(100)),
    ("ldap", CLIENT, 389, bytes.fromhex("300c020101600702010304008000")),
    ("ldap", CLIENT, 389, bytes.fromhex("30840000000c020101600702010304008000")),
    ("kerberos", CLIENT, 88, block(4, AS_REQ)),
    ("bgp", CLIENT, 179, b"\xff" * 16 + b"\x00\x1d\x01\x04" + bytes(9)),
    ("openvpn", CLIENT, 1194, block(2, b"\x38" + b"s" * 8 + bytes(5))),
    ("openvpn", CLIENT, 443, block(2, b"\x38" + b"s" * 8 + b"h" * 20 + b"\0\0\0\x01\x65\x12\x34\x56" + bytes(5))),
    ("whatsapp", CLIENT, 5222, b"ED\x00\x01"),
    ("whatsapp", CLIENT, 443, b"WA\x06\x03" + bytes(40)),
    ("edonkey", CLIENT, 4662, b"\xe3\x77\x00\x00\x00\x01\x10" + bytes(117)),
    ("telnet", SERVER, 23, bytes.fromhex("fffd18fffd20fffd23fffd27")),
    ("telnet", SERVER, 23, b"\xff\xfd\x18" * 30),
    ("socks", CLIENT, 1080, b"\x05\x02\x00\x02"),
    ("socks", CLIENT, 1080, b"\x04\x01\x00\x50\xc0\x00\x02\x01\x00"),
    ("teamviewer", CLIENT, 5938, b"\x17\x24\x0a\x20\x00\x0a"),
    ("modbus", CLIENT, 502, b"\x00\x01\x00\x00\x00\x06\x01\x03\x00\x00\x00\x0a"),
    ("h323", CLIENT, 1720, b"\x03\x00\x00\xa0\x08\x02\x77\xf4" + bytes(152)),
    ("skinny", CLIENT, 2000, bytes.fromhex("100000001400000026000000") + bytes(12)),
]


@pytest.mark.parametrize(("protocol", "direction", "port", "data"), CASES)
def test_told(protocol: str, direction: int, port: int, data: bytes) -> None:
    """A first packet as these protocols send it, alone."""
    assert protocol == told(data, direction, port)


@pytest.mark.parametrize(("protocol", "direction", "port", "data"), CASES)
def test_every_cut(protocol: str, direction: int, port: int, data: bytes) -> None:
    """A packet that was captured short is of its protocol or of none: no other, and nothing is raised."""
    for cut in range(len(data[:64])):
        opening = Opening(data[:cut], len(data), 50_000, port, direction)
        assert {probed for probed, probe in TCP if probe(opening)} <= {protocol}


@pytest.mark.parametrize(
    ("direction", "port", "data"),
    [
        (CLIENT, 40_000, b"\x05\x01\x00"),  # SOCKS, but three such bytes can be anything
        (CLIENT, 40_000, b"\x00\x01\x00\x00\x00\x06\x01\x03\x00\x00\x00\x0a"),
        (CLIENT, 40_000, bytes.fromhex("0300001611e00000000100c1020100c2020102c0010a")),  # TPKT of S7, not RDP
        (CLIENT, 3306, b"\x4a\x00\x00\x00\x0a8.0.36\x00" + bytes(66)),  # a client does not greet
        (SERVER, 40_000, b"\xff\xfd\x18x"),
        (CLIENT, 443, b"WALL OF TEXT"),
        (CLIENT, 40_000, b"ED\x00\x01"),
        (CLIENT, 389, bytes.fromhex("300d020101600702010304008000")),  # a length that does not fit
        (CLIENT, 40_000, b"\xe3\x78\x00\x00\x00\x01\x10" + bytes(117)),
        (CLIENT, 40_000, bytes(64)),
        (CLIENT, 40_000, b"\xff" * 64),
    ],
)
def test_not_told(direction: int, port: int, data: bytes) -> None:
    """What could be of another protocol is left open."""
    assert None is told(data, direction, port)


def test_kerberos_without_length() -> None:
    """UDP carries the same messages without a length."""
    assert (True, False, False) == (is_kerberos(AS_REQ), is_kerberos(AS_REQ[:10]), is_kerberos(b"\x6a" * 40))


@pytest.mark.parametrize(
    ("protocol", "client", "server"),
    [
        ("socks", b"\x05\x01\x00", b"\x05\x00"),
        ("socks", b"\x04\x01\x00\x50\xc0\x00\x02\x01\x00", b"\x00\x5a" + bytes(6)),
        (None, b"\x05\x01\x00", b"\x06\x00"),
        (None, b"\x05\x02\x00", b"\x05\x00"),
        (None, b"", b""),
    ],
)
def test_both(protocol: str | None, client: bytes, server: bytes) -> None:
    """A greeting and its answer tell SOCKS on any port."""
    assert protocol == both_tcp(client, server)
