"""Tests of the day: from one midnight on the wall to the next, whatever the clock does in between."""

from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest

from agent.allowance.day import Day, day_of

HOUR_NS = 3_600_000_000_000
NEW_YORK, HAVANA = ZoneInfo("America/New_York"), ZoneInfo("America/Havana")


def ns(zone: tzinfo, year: int, month: int, day: int, hour: int = 0, *, fold: int = 0) -> int:
    """An hour on a wall, in nanoseconds since the epoch."""
    return int(datetime(year, month, day, hour, tzinfo=zone, fold=fold).timestamp()) * 1_000_000_000


@pytest.mark.parametrize(
    ("when", "hours"),
    [((2026, 11, 21), 24), ((2026, 11, 1), 25), ((2027, 3, 14), 23)],
)
def test_days_of_new_york(when: tuple[int, int, int], hours: int) -> None:
    """A day has 24 hours, 25 when daylight saving ends and 23 when it begins; each of its moments belongs to it."""
    start_ns = ns(NEW_YORK, *when)
    day = day_of(start_ns, NEW_YORK)

    assert Day(date(*when).isoformat(), start_ns, start_ns + hours * HOUR_NS) == day
    assert {day} == {day_of(start_ns + hour * HOUR_NS, NEW_YORK) for hour in range(hours)}
    assert [True, True, False, False] == [
        day.holds(moment_ns) for moment_ns in (day.start_ns, day.end_ns - 1, day.end_ns, day.start_ns - 1)
    ]


def test_a_midnight_that_is_left_out() -> None:
    """Havana goes from 23:59 to 01:00: the day begins with the change."""
    day = day_of(ns(HAVANA, 2026, 3, 8, 12), HAVANA)

    assert ("2026-03-08", 23 * HOUR_NS) == (day.name, day.end_ns - day.start_ns)
    assert "2026-03-07" == day_of(day.start_ns - 1, HAVANA).name


def test_a_midnight_that_comes_twice() -> None:
    """Havana goes from 00:59 back to 00:00: the day begins with the first of the two."""
    first_ns, second_ns = (ns(HAVANA, 2026, 11, 1, fold=fold) for fold in (0, 1))
    day = day_of(second_ns, HAVANA)

    assert HOUR_NS == second_ns - first_ns
    assert (first_ns, 25 * HOUR_NS) == (day.start_ns, day.end_ns - day.start_ns)


@pytest.mark.parametrize("zone", [UTC, NEW_YORK, ZoneInfo("Asia/Kathmandu")])
def test_days_join(zone: tzinfo) -> None:
    """A day ends where the next begins, all year long."""
    day = day_of(ns(zone, 2026, 1, 1), zone)
    for number in range(1, 366):
        next_day = day_of(day.end_ns, zone)
        assert day.end_ns == next_day.start_ns
        assert (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number)).date().isoformat() == next_day.name
        day = next_day


@pytest.mark.parametrize(
    ("wall_ns", "name"),
    [(-1, "1970-01-01"), (-(1 << 70), "1970-01-01"), (1 << 63, "2262-04-11"), (1 << 70, "9999-12-28")],
)
def test_times_that_no_calendar_has(wall_ns: int, name: str) -> None:
    """A capture file may claim any time: it gets the nearest day there is."""
    assert name == day_of(wall_ns, UTC).name
