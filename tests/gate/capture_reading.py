"""The bytes of a capture file -> what a gate makes of them, with conservation asserted after each batch."""

import ctypes

from agent.flow import Direction
from agent.gate.native import COMPLETE, ReadProgress
from agent.lab.crafted import START_NS, ends_of
from agent.lab.frames import Frame
from agent.lab.stack import Wire
from tests.gate.feeding import Feeder

CUT, BAD_LENGTH, NOT_A_CAPTURE, BAD_VERSION = 2, 3, 4, 5
"""Indices of agent.gate.native.STOPS."""

NEVER_NS = 2**63


def frame(number: int, time_ns: int = START_NS, *, cut_bytes: int = 0) -> Frame:
    """A frame of a flow of its own."""
    data = Wire(ends_of(number, 27015)).udp(Direction.TO_SERVER, b"x" * (number % 7)).data
    return Frame(time_ns, data, cut_bytes)


FRAMES = [frame(number, START_NS + number * 1000) for number in range(5)]


class Reader:
    """Reads a file's bytes through a gate."""

    def __init__(self, feed: Feeder) -> None:
        self.feed = feed
        self.gate = feed.gate

    def open(self, data: bytes) -> int:
        """Begins a file; what its bytes lie in is kept."""
        self._kept = ctypes.create_string_buffer(data, max(1, len(data)))
        return self.gate.open_capture(ctypes.addressof(self._kept), len(data))

    def some(self, *, until_ns: int = NEVER_NS, max_frames: int = 1 << 30) -> ReadProgress:
        """Reads one batch."""
        progress, batch = self.gate.read_capture(until_ns=until_ns, max_frames=max_frames)
        self.feed.look_at(batch.slices)
        return progress

    def all(self, data: bytes) -> tuple[int, int]:
        """Reads a whole file: frames, and why it stopped."""
        stop, frames = self.open(data), 0
        while not stop:
            progress = self.some()
            frames += progress.frames
            stop = progress.stop
        assert frames <= self.gate.totals()["seen_packets"]
        return frames, stop

    def times(self, data: bytes) -> list[int]:
        """Times of the frames of a file, read one by one."""
        stop, found = self.open(data), []
        while not stop:
            progress = self.some(max_frames=1)
            found += [progress.time_ns] * progress.frames
            stop = progress.stop
        assert COMPLETE == stop
        return found
