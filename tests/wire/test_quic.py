"""Tests of reading QUIC Initials: headers, frames, the handshake inside, and each step's refusal to go on."""

import random
from operator import itemgetter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.facts import ClientHello
from agent.wire import quic
from agent.wire.cursor import Malformed
from agent.wire.pieces import Pieces
from agent.wire.quic import (
    CryptoPiece,
    Opener,
    joined,
    pull_crypto,
    pull_packets,
    read_handshake,
    read_partial,
    read_varint,
)
from agent.wire.quic_keys import SALTS, T050, V2
from tests.wire.build import alpn, block, crypto, hello, initial, sni, varint

HELLO = hello(sni(b"quic.example.com"), alpn(b"h3"))
EXPECTED = ClientHello("quic", b"quic.example.com", (b"h3",), encrypted=False, quic_version=1)
V2_SALT = SALTS[V2].hex()


@pytest.mark.parametrize(
    ("data", "value"),
    [
        ("c2197c5eff14e88c", 151_288_809_941_952_652),
        ("9d7f3e7d", 494_878_333),
        ("7bbd", 15_293),
        ("25", 37),
        ("4025", 37),
    ],
)
def test_varint_examples(data: str, value: int) -> None:
    """The examples of RFC 9000 appendix A.1, with a byte before and after; each cut is an IndexError."""
    number = bytes.fromhex(data)

    assert (value, 1 + len(number)) == read_varint(b"\xff" + number + b"\xff", 1)
    for cut in range(len(number)):
        with pytest.raises(IndexError):
            read_varint(b"\xff" + number[:cut], 1)


def test_one_datagram() -> None:
    """Header, keys, frames, handshake: the steps one after the other."""
    [packet] = pull_packets(initial(crypto(HELLO)))
    frames = Opener().open(packet)
    assert frames is not None
    [piece] = pull_crypto(frames, packet.version)

    assert (1, bytes.fromhex("8394c8f03e515708"), 18) == (packet.version, packet.destination, packet.number_at)
    assert EXPECTED == read_handshake(piece.data, packet.version)


def test_coalesced() -> None:
    """Initials around a 0-RTT and a Handshake packet are found, in order; a short header ends the datagram."""
    first, second = initial(crypto(b"a"), token=b"t" * 70), initial(crypto(b"b"), number=1)
    zero_rtt = b"\xd0\x00\x00\x00\x01\x00\x00" + varint(20) + bytes(20)
    handshake = b"\xe0\x00\x00\x00\x01\x00\x00" + varint(5) + bytes(5)

    packets = pull_packets(first + zero_rtt + handshake + second + b"\x40short")
    assert [first, second] == [packet.data for packet in packets]


def test_version_2_types() -> None:
    """RFC 9369 numbers its packet types anew: type 1 is an Initial, type 0 a Retry."""
    datagram = initial(crypto(HELLO), salt=V2_SALT, version=V2, packet_type=1, labels=b"quicv2")
    [packet] = pull_packets(datagram)
    frames = Opener().open(packet)

    assert frames is not None
    assert frames.startswith(crypto(HELLO))
    assert [] == pull_packets(initial(b"", salt=V2_SALT, version=V2, packet_type=0, labels=b"quicv2"))


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        b"\xc0",
        b"\x40" + bytes(60),  # short header
        b"\xc0\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01",  # version negotiation
        b"\xf0\x00\x00\x00\x01\x00\x00" + bytes(30),  # Retry
        b"\xc0\x00\x00\x00\x01\x15" + bytes(60),  # a connection ID of 21 bytes
        b"\xc0\x00\x00\x00\x01\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\x00",  # a token of 2^62 - 1 bytes
        b"\xc0\x00\x00\x00\x01\x00\x00\x00\x7f\xff" + bytes(100),  # a length beyond the datagram
    ],
)
def test_no_initial(datagram: bytes) -> None:
    """What holds no whole Initial gives none."""
    assert [] == pull_packets(datagram)


def test_every_cut() -> None:
    """Every prefix of a datagram gives no packet: it may be an IP fragment of more."""
    datagram = initial(crypto(HELLO))

    assert {0} == {len(pull_packets(datagram[:cut])) for cut in range(len(datagram))}


def test_frames() -> None:
    """CRYPTO among padding, PING and both kinds of ACK."""
    ack = b"\x02" + varint(9) + varint(0) + varint(1) + varint(3) + varint(1) + varint(1)
    ecn = b"\x03" + varint(9) + varint(0) + varint(0) + varint(3) + varint(1) + varint(2) + varint(3)
    frames = bytes(50) + b"\x01" + crypto(b"one", 70_000) + ack + ecn + bytes(9) + crypto(b"two") + bytes(800)

    assert [CryptoPiece(70_000, b"one"), CryptoPiece(0, b"two")] == pull_crypto(frames, 1)


@pytest.mark.parametrize(
    "tail",
    [
        b"\x06",
        b"\x06\x00\x7f\xffabc",  # longer than the packet
        b"\x06\xff\xff\xff\xff\xff\xff\xff\xff",  # offset 2^62 - 1, then nothing
        b"\x1c\x00\x00\x00",  # CONNECTION_CLOSE
        b"\x08\x00x",  # STREAM, which no Initial holds
        b"\xff" * 30,
        b"\x02\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00",  # an ACK of 2^62 - 1 ranges
    ],
)
def test_frames_that_end_it(tail: bytes) -> None:
    """A frame that is unknown, or ends after the packet, ends the reading; what came before stays."""
    assert [CryptoPiece(0, b"kept")] == pull_crypto(crypto(b"kept") + tail + crypto(b"lost", 9), 1)[:1]
    assert 1 == len(pull_crypto(crypto(b"kept") + tail, 1))


@pytest.mark.parametrize("number", [0, 63, 64, 0x1FFF, 0x2000, 0x3FFF, 0x4000])
def test_numbers_of_every_length(number: int) -> None:
    """Offsets and lengths of one, two and four bytes, at the ends of their ranges."""
    one, other = CryptoPiece(number, bytes(range(5))), CryptoPiece(1, bytes(number))

    assert [one, other] == pull_crypto(crypto(one.data, one.offset) + crypto(other.data, other.offset), 1)


def test_joined() -> None:
    """Pieces come out in order, and as one where no hole is between them; what lies on another's bytes stays apart."""
    pieces = [CryptoPiece(*piece) for piece in ((9, b"far"), (3, b"two"), (0, b"one"), (6, b"3"), (4, b"x"), (5, b"y"))]

    assert [] == joined([])
    assert pieces[:1] == joined(pieces[:1])
    assert [(0, b"onetwo3"), (9, b"far")] == joined(pieces[:4])
    assert [(0, b"onetwo"), (4, b"xy3"), (9, b"far")] == joined(pieces)


@given(st.lists(st.tuples(st.integers(0, 40), st.binary(max_size=9)), max_size=8))
def test_joined_pieces_make_the_same_stream(pieces: list[tuple[int, bytes]]) -> None:
    """Whether pieces are added one by one in order or joined, the bytes are the same, also where they contradict."""
    apart, together = Pieces(48), Pieces(48)
    for offset, data in sorted(pieces, key=itemgetter(0)):
        apart.add(offset, data)
    for offset, data in joined([CryptoPiece(*piece) for piece in pieces]):
        together.add(offset, data)

    assert (apart.head(), apart.known, apart.met_limit) == (together.head(), together.known, together.met_limit)


def test_far_offsets_are_kept_as_they_are() -> None:
    """An offset of 2^62 - 1 is a number like any other here; who puts pieces in order has the limit."""
    far = (1 << 62) - 1

    assert [CryptoPiece(far, b"x")] == pull_crypto(crypto(b"x", far), 1)


def test_google_frame_numbers() -> None:
    """Q050, T050 and T051 carry CRYPTO as frame 8."""
    assert [CryptoPiece(0, b"x")] == pull_crypto(crypto(b"x", kind=8), T050)
    assert [] == pull_crypto(crypto(b"x", kind=8), 1)


def test_keys_of_the_first_connection_id() -> None:
    """A later Initial goes to an ID that the server chose, but is sealed with the first one's keys."""
    opener = Opener()
    [first] = pull_packets(initial(crypto(b"one")))
    [later] = pull_packets(initial(crypto(b"two"), destination=b"server's", number=1))

    assert [True, True] == [opener.open(packet) is not None for packet in (first, later)]
    assert 0 == opener.sealed


def test_keys_after_retry() -> None:
    """After a Retry the client derives new keys from the ID in it, and keeps those; the old ones are gone."""
    opener = Opener()
    packets = [
        pull_packets(datagram)[0]
        for datagram in (
            initial(crypto(b"one")),
            initial(crypto(b"two"), key_id=b"of retry", token=b"t"),
            initial(crypto(b"three"), key_id=b"of retry", destination=b"server's", number=1),
        )
    ]

    assert [True] * 3 == [opener.open(packet) is not None for packet in packets]


def test_sealed() -> None:
    """Packets that no key opens, and versions without a salt, are counted and do not spoil what follows."""
    opener = Opener()
    datagram = initial(crypto(HELLO))
    [good] = pull_packets(datagram)
    [bad] = pull_packets(datagram[:-1] + b"\x00")
    [unknown] = pull_packets(b"\xc0\xba\xba\xba\xba" + datagram[5:])

    assert [None, None] == [opener.open(packet) for packet in (bad, unknown)]
    assert opener.open(good) is not None
    assert 2 == opener.sealed


def test_handshake_needs_more() -> None:
    """Every prefix of the hello needs more; from the end of the name on, read_partial knows it."""
    assert {None} == {read_handshake(HELLO[:cut], 1) for cut in range(len(HELLO))}
    fact = read_partial(HELLO[:-3], 1)
    assert fact is not None
    assert (b"quic.example.com", 1, False) == (fact.server_name, fact.quic_version, fact.complete)


def test_handshake_of_something_else() -> None:
    """A CRYPTO stream that starts with no ClientHello is Malformed."""
    with pytest.raises(Malformed):
        read_handshake(b"\x02" + block(3, b"server hello"), 1)


def test_noise() -> None:
    """Changed and cut datagrams and frames only ever give lists, values, None or Malformed."""
    dice = random.Random(9000)
    datagram = initial(crypto(HELLO[:90]) + crypto(HELLO[90:], 90))
    frames = b"\x02\x05\x00\x02\x01\x01\x01\x01\x01" + crypto(HELLO[:90]) + bytes(30) + crypto(HELLO[90:], 90)
    opened = 0
    for _ in range(1500):
        changed = bytearray(datagram)
        changed[dice.randrange(30 if dice.random() < 0.8 else len(changed))] = dice.randrange(256)
        for packet in pull_packets(bytes(changed[: dice.choice((len(changed), dice.randrange(1300)))])):
            opened += Opener().open(packet) is not None
        changed = bytearray(frames)
        changed[dice.randrange(len(changed))] = dice.randrange(256)
        for piece in pull_crypto(bytes(changed[: dice.randrange(len(changed))]), 1):
            try:
                quic.read_handshake(piece.data, 1)
            except Malformed:
                continue

    assert 0 < opened < 1500
