"""The gate as a C library in this process: capture files in memory -> batches of slices, and the rows that count them."""

import ctypes
import os
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from agent.gate import layout
from agent.gate.library import NativeGateError, PacketRing, ReadResult, library
from agent.gate.slices import SliceBatch, SliceRoom
from agent.gate.table import FlowTable, IdleLimits

STOPS: Final = (
    "",
    "",
    "the file ends inside a record",
    "a record's length is impossible",
    "not a pcap or pcapng capture file",
    "an unknown version of the pcap format",
)
"""enum capture_stop -> words; the first two are reading on, and the end"""
COMPLETE: Final = 1


class ReadProgress(NamedTuple):
    """Where reading a capture file stands after a batch."""

    frames: int
    at_bytes: int
    time_ns: int
    """Capture time of the last frame fed, or of the one that waits when `reached`."""
    reached: bool
    """The next frame is not before the time that was asked for."""
    stop: int
    """0 while there is more; else an index of STOPS."""


class NativeGate:
    """One gate with its own flow table.

    Args:
        max_flows: rows of the flow table, 192 bytes each; frames beyond are counted as untracked.
        idle: when a silent flow's row is given back.
        queries: whether DNS queries are opened; an answer repeats its question, so naming needs none.
        widen_bytes: for tests only: opens so many bytes beyond every window.

    Raises:
        NativeGateError: no library, or no memory for the table.
    """

    kind: Final = "process"

    def __init__(
        self, *, max_flows: int, idle: IdleLimits | None = None, queries: bool = True, widen_bytes: int = 0
    ) -> None:
        idle = idle or IdleLimits()
        self._library = library()
        config = layout.CONFIG.pack(idle.tcp_ns, idle.other_ns, idle.closed_ns, max_flows, widen_bytes, queries, 0)
        self._gate = self._library.gate_new(config, int.from_bytes(os.urandom(8), "little"))
        if not self._gate:
            msg = f"no memory for a table of {max_flows} flows ({max_flows * layout.ROW.itemsize >> 20} MiB); ask for fewer"
            raise NativeGateError(msg)
        size = max_flows * layout.ROW.itemsize
        rows = (ctypes.c_ubyte * size).from_address(self._library.gate_rows(self._gate))
        self.table = FlowTable(memoryview(rows).cast("B"), idle)
        totals = (ctypes.c_ubyte * layout.TOTALS.itemsize).from_address(self._library.gate_all_totals(self._gate))
        self._totals = np.frombuffer(memoryview(totals), dtype=layout.TOTALS)
        self._room = SliceRoom(widen_bytes * 8)
        self._result = ReadResult()
        self._released = np.zeros(max_flows, dtype=np.bool_)

    def close(self) -> None:
        """Frees the tables. The gate, and what was read from its table, must not be used afterwards."""
        if self._gate:
            self._library.gate_delete(self._gate)
            self._gate = None

    @property
    def high_water(self) -> int:
        """Rows below this number have been used."""
        mark: int = self._library.gate_high_water(self._gate)
        return mark

    def totals(self) -> dict[str, int]:
        """struct gate_totals by name, without what was opened."""
        record = self._totals[0]
        return {name: int(record[name]) for name in layout.TOTALS.names or () if name != "opened_bytes"}

    def opened_bytes(self) -> dict[str, int]:
        """What was opened so far, by kind of slice, in bytes."""
        opened = self._totals[0]["opened_bytes"]
        return {name: int(opened[i]) for i, name in enumerate(layout.SLICE_KIND_NAMES) if name}

    def open_capture(self, address: int, size: int) -> int:
        """Begins a capture file that lies in memory at `address`, which must stay there; an index of STOPS."""
        stop: int = self._library.gate_open_capture(self._gate, address, size)
        return stop

    def read_capture(self, *, until_ns: int, max_frames: int) -> tuple[ReadProgress, SliceBatch]:
        """Feeds frames of the open capture that were captured before `until_ns`, at most `max_frames`."""
        result = self._result
        self._library.gate_read_capture(
            self._gate, until_ns, max_frames, self._room.address, self._room.size, ctypes.byref(result)
        )
        progress = ReadProgress(result.frames, result.at, result.next_ns, bool(result.reached), result.stop)
        return progress, self._room.batch(result.out_used)

    def read_packets(self, ring: PacketRing, *, max_frames: int) -> tuple[int, bytes]:
        """Feeds what waits in a packet ring, at most `max_frames`; how many there were, and what was opened of them,
        for slices.read_slices.
        """
        used = ctypes.c_uint64()
        frames: int = self._library.gate_read_packets(
            *(self._gate, ctypes.byref(ring), max_frames, self._room.address, self._room.size, ctypes.byref(used))
        )
        return frames, self._room.copy(used.value)

    def feed(self, frame: bytes, *, time_ns: int, link: int = 1, wire_bytes: int = 0, vlan: int = -1) -> SliceBatch:
        """Feeds one frame of a link type; `vlan` is a tag that came beside it."""
        used = self._library.gate_feed_out(
            *(self._gate, link, time_ns, frame, len(frame), wire_bytes or len(frame), vlan),
            *(self._room.address, self._room.size),
        )
        return self._room.batch(used)

    def release(self, slots: npt.NDArray[np.int64] | Sequence[int]) -> None:
        """Takes flows' keys away: no packet is counted in these rows again."""
        numbers = np.ascontiguousarray(slots, dtype=np.uint32)
        self._library.gate_release(self._gate, numbers.ctypes.data, len(numbers))
        self._released[numbers] = True

    def released(self) -> npt.NDArray[np.int64]:
        """Released rows that no packet is on its way to."""
        return np.flatnonzero(self._released[: self.high_water])

    def remove(self, slots: npt.NDArray[np.int64] | Sequence[int]) -> None:
        """Frees rows; what they counted is the caller's from now on."""
        numbers = np.ascontiguousarray(slots, dtype=np.uint32)
        self._library.gate_remove(self._gate, numbers.ctypes.data, len(numbers))
        self._released[numbers] = False

    def add_personal(self, address: bytes) -> bool:
        """Names an address of 4 or 16 bytes as serving personal online accounts only; False when there is no room."""
        return bool(self._library.gate_add_personal(self._gate, address.ljust(16, b"\0")) == 0)

    def drop_personal(self, address: bytes) -> None:
        """Takes back `add_personal`: the address serves something else too. Flows that have begun stay closed."""
        self._library.gate_drop_personal(self._gate, address.ljust(16, b"\0"))


def layout_of_library() -> Iterator[int]:
    """Sizes and offsets as the C compiler laid them out, in the order of gate_native.c: gate_layout."""
    lib = library()
    number = 0
    while value := lib.gate_layout(number):
        yield value
        number += 1
