"""The gate's bytes on their way to Python -> slices; the same shape from the native gate and from the kernel's ring."""

import ctypes
from collections import deque
from typing import Final, NamedTuple

from agent.flow import Slice
from agent.gate import layout

SLICE_ROOM_BYTES: Final = 1 << 20
"""Room for one batch of slices: some 500 ClientHellos, so that names follow packets closely."""

MAX_WAITING_BYTES: Final = 64 << 20
"""Some 40,000 introductions: a school's worth of browsers started by one bell."""


_new: Final = tuple.__new__
"""Makes a named tuple as the tuple that it is: 0.15 us, not 0.4, for each slice."""


class SliceBatch(NamedTuple):
    """Slices of one call, and the payload length of the packet behind each."""

    slices: list[Slice]
    payload_bytes: list[int]


class SliceRoom:
    """Memory that the gate writes slices to.

    Args:
        more_bytes: beyond SLICE_ROOM_BYTES.
    """

    def __init__(self, more_bytes: int = 0) -> None:
        self._room = bytearray(SLICE_ROOM_BYTES + more_bytes)
        self.address: Final = ctypes.addressof((ctypes.c_ubyte * len(self._room)).from_buffer(self._room))
        self.size: Final = len(self._room)

    def batch(self, used: int) -> SliceBatch:
        """The slices in the first `used` bytes."""
        return read_slices(bytes(memoryview(self._room)[:used]), 0, used)[0]

    def copy(self, used: int) -> bytes:
        """The first `used` bytes, to be read later."""
        return bytes(memoryview(self._room)[:used])


class SliceQueue:
    """Slices that wait for their turn. Fetching them is cheap and must not wait for naming, which is not."""

    def __init__(self, *, max_bytes: int = MAX_WAITING_BYTES) -> None:
        self._max_bytes = max_bytes
        self._chunks: deque[bytes] = deque()
        self._at = 0
        self._bytes = 0
        self.lost_chunks = 0
        """How often max_bytes was met and what was fetched had to be let go unread."""

    def __bool__(self) -> bool:
        return bool(self._chunks)

    def put(self, chunk: bytes) -> None:
        """Appends what a gate gave."""
        if not chunk:
            return
        if self._bytes + len(chunk) > self._max_bytes:
            self.lost_chunks += 1
            return
        self._chunks.append(chunk)
        self._bytes += len(chunk)

    def take(self, max_slices: int) -> SliceBatch:
        """The next slices, in the order in which they came."""
        if not self._chunks:
            return SliceBatch([], [])
        chunk = self._chunks[0]
        batch, self._at = read_slices(chunk, self._at, len(chunk), max_slices)
        if self._at >= len(chunk):
            self._chunks.popleft()
            self._bytes -= len(chunk)
            self._at = 0
        return batch


def read_slices(data: bytes, start: int, end: int, max_slices: int = 1 << 30) -> tuple[SliceBatch, int]:
    """Slices from `start` on, and where the next one begins."""
    unpack, header = layout.SLICE.unpack_from, layout.SLICE.size
    slices: list[Slice] = []
    payload: list[int] = []
    at = start
    while at < end and len(slices) < max_slices:
        time_ns, slot, offset, length, payload_bytes, direction, kind, flags = unpack(data, at)
        at += header
        slices.append(_new(Slice, (slot, direction, kind, flags, offset, time_ns, data[at : at + length])))
        payload.append(payload_bytes)
        at += (length + 7) & ~7
    return SliceBatch(slices, payload), at
