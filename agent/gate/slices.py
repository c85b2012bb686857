"""The gate's bytes on their way to Python -> slices; the same shape from the native gate and from the kernel's ring."""

import ctypes
from typing import Final, NamedTuple

from agent.flow import Slice
from agent.gate import layout

SLICE_ROOM_BYTES: Final = 1 << 20
"""Room for one batch of slices: some 500 ClientHellos, so that names follow packets closely."""


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
        room, unpack, header = self._room, layout.SLICE.unpack_from, layout.SLICE.size
        slices: list[Slice] = []
        payload: list[int] = []
        at = 0
        while at < used:
            time_ns, slot, offset, length, payload_bytes, direction, kind, flags, _, _ = unpack(room, at)
            at += header
            slices.append(Slice(slot, direction, kind, flags, offset, time_ns, bytes(room[at : at + length])))
            payload.append(payload_bytes)
            at += (length + 7) & ~7
        return SliceBatch(slices, payload)
