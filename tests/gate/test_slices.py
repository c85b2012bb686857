"""The bytes that a gate writes -> slices: every field, padding, and any number of them in a room."""

import ctypes

import pytest

from agent.flow import Slice
from agent.gate import layout
from agent.gate.slices import SLICE_ROOM_BYTES, SliceRoom


def written(room: SliceRoom, *slices: tuple[Slice, int]) -> int:
    """Writes slices, each with its packet's payload length, as a gate would; returns the bytes used."""
    data = b""
    for one, payload_bytes in slices:
        fields = (one.time_ns, one.slot, one.offset, len(one.data), payload_bytes, one.direction, one.kind, one.flags)
        data += layout.SLICE.pack(*fields, 0, 0) + one.data + b"\xee" * (-len(one.data) % 8)
    ctypes.memmove(room.address, data, len(data))
    return len(data)


@pytest.mark.parametrize("size", [0, 1, 7, 8, 9, 64, 16384])
def test_fields(size: int) -> None:
    """Each field comes out as it went in; padding does not, whatever it holds."""
    room = SliceRoom()
    first = Slice(2**32 - 1, 1, 8, 3, 2**32 - 2, 2**64 - 1, bytes(index % 251 for index in range(size)))
    second = Slice(1, 0, 2, 0, 0, 5, b"next")

    batch = room.batch(written(room, (first, 2**32 - 3), (second, 4)))
    assert [first, second] == batch.slices
    assert [2**32 - 3, 4] == batch.payload_bytes


def test_nothing() -> None:
    """An unused room holds no slice."""
    assert ([], []) == SliceRoom().batch(0)


def test_slices_outlive_the_room() -> None:
    """Slices are copies: the next batch does not change them."""
    room = SliceRoom()
    batch = room.batch(written(room, (Slice(0, 0, 1, 0, 0, 0, b"first"), 5)))
    written(room, (Slice(0, 0, 1, 0, 0, 0, b"other"), 5))

    assert b"first" == batch.slices[0].data


@pytest.mark.parametrize("more_bytes", [0, 100_000])
def test_size(more_bytes: int) -> None:
    """A room can be made larger, and may be filled to its last byte."""
    room = SliceRoom(more_bytes)
    assert SLICE_ROOM_BYTES + more_bytes == room.size

    whole = Slice(0, 0, 1, 0, 0, 0, bytes(room.size - layout.SLICE.size))
    assert [whole] == room.batch(written(room, (whole, 0))).slices
