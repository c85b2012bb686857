"""Tests of the cursor: fields in order, and no byte beyond the end."""

from collections.abc import Callable

import pytest

from agent.wire.cursor import Cursor, Malformed, Overrun


def test_fields_in_order() -> None:
    """Numbers, bytes, blocks and skips follow one another, and `left` counts down."""
    cursor = Cursor(b"\x01\x02\x03abc\x00\x02xyzz")

    assert (1, 0x0203, b"abc", b"xy") == (cursor.number(1), cursor.number(2), cursor.take(3), cursor.block(2))
    cursor.skip(1)
    assert 1 == cursor.left


@pytest.mark.parametrize(
    "read",
    [
        lambda cursor: cursor.number(3),
        lambda cursor: cursor.take(3),
        lambda cursor: cursor.skip(3),
    ],
)
def test_nothing_beyond_the_end(read: Callable[[Cursor], object]) -> None:
    """Every read that would pass `end` raises Overrun, though the bytes go on, and leaves the place where it was."""
    cursor = Cursor(b"\x80\x00\x00\x00\x00", 0, 2)

    with pytest.raises(Overrun):
        read(cursor)
    assert 2 == cursor.left


def test_empty() -> None:
    """A number of no bytes is an Overrun too, and an Overrun is Malformed to who does not wait for more."""
    with pytest.raises(Malformed):
        Cursor(b"").number(1)
