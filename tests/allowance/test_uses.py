"""Tests of uses: minutes and bytes in, numbers of devices out, under keys that tell nothing."""

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st

from agent.allowance.uses import NO_ROOM, Uses
from tests.allowance.school import device

SALT = bytes(range(32))
BOUNDS = (0, 5, 15)
WITHOUT_END = 1 << 62


def array(*numbers: int) -> npt.NDArray[np.int64]:
    return np.array(numbers, dtype=np.int64)


def over(uses: Uses, number: int, *, minutes: int = WITHOUT_END, octets: int = WITHOUT_END) -> bool:
    """Whether a use is beyond so much."""
    return bool(uses.beyond(array(number), array(minutes), array(octets))[0])


def test_numbers_are_of_devices_in_segments_and_categories() -> None:
    """The same device in another category or segment is another use; asked again it is the same."""
    uses = Uses(SALT)
    asked = [("staff", "retail"), ("staff", "news"), ("guests", "retail")]
    numbers = [uses.number(*cell, device(1)) for cell in asked]

    assert [1, 2, 3] == numbers
    assert numbers == [uses.number(*cell, device(1)) for cell in asked]
    assert 4 == uses.number("staff", "retail", device(2))


def test_parts_do_not_run_together() -> None:
    """Where segment, category and address meet makes a difference, and so does the length of an address."""
    uses = Uses(SALT)
    asked = [("a", "bc", b"d234"), ("ab", "c", b"d234"), ("a", "b", b"cd23"), ("a", "b", b"cd23" + bytes(12))]

    assert [1, 2, 3, 4] == [uses.number(*one) for one in asked]


def test_a_minute_counts_once() -> None:
    """Whatever comes in a minute, by however many flows, is one minute; bytes are added all the same."""
    uses = Uses(SALT)
    number = uses.number("staff", "retail", device(1))
    uses.add(array(number, number, number), array(7, 8, 7), array(10, 10, 10))
    uses.add(array(number), array(8), array(10))

    assert (True, False) == (over(uses, number, minutes=1), over(uses, number, minutes=2))
    assert (True, False) == (over(uses, number, octets=39), over(uses, number, octets=40))


def test_time_that_runs_backwards() -> None:
    """A minute before the latest is not counted: which ones were is not known any more."""
    uses = Uses(SALT)
    number = uses.number("staff", "retail", device(1))
    for minute in (9, 3, 9):
        uses.add(array(number), array(minute), array(0))

    assert {("staff", "retail"): ((1, 0, 0), 0)} == uses.tally(BOUNDS)


def test_a_tally() -> None:
    """Devices are counted by cell, by the minutes that they exceed, and by whether they ever went over."""
    uses = Uses(SALT)
    for cell, minutes in (("retail", 1), ("retail", 5), ("retail", 6), ("news", 16)):
        number = uses.number("staff", cell, device(minutes))
        uses.add(array(*[number] * minutes), array(*range(minutes)), array(*[1] * minutes))
        over(uses, number, minutes=5)
        over(uses, number, minutes=100)  # once over, over for the day

    assert {("staff", "retail"): ((3, 1, 0), 1), ("staff", "news"): ((1, 1, 1), 1)} == uses.tally(BOUNDS)
    assert {} == Uses(SALT).tally(BOUNDS)


def test_no_room() -> None:
    """Beyond the limit a use has no number, each time it is asked for is counted, and those that are known stay known."""
    uses = Uses(SALT, max_uses=2)
    numbers = [uses.number("staff", "retail", device(i)) for i in (1, 2, 3, 3, 1)]

    assert [1, 2, NO_ROOM, NO_ROOM, 1] == numbers
    assert 2 == uses.limits_met["incidental_uses"]
    assert {("staff", "retail"): ((0, 0, 0), 0)} == uses.tally(BOUNDS)


def test_keys_tell_nothing() -> None:
    """Another salt gives other keys; no key holds the address, or anything that is common to two categories."""
    kept = []
    for salt in (SALT, bytes(32)):
        uses = Uses(salt)
        for category in ("retail", "news"):
            uses.number("staff", category, device(1))
        kept += list(uses._numbers)

    assert 4 == len(set(kept))
    assert [16] * 4 == [len(key) for key in kept]
    assert [] == [key for key in kept if device(1) in key]


LINES = st.lists(st.tuples(st.integers(1, 3), st.integers(0, 30), st.integers(0, 1000)), max_size=8)


@given(st.lists(LINES, max_size=8))
def test_against_sets(ticks: list[list[tuple[int, int, int]]]) -> None:
    """In order of time, minutes are those of a set that holds each, and bytes are their sum."""
    uses = Uses(SALT)
    for i in (1, 2, 3):
        uses.number("staff", "retail", device(i))
    minutes: dict[int, set[int]] = {1: set(), 2: set(), 3: set()}
    octets = dict.fromkeys(minutes, 0)
    for tick, lines in enumerate(ticks):
        moved = [(number, tick * 31 + minute, size) for number, minute, size in lines]
        for number, minute, size in moved:
            minutes[number].add(minute)
            octets[number] += size
        numbers, held, sizes = (array(*(line[i] for line in moved)) for i in range(3))
        uses.add(numbers, held, sizes)

    for number, seen in minutes.items():
        assert (False, True) == (over(uses, number, minutes=len(seen)), over(uses, number, minutes=len(seen) - 1))
        assert (False, True) == (
            over(uses, number, octets=octets[number]),
            over(uses, number, octets=octets[number] - 1),
        )
