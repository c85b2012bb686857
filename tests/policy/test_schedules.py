"""Schedules: the clock on the wall, through both changes of it, on holidays and half days; the same for live and replay."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.policy.schedules import Calendar, Schedule, Schedules, Span, State

NEW_YORK = ZoneInfo("America/New_York")
WEEKDAYS = frozenset(range(5))
SCHEDULES = Schedules(
    [
        Schedule("school", "School", WEEKDAYS, (Span(465, 890),), (Span(465, 710),)),
        Schedule("meals", "Meals", WEEKDAYS, (Span(480, 500), Span(690, 760))),
        Schedule("night", "Night", frozenset(range(7)), (Span(0, 180), Span(1380, 1440)), observes_holidays=False),
    ],
    Calendar(NEW_YORK, {date(2026, 11, 26): "Thanksgiving"}, {date(2026, 11, 25): "Early release"}),
)


def utc(text: str) -> int:
    """Returns nanoseconds since the epoch of a time in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000_000


@pytest.mark.parametrize(
    ("time", "schedule", "active"),
    [
        # Friday before the change to daylight saving (8 March 2026): EST, UTC-5
        ("2026-03-06T12:44:59", "school", False),
        ("2026-03-06T12:45:00", "school", True),
        ("2026-03-06T19:49:59", "school", True),
        ("2026-03-06T19:50:00", "school", False),
        # Monday after it: EDT, UTC-4; the bell is an hour earlier in UTC
        ("2026-03-09T11:44:59", "school", False),
        ("2026-03-09T11:45:00", "school", True),
        ("2026-03-09T18:50:00", "school", False),
        # The night itself: 01:59 EST is followed by 03:00 EDT, which is outside 00:00-03:00
        ("2026-03-08T06:59:59", "night", True),
        ("2026-03-08T07:00:00", "night", False),
        # Friday before the change back (1 November 2026): EDT; Monday after it: EST
        ("2026-10-30T11:45:00", "school", True),
        ("2026-11-02T11:45:00", "school", False),
        ("2026-11-02T12:45:00", "school", True),
        # That night 01:30 comes twice, and is within 00:00-03:00 both times; 03:00 EST ends it
        ("2026-11-01T05:30:00", "night", True),
        ("2026-11-01T06:30:00", "night", True),
        ("2026-11-01T07:59:59", "night", True),
        ("2026-11-01T08:00:00", "night", False),
        # The day ends at 24:00
        ("2026-11-03T04:59:59", "night", True),
        # Several spans a day
        ("2026-11-03T13:10:00", "meals", True),
        ("2026-11-03T14:00:00", "meals", False),
        ("2026-11-03T16:40:00", "meals", True),
        # A Saturday, a holiday, and a schedule that is open on holidays
        ("2026-11-21T15:00:00", "school", False),
        ("2026-11-26T15:00:00", "school", False),
        ("2026-11-26T05:30:00", "night", True),
        # A half day: school ends at 11:50, meals are as on any day
        ("2026-11-25T16:49:00", "school", True),
        ("2026-11-25T16:50:00", "school", False),
        ("2026-11-25T17:00:00", "meals", True),
    ],
)
def test_active(time: str, schedule: str, active: bool) -> None:
    """A span holds from its first minute up to its last, on the clock on the wall."""
    assert active == SCHEDULES.active(schedule, utc(time))
    assert active == (schedule in SCHEDULES.active_at(utc(time)))


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        ("2026-11-23T15:00:00", State(active=True, why="10:00 is within 07:45-14:50 (Monday)")),
        ("2026-11-23T22:00:00", State(active=False, why="17:00 is outside 07:45-14:50 (Monday)")),
        ("2026-11-21T15:00:00", State(active=False, why="not on a Saturday")),
        ("2026-11-26T15:00:00", State(active=False, why="2026-11-26 is a holiday: Thanksgiving")),
        ("2026-11-25T17:00:00", State(active=False, why="12:00 is outside 07:45-11:50 (half day: Early release)")),
    ],
)
def test_the_reason_is_given(time: str, expected: State) -> None:
    """A person who asks gets the span, the weekday or the holiday."""
    assert expected == SCHEDULES.state("school", utc(time))


def test_a_schedule_that_does_not_exist() -> None:
    """Rules are checked against the schedules, so asking for another is a programmer's error."""
    with pytest.raises(KeyError):
        SCHEDULES.active("holidays", 0)


@pytest.mark.parametrize("now_ns", [-1, 0, 2**63, 2**64 - 1, 10**30, -(10**30)])
def test_any_time_a_capture_may_claim(now_ns: int) -> None:
    """A damaged capture file holds times before 1970 and after 9999: an answer, never an error."""
    assert SCHEDULES.active_at(now_ns) <= {"school", "meals", "night"}


@given(st.lists(st.integers(0, 2**62), min_size=1, max_size=20))
def test_what_is_remembered_changes_nothing(times: list[int]) -> None:
    """Asked in any order, the set of active schedules is what each schedule says for itself in that minute."""
    for now_ns in times:
        expected = {name for name in SCHEDULES.by_identifier if SCHEDULES.active(name, now_ns)}

        assert expected == SCHEDULES.active_at(now_ns)


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-11-23T10:15", "2026-11-23T15:15"),
        ("2026-07-01T10:15", "2026-07-01T14:15"),
        ("2026-11-23T10:15+00:00", "2026-11-23T10:15"),
        ("2026-11-23", "2026-11-23T05:00"),
    ],
)
def test_a_time_as_people_write_it(written: str, moment: str) -> None:
    """Without an offset it is the clock on the wall, on whichever side of the change; with one it is that moment."""
    assert utc(moment) == SCHEDULES.moment(datetime.fromisoformat(written))
