"""Tests of putting pieces in order: any order, overlaps, limits."""

import random

from hypothesis import given
from hypothesis import strategies as st

from agent.wire.pieces import Pieces

TEXT = bytes(range(256)) * 2


def test_in_order_and_backwards() -> None:
    """Each byte of a text, forwards or backwards, ends in the text; known grows only when the hole before it closes."""
    for places in (range(len(TEXT)), reversed(range(len(TEXT)))):
        pieces = Pieces(1024)
        grown = [pieces.add(at, TEXT[at : at + 1]) for at in places]
        assert TEXT == pieces.head()
        assert grown[-1]


def test_the_first_bytes_at_a_place_stay() -> None:
    """A later copy with other bytes fills the holes around the first and changes nothing of it."""
    pieces = Pieces(100)
    pieces.add(3, b"def")
    pieces.add(7, b"h")

    assert pieces.add(0, b"ABCDEFGHIJ")
    assert b"ABCdefGhIJ" == pieces.head()


def test_duplicates_do_not_grow() -> None:
    """A retransmission is no news."""
    pieces = Pieces(100)

    assert [True, False, False] == [pieces.add(0, b"abc"), pieces.add(0, b"abc"), pieces.add(1, b"b")]


def test_beyond_the_limit() -> None:
    """What lies beyond max_bytes is cut and noted; a far offset takes no memory."""
    pieces = Pieces(4)

    assert not pieces.add(1 << 62, b"far")
    assert (0, True) == (len(pieces), pieces.met_limit)
    assert pieces.add(2, b"cdef") is False
    assert pieces.add(0, b"ab")
    assert (b"abcd", 8) == (pieces.head(), len(pieces))


def test_exactly_the_limit() -> None:
    """max_bytes themselves are within the limit."""
    pieces = Pieces(4)
    pieces.add(0, b"abcd")

    assert (b"abcd", False) == (pieces.head(), pieces.met_limit)


def test_drop_goes_on_after() -> None:
    """After drop the stream starts later: old bytes are ignored, new ones find their place, the limit moves along."""
    pieces = Pieces(4)
    pieces.add(0, b"abcd")
    pieces.drop(3)
    pieces.add(1, b"XXXe")

    assert (3, b"de", False) == (pieces.start, pieces.head(), pieces.met_limit)
    pieces.drop(99)
    assert (5, b"") == (pieces.start, pieces.head())


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 12)), max_size=30), st.integers(0, 1 << 30))
def test_against_a_dictionary(cuts: list[tuple[int, int]], seed: int) -> None:
    """Any pieces with any bytes give what a dictionary of first bytes gives."""
    dice = random.Random(seed)
    pieces = Pieces(32)
    first: dict[int, int] = {}
    for at, size in cuts:
        piece = dice.randbytes(size)
        pieces.add(at, piece)
        for place, byte in enumerate(piece, at):
            if place < 32:
                first.setdefault(place, byte)
    known = next(place for place in range(33) if place not in first)

    assert bytes(first[place] for place in range(known)) == pieces.head()
