"""Snapshots, one a second -> how fast each category's traffic was over the last hour, and what came in the last seconds.

Only growth is kept, so a count that begins anew (another tap, a restart of what counts) makes no dip and no spike, and
each step knows how much time it stands for, so a pause makes the rate of that step right rather than its height wrong.
"""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from agent.snapshot import Snapshot
from agent.verdict import Verdict

STEP_NS: Final = 15_000_000_000
"""Fine enough to see a bell ring, coarse enough that a second without a tick does not show."""
STEPS: Final = 240
"""One hour of them."""
MAX_SERIES: Final = 128
"""(category, verdict) pairs: 22 categories by 4 verdicts are 88. With STEPS it bounds the memory to some 3 MB."""
RECENT_NS: Final = 10_000_000_000
"""What "now" means: short enough to follow, long enough that one download's burst is not the whole picture."""
MAX_RECENT: Final = 32
"""Ticks kept for that, should they come faster than one a second."""

LIMITS: Final = ("history_series",)
"""Under which name it is counted that MAX_SERIES was met."""
OTHER: Final = "other"
"""The category of what is beyond MAX_SERIES: nothing is lost but its name."""

Series = tuple[str, Verdict]
"""(category, verdict)"""
Use = tuple[str, str, Verdict]
"""(application, category, verdict)"""


@dataclass(frozen=True, slots=True)
class LastHour:
    """Frame bytes by step, oldest step first; every tuple has STEPS places, and so has `covered_ns`."""

    end_ns: int
    """Where the newest step ends, in nanoseconds since the epoch."""
    covered_ns: tuple[int, ...]
    """The time that each step's bytes came in; 0 where nothing was observed."""
    bytes: Mapping[Series, tuple[int, ...]]

    def amounts(self, verdict: Verdict, category: str | None = None) -> tuple[int, ...]:
        """Bytes by step under a verdict; of every category together when none is named."""
        lines = [line for (name, given), line in self.bytes.items() if given is verdict and category in {None, name}]
        return tuple(map(sum, zip(*lines, strict=True))) if lines else (0,) * STEPS

    def rates(self, amounts: Sequence[int]) -> tuple[float | None, ...]:
        """Bytes by step as bytes a second; None where nothing was observed."""
        return tuple(
            amount * 1e9 / covered if covered else None
            for amount, covered in zip(amounts, self.covered_ns, strict=True)
        )


@dataclass(frozen=True, slots=True)
class Recent:
    """What came within the last RECENT_NS or a little less."""

    span_ns: int = 0
    """The time in which it came; 0 before two ticks have been seen."""
    bytes: Mapping[Use, int] = field(default_factory=dict)
    """Frame bytes both ways; a use that did not grow is not there."""
    opened_bytes: int = 0
    unopened_bytes: int = 0
    """Of transport payload."""

    def per_second(self, amount: int) -> float:
        """An amount of this span as a rate."""
        return amount * 1e9 / self.span_ns if self.span_ns else 0.0


@dataclass(slots=True)
class _Step:
    number: int
    """Steps since the epoch."""
    covered_ns: int
    bytes: Counter[Series]


@dataclass(frozen=True, slots=True)
class _Tick:
    span_ns: int
    bytes: Mapping[Use, int]
    opened_bytes: int
    unopened_bytes: int


@dataclass(frozen=True, slots=True)
class _Totals:
    time_ns: int
    bytes: Mapping[Use, int]
    opened_bytes: int
    unopened_bytes: int


class History:
    """A ring of STEPS steps and a short queue of ticks. A tick costs one pass over the snapshot's classes."""

    def __init__(self) -> None:
        self._steps: deque[_Step] = deque(maxlen=STEPS)
        self._recent: deque[_Tick] = deque(maxlen=MAX_RECENT)
        self._series: set[Series] = set()
        self._before: _Totals | None = None
        self.limits_met: Counter[str] = Counter(dict.fromkeys(LIMITS, 0))
        """How often bytes were put under OTHER because there were MAX_SERIES already."""

    def add(self, snapshot: Snapshot) -> None:
        """Takes what grew since the last snapshot. The first one only says where counting stands.

        A clock that was set back by less than a step is waited for, and the growth with it; set back further, it begins
        the hour anew: steps could not be told apart otherwise.
        """
        totals, before = _totals(snapshot), self._before
        if before is not None and before.time_ns - STEP_NS < totals.time_ns <= before.time_ns:
            return
        self._before = totals
        if before is None:
            return
        if totals.time_ns < before.time_ns:
            self._steps.clear()
            self._recent.clear()
            return
        tick = _growth(before, totals)
        self._recent.append(tick)
        self._add_to_step(totals.time_ns, tick)

    def last_hour(self) -> LastHour:
        """The ring as it stands, its newest step still filling."""
        end = self._steps[-1].number + 1 if self._steps else 0
        covered = [0] * STEPS
        amounts: dict[Series, list[int]] = {}
        for step in self._steps:
            place = step.number - (end - STEPS)
            if place < 0:
                continue  # older than an hour, and not yet pushed out because steps are missing
            covered[place] = step.covered_ns
            for series, amount in step.bytes.items():
                amounts.setdefault(series, [0] * STEPS)[place] = amount
        return LastHour(end * STEP_NS, tuple(covered), {series: tuple(line) for series, line in amounts.items()})

    def recent(self) -> Recent:
        """The sum of the newest ticks that fit into RECENT_NS; of one tick when it took longer than that itself."""
        span_ns = opened = unopened = 0
        amounts: Counter[Use] = Counter()
        for tick in reversed(self._recent):
            if span_ns and span_ns + tick.span_ns > RECENT_NS:
                break
            span_ns += tick.span_ns
            opened += tick.opened_bytes
            unopened += tick.unopened_bytes
            amounts.update(tick.bytes)
        return Recent(span_ns, amounts, opened, unopened)

    def _add_to_step(self, time_ns: int, tick: _Tick) -> None:
        number = time_ns // STEP_NS
        if not self._steps or self._steps[-1].number != number:
            self._steps.append(_Step(number, 0, Counter()))
        step = self._steps[-1]
        step.covered_ns += tick.span_ns
        for (_, category, verdict), amount in tick.bytes.items():
            step.bytes[self._known((category, verdict))] += amount

    def _known(self, series: Series) -> Series:
        if series in self._series:
            return series
        if len(self._series) >= MAX_SERIES:
            self.limits_met["history_series"] += 1
            return OTHER, series[1]
        self._series.add(series)
        return series


def _totals(snapshot: Snapshot) -> _Totals:
    amounts: dict[Use, int] = {}
    opened = payload = 0
    for row in snapshot.classes:
        use, counts = (row.flow_class.application, row.flow_class.category, row.verdict), row.counts
        amounts[use] = amounts.get(use, 0) + counts.sent_bytes + counts.received_bytes
        opened += counts.opened_bytes
        payload += counts.payload_bytes
    return _Totals(snapshot.time_ns, amounts, opened, payload - opened)


def _growth(before: _Totals, after: _Totals) -> _Tick:
    grown = {use: _grown(before.bytes.get(use, 0), amount) for use, amount in after.bytes.items()}
    return _Tick(
        span_ns=after.time_ns - before.time_ns,
        bytes={use: amount for use, amount in grown.items() if amount},
        opened_bytes=_grown(before.opened_bytes, after.opened_bytes),
        unopened_bytes=_grown(before.unopened_bytes, after.unopened_bytes),
    )


def _grown(before: int, after: int) -> int:
    """What a count grew by; a count that fell has begun anew, so that all of it is growth."""
    return after - before if after >= before else after
