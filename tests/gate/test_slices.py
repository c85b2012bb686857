"""The bytes that a gate writes -> slices: every field, any number of them in a room; and they wait in order, within limits."""

import ctypes

import pytest

from agent.flow import Direction, Slice, SliceFlag, SliceKind
from agent.gate import layout
from agent.gate.slices import MAX_WAITING_BYTES, SLICE_ROOM_BYTES, SliceQueue, SliceRoom, read_slices


def written(room: SliceRoom, *slices: tuple[Slice, int]) -> int:
    """Writes slices, each with its packet's payload length, as a gate would; returns the bytes used."""
    data = b""
    for one, payload_bytes in slices:
        fields = (one.time_ns, one.slot, one.offset, len(one.data), payload_bytes, one.direction, one.kind, one.flags)
        data += layout.SLICE.pack(*fields) + one.data + b"\xee" * (-len(one.data) % 8)
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


# ---- Waiting


def chunk_of(slices: list[Slice]) -> bytes:
    """Slices as a gate gives them to be read later."""
    room = SliceRoom()
    return room.copy(written(room, *((one, 99) for one in slices)))


def some(first: int, count: int) -> list[Slice]:
    """Slices of all lengths around a multiple of eight; the slot is their number."""
    return [
        Slice(
            number,
            Direction.TO_CLIENT,
            SliceKind.HTTP_HOST,
            SliceFlag.END,
            number * 7,
            number + 1,
            b"x" * (number % 17),
        )
        for number in range(first, first + count)
    ]


def test_read_in_parts() -> None:
    """Reading goes on where it stopped."""
    data, at, found = chunk_of(some(0, 10)), 0, []
    while at < len(data):
        batch, at = read_slices(data, at, len(data), 3)
        assert len(batch.slices) <= 3
        found += batch.slices

    assert some(0, 10) == found


def test_a_queue_keeps_the_order() -> None:
    """Slices leave as they came, across the chunks in which they were fetched, no more at a time than asked for."""
    queue = SliceQueue()
    for first in (0, 10, 20):
        queue.put(chunk_of(some(first, 10)))
    queue.put(b"")
    taken = []
    while queue:
        batch = queue.take(4)
        assert 0 < len(batch.slices) == len(batch.payload_bytes) <= 4
        taken += batch.slices

    assert (some(0, 30), 0) == (taken, queue.lost_chunks)
    assert ([], []) == queue.take(4)


def test_a_full_queue() -> None:
    """What finds no place is let go whole, and counted; what waits is kept; room comes back as slices are taken."""
    chunk = chunk_of(some(0, 10))
    queue = SliceQueue(max_bytes=2 * len(chunk))
    for _ in range(5):
        queue.put(chunk)
    assert 3 == queue.lost_chunks
    assert some(0, 10) == queue.take(100).slices
    queue.put(chunk)

    assert 3 == queue.lost_chunks
    assert [10, 10, 0] == [len(queue.take(100).slices) for _ in range(3)]


@pytest.mark.parametrize("taken", [0, 5])
def test_a_chunk_counts_until_it_is_read_to_its_end(taken: int) -> None:
    """The limit is of memory, and half a chunk holds all of it."""
    chunk = chunk_of(some(0, 10))
    queue = SliceQueue(max_bytes=len(chunk))
    queue.put(chunk)
    if taken:
        queue.take(taken)
    queue.put(chunk)

    assert 1 == queue.lost_chunks


def test_the_limit() -> None:
    """A queue that is told nothing holds what many introductions need, and no more than memory can spare."""
    assert SliceQueue()._max_bytes == MAX_WAITING_BYTES == 64 << 20
