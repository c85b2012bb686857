"""Totals per class, tick by tick -> counts per class and verdict: what happened in a tick is judged by that tick's policy.

A class total only ever grows. The ledger credits its growth to the verdict that policy gives at the moment, so a bell
or a reload takes effect at once, costs nothing per packet, and never rewrites the past.
What is beyond an allowance goes to review.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from agent.flow import Account, Evidence, FlowClass
from agent.snapshot import ClassCounts, Counts
from agent.verdict import Decision, Verdict

MAX_CLASSES: Final = 32_768
"""(segment, application, category, protocol, evidence, account) combinations; a district's day has some thousands."""

FIELDS: Final = 7
"""Columns of class totals, in the order of agent.snapshot.Counts."""

OVERFLOW: Final = FlowClass("unknown", "unknown", "unclassified", "overflow", Evidence.NONE, Account.UNKNOWN)
"""What is counted when MAX_CLASSES was met: nothing is lost but its name."""

_OVERFLOW_ID: Final = 1


class Ledger:
    """Numbers classes, and keeps what each was used for under each verdict."""

    def __init__(self, *, max_classes: int = MAX_CLASSES) -> None:
        self._max_classes = max_classes
        self._numbers: dict[FlowClass, int] = {OVERFLOW: _OVERFLOW_ID}
        self._classes: list[FlowClass | None] = [None, OVERFLOW]
        self._judged_totals = np.zeros((2, FIELDS), dtype=np.int64)
        self._counts: dict[tuple[int, Verdict], list[int]] = {}
        self._beyond: dict[int, list[int]] = {}
        self.rule_matches: Counter[tuple[str, Verdict]] = Counter()
        self.limits_met: Counter[str] = Counter()

    @property
    def classes(self) -> int:
        """One more than the highest class number; 0 means a flow without a class."""
        return len(self._classes)

    def number(self, flow_class: FlowClass) -> int:
        """The class's number, from 1; a new one for a new class, the overflow's when there are too many."""
        known = self._numbers.get(flow_class)
        if known is not None:
            return known
        if len(self._classes) >= self._max_classes:
            self.limits_met["classes"] += 1
            return _OVERFLOW_ID
        self._numbers[flow_class] = len(self._classes)
        self._classes.append(flow_class)
        return len(self._classes) - 1

    def flow_class(self, number: int) -> FlowClass:
        """The class of a number. Raises KeyError for 0 and for numbers never given."""
        found = self._classes[number] if 0 <= number < len(self._classes) else None
        if found is None:
            raise KeyError(number)
        return found

    def judge(self, totals: npt.NDArray[np.int64], decide: Callable[[FlowClass], Decision]) -> None:
        """Credits what each class grew by since the last call to the verdict that `decide` gives now.

        Args:
            totals: cumulative, one line for each class number (see `classes`), FIELDS columns; line 0 is passed over.
            decide: policy at this moment.
        """
        before = np.zeros_like(totals)
        before[: len(self._judged_totals)] = self._judged_totals
        growth = totals - before
        growth[0] = 0
        for number in np.flatnonzero(growth.any(axis=1)).tolist():
            line: list[int] = growth[number].tolist()
            decision = decide(self.flow_class(number))
            if number in self._beyond:
                line = self._credit_beyond(number, line, decision)
            self._credit(number, line, decision.rule, decision.verdict)
        self._judged_totals = totals.copy()

    def go_beyond(self, growth: Mapping[int, Sequence[int]]) -> None:
        """Sends a part of what `judge` will find to review, in place of incidental: FIELDS columns by class number.

        The rows may have been read a little before the totals. What the totals do not show yet waits for the next
        judgement, so that no count can fall.
        """
        for number, line in growth.items():
            waiting = self._beyond.get(number, [0] * FIELDS)
            self._beyond[number] = [sum(pair) for pair in zip(waiting, line, strict=True)]

    def _credit_beyond(self, number: int, line: list[int], decision: Decision) -> list[int]:
        """Credits what is beyond; what is left of the line is not."""
        beyond = self._beyond.pop(number)
        if decision.verdict is not Verdict.INCIDENTAL:
            return line
        part = [min(pair) for pair in zip(line, beyond, strict=True)]
        if part != beyond:
            self._beyond[number] = [whole - some for whole, some in zip(beyond, part, strict=True)]
        self._credit(number, part, decision.rule, Verdict.REVIEW)
        return [whole - some for whole, some in zip(line, part, strict=True)]

    def _credit(self, number: int, line: list[int], rule: str, verdict: Verdict) -> None:
        if not any(line):
            return
        counts = self._counts.setdefault((number, verdict), [0] * FIELDS)
        for i, amount in enumerate(line):
            counts[i] += amount
        if line[0]:
            self.rule_matches[rule, verdict] += line[0]

    def class_counts(self) -> tuple[ClassCounts, ...]:
        """All counts so far."""
        return tuple(
            ClassCounts(self.flow_class(number), verdict, Counts(*line))
            for (number, verdict), line in self._counts.items()
        )
