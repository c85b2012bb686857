"""Frames -> the kernel's gate and the native one, held to the same slices, rows and totals after every use."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from agent.flow import Slice
from agent.gate import layout
from agent.gate.bpf import BpfError
from agent.gate.kernel import KernelGate
from agent.gate.native import NativeGate
from agent.gate.slices import SliceBatch

CLOCKS = ("first_ns", "last_ns")
"""The kernel stamps packets itself; all else of a row is the same."""
MIN_FRAME_BYTES = 14
MAX_FRAME_BYTES = 3500
"""BPF_PROG_TEST_RUN takes no more than a page, its own needs and the 14 bytes before the frame included."""
SAME = [name for name in layout.ROW.names or () if name not in CLOCKS]


@dataclass(slots=True)
class Passed:
    """What became of some frames."""

    fed: int = 0
    refused: int = 0
    """Frames that BPF_PROG_TEST_RUN cannot take; neither gate saw them."""
    slices: int = 0


class Twins:
    """Both gates, with empty tables of the same size."""

    def __init__(self, max_flows: int) -> None:
        self.kernel = KernelGate(max_flows=max_flows)
        self.native = NativeGate(max_flows=max_flows)

    def close(self) -> None:
        self.kernel.close()
        self.native.close()

    def feed(self, frames: Iterable[bytes]) -> Passed:
        """Feeds each frame to both, and compares what came out; then the rows and totals."""
        passed = Passed()
        for frame in frames:
            batch = self.feed_one(frame)
            if batch is None:
                passed.refused += 1
            else:
                passed.fed += 1
                passed.slices += len(batch.slices)
        self.compare()
        return passed

    def feed_one(self, frame: bytes) -> SliceBatch | None:
        """What the native gate opened, and the kernel's too; None when the frame cannot be fed to the kernel."""
        if len(frame) < MIN_FRAME_BYTES:
            return None
        try:
            theirs = self.kernel.feed(frame)
        except BpfError:
            assert len(frame) > MAX_FRAME_BYTES
            return None
        ours = self.native.feed(frame, time_ns=time.monotonic_ns())  # the kernel's clock; the length is what is there
        assert [timeless(one) for one in theirs.slices] == [timeless(one) for one in ours.slices]
        assert theirs.payload_bytes == ours.payload_bytes
        return ours

    def settle(self, slot: int, class_id: int, *, seal: bool) -> None:
        """Names a flow in both tables."""
        for gate in (self.kernel, self.native):
            gate.table.settle(slot, class_id, seal=seal)

    def live(self) -> list[int]:
        """Slots in use, in both tables."""
        theirs = self.kernel.table.live(self.kernel.high_water).tolist()
        ours: list[int] = self.native.table.live(self.native.high_water).tolist()
        assert theirs == ours
        return ours

    def compare(self) -> None:
        """Asserts that every row, every total and every count of opened bytes is the same."""
        slots = self.live()
        for name in SAME:
            theirs, ours = (gate.table._rows[name][slots] for gate in (self.kernel, self.native))
            assert np.array_equal(theirs, ours), name
        assert self.kernel.totals() == self.native.totals()
        assert self.kernel.opened_bytes() == self.native.opened_bytes()

    def clear(self) -> None:
        """Gives all rows back. Nothing is on its way here, so there is nothing to wait for."""
        slots: Sequence[int] = self.live()
        for gate in (self.kernel, self.native):
            gate.release(slots)
            gate.remove(slots)
        assert [] == self.live()


def timeless(one: Slice) -> Slice:
    """The slice without its time."""
    return one._replace(time_ns=0)
