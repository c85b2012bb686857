"""premises.yaml: what is read, and every mistake with its line."""

import pytest

from agent.notice.premises import Building, Premises, Retention, Tap
from agent.notice.premises_file import MAX_TAPS, read_premises
from agent.policy.document import parse
from agent.policy.policy import load
from agent.policy.problems import Problem, Problems, RulesError
from agent.shipped import shipped_rules

SEGMENTS = {"staff", "students", "guests"}


def problems_of(text: str) -> list[Problem]:
    """What is wrong in a file."""
    problems = Problems()
    document = parse(text.encode(), "premises.yaml", problems)
    assert document is not None
    read_premises(document, SEGMENTS, problems)
    try:
        problems.raise_if_any()
    except RulesError as error:
        return list(error.problems)
    return []


def test_reads_everything(premises: Premises) -> None:
    """Each value of the file is there; a tap covers its own building; a single interface is a list of one."""
    assert premises == Premises(
        district="Two Schools District",
        contact="the Superintendent",
        buildings=(Building("high", "East High School", "1 East Street"), Building("middle", "West Middle School")),
        taps=(
            Tap("core", "high", "network room", ("eth1", "eth2"), ("staff", "students"), ("high",)),
            Tap("west", "middle", "closet 2 B", ("eth1",), ("guests",), ("middle",)),
        ),
        retention=Retention(400, 90),
        distinct_devices="",
        posted_where=("the main office", "the web site"),
    )


def test_a_store_of_devices(two_buildings: str) -> None:
    """It is left out, or it has its place; and nothing else is said of it."""
    assert [] == problems_of(two_buildings + "distinct_devices: {where: network room}\n")
    for wrong in ("{}", "yes", "{where: }", "{where: [a, b]}", "{where: here, password: x}"):
        assert 1 == len(problems_of(two_buildings + f"distinct_devices: {wrong}\n")), wrong


def test_shipped_example_is_in_order() -> None:
    """The shipped premises.yaml has no problem, and its one tap covers the shipped segments."""
    directory, problems = shipped_rules(), Problems()
    document = parse((directory / "premises.yaml").read_bytes(), "premises.yaml", problems)
    assert document is not None
    premises = read_premises(document, load(directory).segments.by_identifier, problems)

    assert 0 == len(problems)
    assert premises is not None
    assert [("guests", "staff", "students")] == [tap.segments for tap in premises.taps]


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        ("building: middle", "building: midle", 9, '"midle" is not known'),
        ("segments: [guests]", "segments: [gests]", 9, 'segment: "gests" is not known'),
        ("id: middle", "id: high", 6, 'the building "high" stands in line 5 already'),
        ("id: west", "id: core", 9, 'the tap "core" stands in line 8 already'),
        ("closet 2 B", "teachers' lounge", 9, "an area for health or personal comfort"),
        ("closet 2 B", "Locker Room", 9, "an area for health or personal comfort"),
        ("closet 2 B", "men's room", 9, "an area for health or personal comfort"),
        ("closet 2 B", "women\u2019s rooms", 9, "an area for health or personal comfort"),
        ("closet 2 B", "staff washroom", 9, "an area for health or personal comfort"),
        ("closet 2 B", "lavatory, first floor", 9, "an area for health or personal comfort"),
        ("counts_days: 400", "counts_days: 0", 3, '"0" is no number of days'),
        ("records_days: 90", "records_days: soon", 3, '"soon" is no number of days'),
        ("records_days: 90", "record_days: 90", 3, '"record_days" is no key of this "retention"'),
        ("contact: the Superintendent", "contakt: nobody", 2, '"contakt" is no key of this file of premises'),
        ("where: [the main office, the web site]", "where: []", 10, '"where" is an empty list'),
    ],
)
def test_mistakes_have_their_line(two_buildings: str, old: str, new: str, line: int, what: str) -> None:
    """Each mistake is a problem at its line; that the rest is right does not hide it."""
    assert old in two_buildings
    found = problems_of(two_buildings.replace(old, new))

    assert (line, True) in [(problem.line, what in problem.what) for problem in found]


def test_all_mistakes_at_once(two_buildings: str) -> None:
    """Several mistakes are several problems."""
    found = problems_of(two_buildings.replace("eth1, eth2", "").replace("[guests]", "[gests]"))

    assert [8, 9] == [problem.line for problem in found]


def test_building_that_no_tap_covers(two_buildings: str) -> None:
    """A building without a tap is a mistake, until some tap says that it covers it."""
    alone = two_buildings.replace("building: middle", "building: high")
    (problem,) = problems_of(alone)

    assert (6, True) == (problem.line, 'no tap covers the building "middle"' in problem.what)
    assert [] == problems_of(alone.replace("segments: [guests]", "segments: [guests], covers: [middle]"))


def test_taps_are_limited(two_buildings: str) -> None:
    """More than MAX_TAPS taps are one problem, at the first that is too many."""
    tap = "  - {{id: t{}, building: high, where: room, interfaces: [eth1], segments: [staff]}}\n"
    many = "".join(tap.format(number) for number in range(MAX_TAPS - 1))
    found = problems_of(two_buildings.replace("notice:", many + "notice:"))

    assert [(8 + MAX_TAPS, f"more than {MAX_TAPS} taps")] == [(problem.line, problem.what) for problem in found]


@pytest.mark.parametrize("text", ["", "[]", "just words", "buildings: {a: b}", "taps: [1, [2]]"])
def test_what_is_no_such_file(text: str) -> None:
    """A file of another shape is problems, never an exception."""
    assert problems_of(text)
