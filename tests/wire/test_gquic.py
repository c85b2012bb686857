"""Tests of Google's CHLO, bare (Q050) and in plain datagrams (Q025 to Q046)."""

import random

import pytest

from agent.facts import ClientHello
from agent.wire.cursor import Malformed
from agent.wire.gquic import MAX_TAGS, read_chlo, read_datagram
from tests.wire.build import block

Q043 = 0x51303433
Q046 = 0x51303436


def chlo(**tags: bytes) -> bytes:
    """A CHLO with tags in the order given; names are padded to four bytes."""
    entries, values = b"", b""
    for tag, value in tags.items():
        values += value
        entries += tag.encode().ljust(4, b"\x00") + len(values).to_bytes(4, "little")
    return b"CHLO" + len(tags).to_bytes(2, "little") + bytes(2) + entries + values


CHLO = chlo(PAD=b"-" * 1000, SNI=b"www.google.com", STK=b"x" * 40, VER=b"Q043")


def expected(version: int, name: bytes | None = b"www.google.com") -> ClientHello:
    """The hello that a CHLO says."""
    return ClientHello("quic", name, (), encrypted=False, quic_version=version)


def test_bare() -> None:
    """The SNI of a CHLO; what follows the SNI may be missing."""
    assert expected(5) == read_chlo(CHLO, 5)
    assert expected(5) == read_chlo(CHLO[:-44], 5)


def test_every_cut() -> None:
    """Every prefix that ends before the SNI's value does needs more."""
    assert {None} == {read_chlo(CHLO[:cut], 5) for cut in range(len(CHLO) - 44)}


def test_without_name() -> None:
    """A CHLO without an SNI, or with one that is no host name, is a hello without a name."""
    assert expected(5, None) == read_chlo(chlo(PAD=b"-", VER=b"Q050"), 5)
    assert expected(5, None) == read_chlo(chlo(SNI=b"not a name"), 5)


@pytest.mark.parametrize(
    "data",
    [
        b"REJ\x00" + CHLO[4:],
        b"CHLX",
        b"CHLO" + (MAX_TAGS + 1).to_bytes(2, "little") + bytes(2000),
        b"CHLO\x02\x00\x00\x00" + b"PAD\x00\x09\x00\x00\x00" + b"SNI\x00\x08\x00\x00\x00" + bytes(20),
    ],
)
def test_no_chlo(data: bytes) -> None:
    """Other messages, too many tags and ends out of order are Malformed."""
    with pytest.raises(Malformed):
        read_chlo(data, 5)


def test_public_header() -> None:
    """Q043: flags, connection ID, version, packet number, hash, STREAM frame, CHLO."""
    datagram = b"\x0d" + b"i" * 8 + b"Q043" + b"\x01" + b"h" * 12 + b"\xa0\x01" + block(2, CHLO)

    assert expected(Q043) == read_datagram(datagram)


def test_long_header() -> None:
    """Q046: first byte, version, lengths, connection ID, packet number, hash, STREAM frame, CHLO."""
    datagram = b"\xc3Q046\x50" + b"i" * 8 + b"\x00\x00\x00\x01" + b"h" * 12 + b"\xa0\x01" + block(2, CHLO)

    assert expected(Q046) == read_datagram(datagram)


@pytest.mark.parametrize("datagram", [b"", CHLO, b"Q0xx----" + CHLO, bytes(70) + CHLO, b"\xc3Q046" + bytes(80) + CHLO])
def test_no_datagram_of_those_versions(datagram: bytes) -> None:
    """Without a version before it, or too far on, a CHLO is not looked for."""
    assert None is read_datagram(datagram)


def test_noise() -> None:
    """Changed and cut messages only ever give a value, None or Malformed."""
    dice = random.Random(46)
    good = chlo(PAD=b"-" * 20, SNI=b"www.google.com", VER=b"Q050")
    seen: set[type[object]] = set()
    for _ in range(3000):
        data = bytearray(good)
        data[dice.randrange(len(data))] = dice.randrange(256)
        try:
            seen.add(type(read_chlo(bytes(data[: dice.randrange(len(data) + 1)]), 5)))
        except Malformed:
            seen.add(Malformed)

    assert {ClientHello, type(None), Malformed} == seen
