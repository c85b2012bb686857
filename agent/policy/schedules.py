"""A time -> which schedules are active, that is: when."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from functools import lru_cache

second_ns = 1_000_000_000
minute_ns = 60 * second_ns

max_minutes_remembered = 16
"""A tick asks for the present minute only; a replayed capture runs through a few at once."""

last_second_s = 253_402_000_000
"""Within the year 9999, the last that a calendar has here; a capture file may claim any time at all."""

weekday_names = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Span:
    """From one minute of the day up to, but not with, another, on the clock on the wall."""

    start: int
    """Minutes after midnight."""
    end: int
    """Minutes after midnight, more than `start`, at most 1440."""

    def __str__(self) -> str:
        return f"{self.start // 60:02}:{self.start % 60:02}-{self.end // 60:02}:{self.end % 60:02}"


@dataclass(frozen=True, slots=True)
class Schedule:
    """Times of the week that have a name."""

    identifier: str
    title: str
    weekdays: frozenset[int]
    """0 is Monday."""
    spans: tuple[Span, ...]
    half_day_spans: tuple[Span, ...] | None = None
    """In place of `spans` on half days; None when half days are like others."""
    observes_holidays: bool = True
    """Not active on holidays."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """What all schedules of a site share."""

    zone: tzinfo
    """Where the clock on the wall hangs. Spans mean that clock, so a change to daylight saving needs no care."""
    holidays: Mapping[date, str] = field(default_factory=dict)
    """day -> its name"""
    half_days: Mapping[date, str] = field(default_factory=dict)
    """day -> its name"""


@dataclass(frozen=True, slots=True)
class State:
    """Whether a schedule is active, and what makes it so."""

    active: bool
    why: str


class Schedules:
    """All schedules of a site. Made once, never changed; the same time always gives the same answer."""

    __slots__ = ("_active", "by_identifier", "calendar")

    def __init__(self, schedules: Iterable[Schedule], calendar: Calendar) -> None:
        self.by_identifier: Mapping[str, Schedule] = {schedule.identifier: schedule for schedule in schedules}
        self.calendar = calendar
        self._active = lru_cache(maxsize=max_minutes_remembered)(self._active_in_minute)

    def local(self, now_ns: int) -> datetime:
        """The clock on the wall. Times outside the years 1970 to 9999 are taken as the nearest end."""
        return datetime.fromtimestamp(min(max(now_ns // second_ns, 0), last_second_s), self.calendar.zone)

    def moment(self, local: datetime) -> int:
        """Nanoseconds since the epoch; a time without an offset is on the clock on the wall."""
        aware = local if local.tzinfo is not None else local.replace(tzinfo=self.calendar.zone)
        return int(aware.timestamp()) * second_ns

    def active(self, identifier: str, now_ns: int) -> bool:
        """True when the schedule is active. Raises KeyError for a schedule that does not exist."""
        return self.state(identifier, now_ns).active

    def active_at(self, now_ns: int) -> frozenset[str]:
        """Identifiers of all schedules that are active. Spans begin and end on whole minutes, so one answer serves
        for the minute.
        """
        return self._active(now_ns // minute_ns)

    def state(self, identifier: str, now_ns: int) -> State:
        """Whether the schedule is active, and why. Raises KeyError for a schedule that does not exist."""
        schedule = self.by_identifier[identifier]
        local = self.local(now_ns)
        day = local.date()
        if schedule.observes_holidays and (holiday := self.calendar.holidays.get(day)) is not None:
            return State(active=False, why=f"{day} is a holiday: {holiday}")
        if day.weekday() not in schedule.weekdays:
            return State(active=False, why=f"not on a {weekday_names[day.weekday()]}")
        spans, kind = schedule.spans, weekday_names[day.weekday()]
        if schedule.half_day_spans is not None and (half_day := self.calendar.half_days.get(day)) is not None:
            spans, kind = schedule.half_day_spans, f"half day: {half_day}"
        minute = local.hour * 60 + local.minute
        for span in spans:
            if span.start <= minute < span.end:
                return State(active=True, why=f"{local:%H:%M} is within {span} ({kind})")
        return State(active=False, why=f"{local:%H:%M} is outside {', '.join(map(str, spans))} ({kind})")

    def _active_in_minute(self, minute: int) -> frozenset[str]:
        return frozenset(name for name in self.by_identifier if self.active(name, minute * minute_ns))
