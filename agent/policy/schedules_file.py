"""rules/schedules.yaml -> Schedules."""

import re
from collections.abc import Mapping
from datetime import UTC, date, timedelta, tzinfo
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from agent.policy.document import Node, Text
from agent.policy.fields import Fields, identifier, iso_date
from agent.policy.problems import Mark, Problems, did_you_mean, shown
from agent.policy.schedules import Calendar, Schedule, Schedules, Span

max_schedules = 256
"""A few for each building. All are looked at once a minute."""

max_spans = 48
"""Of one schedule and day: a bell every half hour, all day."""

max_range_days = 366
"""Of one holiday; a longer one is a mistyped year."""

max_days_off = 1_000
"""Entries under holidays, and under half days: those of many school years."""

day_names = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_days = re.compile(r"([a-z]+)(?: *- *([a-z]+))?")
_span = re.compile(r"([0-9]{1,2}):([0-9]{2}) *- *([0-9]{1,2}):([0-9]{2})")
_holiday_choices = {"closed": True, "open": False}


class _Reader:
    def __init__(self, problems: Problems) -> None:
        self._problems = problems

    def file(self, document: Node) -> Schedules:
        fields = Fields(
            document,
            "file of schedules",
            self._problems,
            required=["time_zone", "schedules"],
            optional=["holidays", "half_days"],
        )
        holidays = self._days_off(fields, "holidays", "holiday")
        half_days = self._days_off(fields, "half_days", "half day")
        schedules: dict[str, Schedule] = {}
        for name, mark, node in fields.entries("schedules"):
            schedule = self._schedule(name, mark, node)
            if len(schedules) >= max_schedules:
                self._problems.add(mark, f"more than {max_schedules} schedules", "join those with the same times")
                break
            if schedule is not None:
                schedules[name] = schedule
        return Schedules(schedules.values(), Calendar(self._zone(fields), holidays, half_days))

    def _zone(self, fields: Fields) -> tzinfo:
        text = fields.text("time_zone")
        if text is None:
            return UTC
        try:
            return ZoneInfo(text.text)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            known = available_timezones()
            remedy = did_you_mean(text.text, known) if known else "install the tz database (package tzdata)"
            self._problems.add(text.mark, f"{shown(text.text)} is no time zone", remedy)
            return UTC

    def _schedule(self, name: str, mark: Mark, node: Node) -> Schedule | None:
        fields = Fields(
            node,
            "schedule",
            self._problems,
            required=["title", "days", "spans"],
            optional=["half_day_spans", "on_holidays"],
        )
        title = fields.string("title")
        weekdays = frozenset(day for text in fields.texts("days") for day in self._weekdays(text))
        spans = self._spans(fields, "spans")
        half_day_spans = self._spans(fields, "half_day_spans") if "half_day_spans" in fields else None
        on_holidays = fields.choice("on_holidays", _holiday_choices) or "closed"
        if identifier(name, mark, self._problems) is None:
            return None
        return Schedule(name, title, weekdays, spans, half_day_spans, _holiday_choices[on_holidays])

    def _weekdays(self, text: Text) -> list[int]:
        found = _days.fullmatch(text.text.lower())
        ends = [found[1], found[2] or found[1]] if found else [text.text]
        unknown = [name for name in ends if name not in day_names]
        if unknown:
            remedy = f'days are {", ".join(day_names)}; a range is "mon-fri"'
            self._problems.add(text.mark, f"{shown(text.text)} is no day of the week", remedy)
            return []
        first, last = day_names.index(ends[0]), day_names.index(ends[1])
        # "sat-mon" runs over the end of the week.
        return [(first + step) % 7 for step in range((last - first) % 7 + 1)]

    def _spans(self, fields: Fields, key: str) -> tuple[Span, ...]:
        placed = [(span, text.mark) for text in fields.texts(key) if (span := self._one_span(text)) is not None]
        placed.sort(key=lambda pair: pair[0].start)
        if len(placed) > max_spans:
            self._problems.add(fields.mark_of(key), f"more than {max_spans} spans", "join those that follow each other")
        for (first, _), (second, mark) in pairwise(placed):
            if second.start < first.end:
                self._problems.add(mark, f"{second} overlaps {first}", f"let it start at {str(first)[-5:]} or later")
        return tuple(span for span, _ in placed)

    def _one_span(self, text: Text) -> Span | None:
        found = _span.fullmatch(text.text)
        hours = [int(part) for part in found.groups()] if found else [99] * 4
        start, end = hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]
        if hours[1] > 59 or hours[3] > 59 or start >= 1440 or end > 1440:
            remedy = 'write hours and minutes, such as "07:45-14:50"; the day ends at 24:00'
            self._problems.add(text.mark, f"{shown(text.text)} is no span of the day", remedy)
            return None
        if start < end:
            return Span(start, end)
        first, second = Span(start, 1440), Span(0, end)
        if start == end:
            what, remedy = "is empty", 'write a later end; the whole day is "00:00-24:00"'
        elif end == 0:
            what, remedy = "ends before it starts", f'write midnight at the end as "{first}"'
        else:
            what, remedy = "runs over midnight", f'write two spans: "{first}" and "{second}"'
        self._problems.add(text.mark, f"{shown(text.text)} {what}", remedy)
        return None

    def _days_off(self, fields: Fields, key: str, what: str) -> Mapping[date, str]:
        days: dict[date, str] = {}
        for number, node in enumerate(fields.items(key)):
            if number == max_days_off:
                self._problems.add(node.mark, f"more than {max_days_off} entries", "leave out the years that are over")
                break
            entry = Fields(node, what, self._problems, required=["name"], optional=["date", "from", "to"])
            name = entry.string("name")
            if ("date" in entry) == ("from" in entry) or ("from" in entry) != ("to" in entry):
                remedy = 'write "date:" for one day, or "from:" and "to:" for several'
                self._problems.add(node.mark, f"this {what} needs one day or a range", remedy)
                continue
            first = self._date(entry, "date" if "date" in entry else "from")
            last = first if "date" in entry else self._date(entry, "to")
            if first is None or last is None:
                continue
            if not timedelta(0) <= last - first < timedelta(max_range_days):
                remedy = f"end on or after the first day, within {max_range_days} days"
                self._problems.add(node.mark, f"this {what} is from {first} to {last}", remedy)
                continue
            for day in range((last - first).days + 1):
                days.setdefault(first + timedelta(day), name)
        return days

    def _date(self, fields: Fields, key: str) -> date | None:
        text = fields.text(key)
        return None if text is None else iso_date(text, self._problems)


def read_schedules(document: Node, problems: Problems) -> Schedules:
    """The schedules of the file that could be read; everything else is a problem."""
    return _Reader(problems).file(document)
