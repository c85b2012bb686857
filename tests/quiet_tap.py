"""A tap with a gate and the wall clock, on which nothing happens but what a test plays."""

import time
from collections.abc import Iterable

from agent.gate.native import NativeGate
from agent.gate.slices import SliceBatch
from agent.lab.frames import Frame


class QuietTap:
    """Loses nothing and has no problem; what is played to its gate at once, a test hands on as it likes."""

    def __init__(self, max_flows: int) -> None:
        self.gate = NativeGate(max_flows=max_flows)

    def play(self, frames: Iterable[Frame]) -> SliceBatch:
        """Feeds the frames at their times; what the gate has opened of them."""
        batch = SliceBatch([], [])
        for frame in frames:
            fed = self.gate.feed(frame.data, time_ns=frame.time_ns)
            batch.slices.extend(fed.slices)
            batch.payload_bytes.extend(fed.payload_bytes)
        return batch

    @property
    def behind(self) -> bool:
        return False

    @property
    def lost_chunks(self) -> int:
        return 0

    def read(self) -> SliceBatch:
        return SliceBatch([], [])

    def now_ns(self) -> int:
        return time.time_ns()

    def dropped_packets(self) -> int:
        return 0

    def problem(self) -> str | None:
        return None

    def close(self) -> None:
        self.gate.close()
