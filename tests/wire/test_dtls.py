"""Tests of reading ClientHellos from DTLS datagrams: fragments, several records, cookies, and lies."""

import random

import pytest

from agent.facts import ClientHello
from agent.wire.cursor import Malformed
from agent.wire.dtls import Fragment, as_handshake, pull_fragments, read_datagram
from tests.wire.build import alpn, body, dtls_fragment, dtls_record, sni

BODY = body(sni(b"meet.example.com"), alpn(b"webrtc"), cookie=b"", session=b"")
WHOLE = dtls_record(dtls_fragment(BODY, 0, len(BODY)))
EXPECTED = ClientHello("dtls", b"meet.example.com", (b"webrtc",), encrypted=False)


@pytest.mark.parametrize("version", [0xFEFF, 0xFEFD, 0x0100])
def test_whole(version: int) -> None:
    """A hello in one record, of DTLS 1.0, of 1.2 and 1.3, or of OpenSSL's first."""
    assert EXPECTED == read_datagram(dtls_record(dtls_fragment(BODY, 0, len(BODY)), version))


def test_with_cookie() -> None:
    """The second hello carries the server's cookie, and its own message_seq."""
    second = body(sni(b"meet.example.com"), alpn(b"webrtc"), cookie=b"c" * 32)
    datagram = dtls_record(dtls_fragment(second, 0, len(second), sequence=1))

    assert EXPECTED == read_datagram(datagram)
    assert [1] == [fragment.message_seq for fragment in pull_fragments(datagram)]


def test_fragments() -> None:
    """Fragments in records of their own, or together in one record, come out with their offsets."""
    first, rest = dtls_fragment(BODY, 0, 40), dtls_fragment(BODY, 40, 1000)
    expected = [Fragment(0, len(BODY), 0, BODY[:40]), Fragment(0, len(BODY), 40, BODY[40:])]

    assert expected == pull_fragments(dtls_record(first) + dtls_record(rest))
    assert expected == pull_fragments(dtls_record(first + rest))
    assert read_datagram(dtls_record(first)) is None


def test_as_handshake() -> None:
    """Put together, the body has TLS's header with the length of the whole."""
    assert b"\x01\x00\x01\x00ab" == as_handshake(256, b"ab")


def test_what_follows_is_left_out() -> None:
    """Encrypted records, other content and other messages after the hello are no part of it."""
    for tail in (dtls_record(b"x" * 20, epoch=1), b"\x14" + WHOLE[1:], dtls_record(dtls_fragment(b"f", 0, 1, kind=20))):
        assert 1 == len(pull_fragments(WHOLE + tail))


def test_every_cut() -> None:
    """A datagram that was captured short gives the pieces it holds, or nothing; it never raises after a hello began."""
    for cut in range(len(WHOLE)):
        try:
            fragments = pull_fragments(WHOLE[:cut])
        except Malformed:
            assert cut < 25 + 1
        else:
            assert b"".join(fragment.data for fragment in fragments) == BODY[: max(0, cut - 25)]


@pytest.mark.parametrize(
    "datagram",
    [
        b"\x17" + WHOLE[1:],
        b"\x16\x03\x03" + WHOLE[3:],
        dtls_record(dtls_fragment(b"done", 0, 4, kind=14)),
        dtls_record(b"x" * 30, epoch=1),
        dtls_record(b"\x01" + b"\x00\x00\x04" + b"\x00\x00" + b"\x00\x00\x02" + b"\x00\x00\x03" + b"abc"),
        dtls_record(dtls_fragment(BODY, 0, len(BODY))[:-1]),
    ],
)
def test_no_client_hello(datagram: bytes) -> None:
    """Other content, other versions, other messages, and fragments that lie about their place are Malformed."""
    with pytest.raises(Malformed):
        pull_fragments(datagram)


def test_noise() -> None:
    """Changed and cut datagrams only ever give a value, None or Malformed."""
    dice = random.Random(9147)
    seen: set[type[object]] = set()
    for _ in range(4000):
        datagram = bytearray(WHOLE + dtls_record(dtls_fragment(BODY, 0, 50)))
        for _ in range(dice.randrange(1, 4)):
            datagram[dice.randrange(len(datagram))] = dice.randrange(256)
        try:
            seen.add(type(read_datagram(bytes(datagram[: dice.randrange(len(datagram) + 1)]))))
        except Malformed:
            seen.add(Malformed)

    assert {ClientHello, type(None), Malformed} == seen
