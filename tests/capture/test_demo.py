"""Tests of the demo's tap: the day is played by the clock, never faster than it is made, and never ends."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from agent.capture import demo
from agent.capture.demo import MAX_FRAMES_A_READ, MAX_LAG_NS, ROUND_NS, DemoTap
from agent.lab.crafted import START_NS

SECOND_NS = 1_000_000_000


@dataclass(slots=True)
class Clock:
    """Stands in the place of the module `time`."""

    now_ns: int = START_NS

    def monotonic_ns(self) -> int:
        return self.now_ns


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that only moves when a test says so."""
    made = Clock()
    monkeypatch.setattr(demo, "time", made)
    monkeypatch.setattr(demo, "ROUND_VISITS", 60)
    return made


@pytest.fixture
def tap(clock: Clock) -> Iterator[DemoTap]:
    """The first day, which begins now."""
    assert START_NS == clock.now_ns
    made = DemoTap(1)
    yield made
    made.close()


def seen(tap: DemoTap) -> int:
    """Frames so far."""
    return tap.gate.totals()["seen_packets"]


def played(tap: DemoTap, clock: Clock, duration_ns: int, step_ns: int = SECOND_NS // 4) -> int:
    """Lets the clock run, and reads at each step; how many slices there were."""
    slices = 0
    for _ in range(duration_ns // step_ns):
        clock.now_ns += step_ns
        slices += len(tap.read().slices)
    return slices


def test_by_the_clock(tap: DemoTap, clock: Clock) -> None:
    """Nothing comes before its time; with the time come frames, and with them slices."""
    clock.now_ns -= SECOND_NS
    assert ([], 0) == (tap.read().slices, seen(tap))
    clock.now_ns += SECOND_NS
    slices = played(tap, clock, 20 * SECOND_NS)
    frames = seen(tap)
    assert ([], frames) == (tap.read().slices, seen(tap))

    assert frames > 100
    assert slices > 10
    assert tap.now_ns() == clock.now_ns


def test_again_is_the_same(clock: Clock) -> None:
    """The same seed is the same day; another is another."""
    counts = []
    for seed in (1, 1, 2):
        clock.now_ns = START_NS
        tap = DemoTap(seed)
        counts.append((played(tap, clock, 10 * SECOND_NS), tap.gate.totals()))
        tap.close()

    assert counts[0] == counts[1]
    assert counts[0] != counts[2]


def test_round_after_round(tap: DemoTap, clock: Clock) -> None:
    """When a day has been played another one begins."""
    played(tap, clock, 2 * ROUND_NS)
    first = seen(tap)
    played(tap, clock, 2 * ROUND_NS)

    assert first > 1000
    assert seen(tap) > first * 1.5


def test_a_machine_that_is_too_slow(tap: DemoTap, clock: Clock) -> None:
    """After a pause the day goes on where it was: it does not hurry after the clock."""
    played(tap, clock, 10 * SECOND_NS)
    before_ns = tap.now_ns()
    clock.now_ns += 3600 * SECOND_NS
    tap.read()

    assert before_ns <= tap.now_ns() <= before_ns + 2 * MAX_LAG_NS
    assert seen(tap) < 10_000


def test_a_read_is_bounded(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much is due, one read makes so many frames at most."""
    monkeypatch.setattr(demo, "ROUND_VISITS", 3000)
    monkeypatch.setattr(demo, "MAX_LAG_NS", 3600 * SECOND_NS)
    tap = DemoTap(1)
    clock.now_ns += ROUND_NS // 2
    tap.read()

    assert MAX_FRAMES_A_READ == seen(tap)
    tap.close()


def test_nothing_is_wrong(tap: DemoTap) -> None:
    """Nothing is dropped, lost or waiting: it is not a network."""
    assert (0, 0, False, None) == (tap.dropped_packets(), tap.lost_chunks, tap.behind, tap.problem())
    assert "process" == tap.gate.kind
