"""Tests of telling STUN, and whose it is."""

import pytest

from agent.wire.opening import Opening
from agent.wire.stun import STUN
from tests.wire.build import block

COOKIE = b"\x21\x12\xa4\x42"


def stun(attributes: bytes = b"", kind: bytes = b"\x00\x01", cookie: bytes = COOKIE, port: int = 40_001) -> str | None:
    """The name that the table gives to a message, as the gate would open it."""
    data = kind + len(attributes).to_bytes(2) + cookie + b"t" * 12 + attributes
    opening = Opening(data[:64], len(data), 50_000, port, 0)
    return next((protocol for protocol, probe in STUN if probe(opening)), None)


@pytest.mark.parametrize(
    ("protocol", "attributes"),
    [
        ("stun", b""),
        ("stun", b"\x80\x22" + block(2, b"libjingle..!")),
        ("whatsapp_call", b"\x40\x00" + block(2, b"x" * 40)),
        ("whatsapp_call", b"\x00\x06\x00\x03abc\x00" + b"\x40\x02" + block(2, b"x" * 80)),
        ("teams_call", b"\x00\x0f\x00\x04\x72\xc6\x4b\xc6" + b"\x80\x37\x00\x04\x00\x00\x00\x02"),
        ("teams_call", b"\x80\x70\x00\x04\x00\x00\x00\x02"),
    ],
)
def test_with_its_cookie(protocol: str, attributes: bytes) -> None:
    """RFC 8489's cookie makes it STUN; attributes of one application make it that application's."""
    assert protocol == stun(attributes)


def test_by_port() -> None:
    """Telegram's relays have a port of their own."""
    assert "telegram_call" == stun(port=1400)


def test_classic() -> None:
    """RFC 3489 had no cookie: types, lengths and attributes must all fit; a bare header only on STUN's port."""
    mapped = b"\x00\x01\x00\x08\x00\x01\x13\xc4\xc0\x00\x02\x01"

    assert "stun" == stun(mapped, b"\x01\x01", b"abcd")
    assert "stun" == stun(cookie=b"abcd", port=3478)
    assert None is stun(cookie=b"abcd")
    assert None is stun(b"\x40\x00\x00\x04abcd", cookie=b"abcd")
    assert None is stun(mapped, b"\x03\x33", b"abcd")
    assert "zoom" == stun(b"\x01\x01\x00\x141234567890123456\x00\x00\x00\x00", cookie=b"abcd")


@pytest.mark.parametrize("data", [b"", b"\x00\x01\x00\x00", b"\x00\x01\xff\xff" + COOKIE + bytes(12), b"\x80" * 30])
def test_not_stun(data: bytes) -> None:
    """Short packets, lengths beyond the packet and other first bits are not STUN."""
    assert not any(probe(Opening(data, len(data), 1, 3478, 0)) for _, probe in STUN)
