"""A synthetic school day, played in real time through the native gate: what `hallwatch run --demo` watches."""

import time
from collections.abc import Iterator
from typing import Final

from agent.gate.native import NativeGate
from agent.gate.slices import SliceBatch
from agent.lab.day import school_day
from agent.lab.frames import Frame

MAX_FLOWS: Final = 16_384
"""Rows of the flow table: more than the demo ever has open."""
ROUND_VISITS: Final = 900
"""Visits in one round of ROUND_NS; some 15 flows start each second, DNS not counted."""
ROUND_NS: Final = 60_000_000_000
MAX_FRAMES_A_READ: Final = 2_000
"""Making a frame costs some 50 microseconds, so that one read never holds the loop for much longer than 100 ms."""
MAX_LAG_NS: Final = 1_000_000_000
"""When the machine is too slow for the day, the day waits for it rather than hurrying after the clock."""


class DemoTap:
    """Frames of one lab day after another, each fed when its time has come.

    Args:
        seed: of the first round; each later round counts on from it.
    """

    def __init__(self, seed: int) -> None:
        self.gate: Final = NativeGate(max_flows=MAX_FLOWS, queries=False)
        self._seed = seed
        self._delay_ns = 0
        self._frames = self._rounds()
        self._next = next(self._frames)

    @property
    def behind(self) -> bool:
        """The day is played by the clock: nothing waits."""
        return False

    @property
    def lost_chunks(self) -> int:
        return 0

    def read(self) -> SliceBatch:
        """Plays what is due."""
        batch = SliceBatch([], [])
        now_ns = self.now_ns()
        if now_ns - self._next.time_ns > MAX_LAG_NS:
            self._delay_ns += now_ns - self._next.time_ns
            now_ns = self.now_ns()
        for _ in range(MAX_FRAMES_A_READ):
            frame = self._next
            if frame.time_ns > now_ns:
                break
            fed = self.gate.feed(frame.data, time_ns=frame.time_ns, wire_bytes=frame.wire_bytes)
            batch.slices.extend(fed.slices)
            batch.payload_bytes.extend(fed.payload_bytes)
            self._next = next(self._frames)
        return batch

    def now_ns(self) -> int:
        """The monotonic clock, less the time for which the day had to wait."""
        return time.monotonic_ns() - self._delay_ns

    def dropped_packets(self) -> int:
        return 0

    def problem(self) -> str | None:
        return None

    def close(self) -> None:
        self.gate.close()

    def _rounds(self) -> Iterator[Frame]:
        seed = self._seed
        while True:
            day = school_day(seed=seed, flows=ROUND_VISITS, start_ns=self.now_ns(), duration_ns=ROUND_NS)
            yield from day.frames()
            seed += 1
