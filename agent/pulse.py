"""Counts at a tick and the polls since the last -> whether the capture really goes on: what the watchdog is fed by.

A silent tap is a healthy one: at night nothing comes. What is not healthy is to lose all that comes.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Counts:
    """Since the start; none of them falls."""

    seen_packets: int = 0
    dropped_packets: int = 0
    """Lost before the gate."""
    lost_slices: int = 0
    """Opened by the gate, and lost before they were read."""


class Pulse:
    """Told of every poll and every tick."""

    def __init__(self) -> None:
        self._polls = 0
        self._slices = 0
        self._last = Counts()
        self.trouble: str | None = None
        """Why the tap is stuck as of the last tick, or None."""

    def poll(self, slices: int) -> None:
        """A poll went round, to its end.

        Args:
            slices: that it read.
        """
        self._polls += 1
        self._slices += slices

    def tick(self, now: Counts) -> bool:
        """A tick went round; whether the service is to be called alive since the last one."""
        last = self._last
        if now.dropped_packets > last.dropped_packets and now.seen_packets <= last.seen_packets:
            self.trouble = "packets are dropped and none is seen"
        elif now.lost_slices > last.lost_slices and not self._slices:
            self.trouble = "slices are lost and none is read"
        else:
            self.trouble = None
        polled = self._polls > 0
        self._polls = self._slices = 0
        self._last = now
        return polled and self.trouble is None
