"""A time and a time zone -> the day it belongs to, from one midnight on the wall to the next."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Final

LAST_SECOND_S: Final = 253_402_000_000
"""Within the year 9999, the last of a calendar; a capture file may claim any time at all."""

_SECOND_NS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Day:
    """A day by the clock on the wall: 23, 24 or 25 hours."""

    name: str
    """ISO 8601, such as "2026-11-21"."""
    start_ns: int
    end_ns: int
    """The first nanosecond of the next day."""

    def holds(self, wall_ns: int) -> bool:
        return self.start_ns <= wall_ns < self.end_ns


def day_of(wall_ns: int, zone: tzinfo) -> Day:
    """The day of a time, in nanoseconds since the epoch. Outside the years 1970 to 9999 it is the nearest one within.

    Where a change of the clock leaves midnight out, the day begins with the change; where midnight comes twice, with
    the first (PEP 495).
    """
    today = datetime.fromtimestamp(min(max(wall_ns // _SECOND_NS, 0), LAST_SECOND_S), zone).date()
    return Day(today.isoformat(), _midnight_ns(today, zone), _midnight_ns(today + timedelta(days=1), zone))


def _midnight_ns(day: date, zone: tzinfo) -> int:
    return int(datetime.combine(day, time(), zone).timestamp()) * _SECOND_NS
