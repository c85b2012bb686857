"""rules/schedules.yaml: days, spans, holidays and the zone are read; what no clock can show is told with its line."""

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from agent.policy import schedules_file
from agent.policy.document import parse
from agent.policy.problems import Problems, RulesError
from agent.policy.schedules import Schedule, Schedules, Span
from agent.policy.schedules_file import read_schedules

WHOLE = """\
time_zone: America/New_York
holidays:
  - {name: Recess, from: 2026-12-30, to: 2027-01-01}
  - {name: Labor Day, date: 2026-09-07}
half_days:
  - {name: Early release, date: 2026-11-25}
schedules:
  school: {title: School, days: [mon-thu, fri], spans: ["10:00-14:50", 07:45-09:50], half_day_spans: ["07:45-11:50"]}
  weekend: {title: Weekend, days: [Sat-Sun], spans: "00:00-24:00", on_holidays: open}
"""


def read(text: str) -> tuple[Schedules, list[str]]:
    """Returns the schedules, and the problems."""
    problems = Problems()
    node = parse(text.encode(), "t.yaml", problems)
    assert node is not None
    schedules = read_schedules(node, problems)
    try:
        problems.raise_if_any()
    except RulesError as error:
        return schedules, [str(problem) for problem in error.problems]
    return schedules, []


def test_everything_is_read() -> None:
    """Ranges of days and dates are unfolded, spans sorted, defaults filled in."""
    schedules, problems = read(WHOLE)

    assert [] == problems
    assert {
        "school": Schedule(
            "school", "School", frozenset(range(5)), (Span(465, 590), Span(600, 890)), (Span(465, 710),)
        ),
        "weekend": Schedule("weekend", "Weekend", frozenset({5, 6}), (Span(0, 1440),), observes_holidays=False),
    } == schedules.by_identifier
    assert ZoneInfo("America/New_York") == schedules.calendar.zone
    assert {
        date(2026, 12, 30): "Recess",
        date(2026, 12, 31): "Recess",
        date(2027, 1, 1): "Recess",
        date(2026, 9, 7): "Labor Day",
    } == schedules.calendar.holidays
    assert {date(2026, 11, 25): "Early release"} == schedules.calendar.half_days


def test_a_range_of_days_runs_over_the_end_of_the_week() -> None:
    """fri-mon are four days."""
    schedules, problems = read(WHOLE.replace("Sat-Sun", "fri-mon"))

    assert ([], frozenset({4, 5, 6, 0})) == (problems, schedules.by_identifier["weekend"].weekdays)


@pytest.mark.parametrize(
    ("right", "wrong", "line", "problem"),
    [
        ("time_zone: America/New_York", "time_zone: America/NewYork", 1, 'did you mean "America/New_York"?'),
        ("time_zone: America/New_York", "time_zone: ../../etc/passwd", 1, "is no time zone"),
        ("time_zone: America/New_York", "time_zone: America", 1, "is no time zone"),
        ("time_zone: America/New_York\n", "", 1, 'has no "time_zone"; add "time_zone:"'),
        ('"00:00-24:00"', '"22:00-02:00"', 9, 'over midnight; write two spans: "22:00-24:00" and "00:00-02:00"'),
        ('"00:00-24:00"', '"22:00-00:00"', 9, 'ends before it starts; write midnight at the end as "22:00-24:00"'),
        ('"00:00-24:00"', '"08:00-08:00"', 9, 'is empty; write a later end; the whole day is "00:00-24:00"'),
        ('"00:00-24:00"', '"08:00-24:01"', 9, "is no span of the day; write hours and minutes"),
        ('"00:00-24:00"', '"08:60-09:00"', 9, "is no span of the day; write hours and minutes"),
        ('"00:00-24:00"', '"8 to 9"', 9, "is no span of the day; write hours and minutes"),
        (
            '"00:00-24:00"',
            '["08:00-10:00", "09:59-11:00"]',
            9,
            "09:59-11:00 overlaps 08:00-10:00; let it start at 10:00",
        ),
        ("Sat-Sun", "Sat-Son", 9, '"Sat-Son" is no day of the week; days are mon, tue'),
        ("Sat-Sun", "weekdays", 9, "is no day of the week; days are mon, tue, wed, thu, fri, sat, sun; a range is"),
        ("on_holidays: open", "on_holidays: yes", 9, '"on_holidays": "yes" is not known; one of: closed, open'),
        ("on_holidays: open", "on_holiday: open", 9, 'did you mean "on_holidays"?'),
        ("  weekend:", "  Week-End:", 9, '"Week-End" is no identifier; lower-case letters'),
        ("date: 2026-09-07", "date: 2026-09-31", 4, '"2026-09-31" is no date; year-month-day'),
        ("date: 2026-09-07", "date: 9/7/2026", 4, '"9/7/2026" is no date; year-month-day'),
        ("date: 2026-09-07", "from: 2026-09-07", 4, "needs one day or a range"),
        ("date: 2026-09-07", "date: 2026-09-07, to: 2026-09-08", 4, "needs one day or a range"),
        ("to: 2027-01-01", "to: 2026-01-01", 3, "is from 2026-12-30 to 2026-01-01; end on or after the first day"),
        ("to: 2027-01-01", "to: 2072-01-01", 3, "within 366 days"),
    ],
)
def test_one_fault_is_one_problem(right: str, wrong: str, line: int, problem: str) -> None:
    """Each fault is told once, at its line, with its remedy."""
    assert 1 == WHOLE.count(right)

    _, problems = read(WHOLE.replace(right, wrong))

    assert 1 == len(problems), problems
    assert problems[0].startswith(f"t.yaml:{line}: ")
    assert problem in problems[0]


def test_the_number_of_holidays_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each may be a year long, and its days are kept."""
    monkeypatch.setattr(schedules_file, "max_days_off", 1)
    _, problems = read(WHOLE)

    assert 1 == len(problems)
    assert "more than 1 entries; leave out the years that are over" in problems[0]


@pytest.mark.parametrize("limit", ["max_schedules", "max_spans"])
def test_numbers_have_limits(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is looked at every minute is bounded."""
    monkeypatch.setattr(schedules_file, limit, 1)

    _, problems = read(WHOLE)

    assert 1 == len(problems)
    assert "more than 1 s" in problems[0]


def test_without_a_tz_database_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small container may lack all time zones; then the remedy is to install them, not to spell better."""
    monkeypatch.setattr(schedules_file, "available_timezones", set)

    _, problems = read(WHOLE.replace("America/New_York", "America/Nowhere"))

    assert ['t.yaml:1: "America/Nowhere" is no time zone; install the tz database (package tzdata)'] == problems
