"""Tests of the ledger: class totals in, counts by class and verdict out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.flow import Evidence, FlowClass
from agent.ledger import FIELDS, OVERFLOW, Ledger
from agent.snapshot import Counts
from agent.verdict import Decision, Verdict
from tests.plain_policy import PlainPolicy, always, named

CHAT, NEWS = (named(name, Evidence.SNI, "tls") for name in ("chat", "news"))
PERMITTED, PROHIBITED, REVIEW = Verdict.PERMITTED, Verdict.PROHIBITED, Verdict.REVIEW


class Books:
    """A ledger, and the totals that a gate would have."""

    def __init__(self, ledger: Ledger | None = None) -> None:
        self.ledger = ledger or Ledger()
        self.totals = np.zeros((self.ledger.classes, FIELDS), dtype=np.int64)

    def grow(self, flow_class: FlowClass, *columns: int) -> None:
        """Adds to the totals of a class."""
        number = self.ledger.number(flow_class)
        self.totals = np.pad(self.totals, ((0, self.ledger.classes - len(self.totals)), (0, 0)))
        self.totals[number, : len(columns)] += np.array(columns, dtype=np.int64)

    def judge(self, verdict: Verdict) -> None:
        """Closes a tick in which policy says `verdict` of everything."""
        policy = PlainPolicy(always(verdict))
        self.ledger.judge(self.totals, lambda flow_class: policy.decide(flow_class, 0))

    @property
    def counts(self) -> dict[tuple[str, Verdict], Counts]:
        """What the ledger says, by application and verdict."""
        return {(line.flow_class.application, line.verdict): line.counts for line in self.ledger.class_counts()}


def test_numbers_are_given_once() -> None:
    """A class keeps its number; an equal class has the same; numbers lead back to classes."""
    ledger = Ledger()
    first, second = ledger.number(CHAT), ledger.number(NEWS)

    assert (first, second) == (ledger.number(named("chat", Evidence.SNI, "tls")), ledger.number(NEWS))
    assert (CHAT, NEWS) == (ledger.flow_class(first), ledger.flow_class(second))
    assert first != second
    assert ledger.classes == 1 + max(first, second)


@pytest.mark.parametrize("number", [0, -1, 2, 1 << 40])
def test_numbers_never_given(number: int) -> None:
    """0 is no class, and neither is a number that was not given."""
    with pytest.raises(KeyError):
        Ledger().flow_class(number)


def test_columns_become_counts() -> None:
    """The seven columns are those of Counts, in its order."""
    books = Books()
    books.grow(CHAT, 1, 2, 3, 4, 5, 6, 7)
    books.judge(PERMITTED)

    assert {("chat", PERMITTED): Counts(1, 2, 3, 4, 5, 6, 7)} == books.counts


def test_a_bell_splits_the_counts() -> None:
    """What grew before the bell stays under the old verdict; only the growth since goes under the new one."""
    books = Books()
    books.grow(CHAT, 1, 10, 20, 1000, 2000, 500, 5)
    books.judge(PERMITTED)
    books.grow(CHAT, 0, 1, 2, 100, 200, 50)
    books.judge(PROHIBITED)
    books.grow(CHAT, 2, 4, 4, 400, 400)
    books.judge(PROHIBITED)
    books.grow(CHAT, 1, 1, 0, 60)
    books.judge(PERMITTED)

    assert {
        ("chat", PERMITTED): Counts(2, 11, 20, 1060, 2000, 500, 5),
        ("chat", PROHIBITED): Counts(2, 5, 6, 500, 600, 50, 0),
    } == books.counts


def test_rules_are_matched_by_flows() -> None:
    """A rule is credited with the flows that began under it, not with ticks or packets of flows that went on."""
    books = Books()
    books.grow(CHAT, 3, 10)
    books.grow(NEWS, 1, 1)
    books.judge(PERMITTED)
    books.grow(CHAT, 0, 99)
    books.judge(PROHIBITED)
    books.grow(NEWS, 2, 5)
    books.judge(PROHIBITED)

    assert {("permitted", PERMITTED): 4, ("prohibited", PROHIBITED): 2} == books.ledger.rule_matches


def test_policy_is_asked_only_of_what_grew() -> None:
    """A tick costs nothing for classes that rest."""
    books = Books()
    books.grow(CHAT, 1, 1)
    books.grow(NEWS, 1, 1)
    books.judge(PERMITTED)
    books.grow(NEWS, 0, 1)
    asked: list[FlowClass] = []

    def decide(flow_class: FlowClass) -> Decision:
        asked.append(flow_class)
        return PlainPolicy().decide(flow_class, 0)

    books.ledger.judge(books.totals, decide)

    assert [NEWS] == asked


def test_an_idle_tick_changes_nothing() -> None:
    """A verdict that changes while nothing is sent leaves no trace."""
    books = Books()
    books.grow(CHAT, 1, 1)
    books.judge(PERMITTED)
    before = books.counts
    books.judge(PROHIBITED)

    assert before == books.counts
    assert {("permitted", PERMITTED): 1} == books.ledger.rule_matches


def test_flows_without_a_class_are_not_judged() -> None:
    """Line 0 holds what has no class yet; no verdict can be given of it."""
    books = Books()
    books.totals[0] = 9
    books.judge(PERMITTED)

    assert {} == books.counts


def test_what_the_caller_does_to_its_totals_later() -> None:
    """The ledger keeps no view of the caller's array: reusing it does not rewrite the past."""
    books = Books()
    books.grow(CHAT, 1, 5)
    books.judge(PERMITTED)
    books.totals[books.ledger.number(CHAT), 1] += 5
    books.judge(PROHIBITED)

    assert [5, 5] == [counts.sent_packets for counts in books.counts.values()]


def test_too_many_classes() -> None:
    """Beyond the limit flows are counted as the overflow class: all of them, and each time the limit was met."""
    books = Books(Ledger(max_classes=4))
    for name in "abcdef":
        books.grow(named(name, Evidence.SNI, "tls"), 1, 10)
    books.judge(REVIEW)

    assert {"a", "b", OVERFLOW.application} == {application for application, _ in books.counts}
    assert Counts(flows=4, sent_packets=40) == books.counts[OVERFLOW.application, REVIEW]
    assert 4 == books.ledger.limits_met["classes"]
    assert 4 == books.ledger.classes
    assert OVERFLOW == books.ledger.flow_class(books.ledger.number(named("g", Evidence.SNI, "tls")))


def test_known_classes_stay_known_when_full() -> None:
    """A full ledger still counts under the classes it has."""
    ledger = Ledger(max_classes=3)
    number = ledger.number(CHAT)
    ledger.number(NEWS)

    assert number == ledger.number(CHAT)
    assert 1 == ledger.limits_met["classes"]


TICKS = st.lists(
    st.tuples(
        st.sampled_from(list(Verdict)),
        st.lists(st.tuples(st.integers(0, 5), st.lists(st.integers(0, 1 << 40), max_size=FIELDS)), max_size=4),
    ),
    max_size=12,
)


@given(TICKS)
def test_totals_never_fall_and_nothing_is_lost(ticks: list[tuple[Verdict, list[tuple[int, list[int]]]]]) -> None:
    """Whatever grows and whatever policy says: no count ever falls, and all verdicts together are the totals."""
    books = Books(Ledger(max_classes=5))
    before: dict[tuple[str, Verdict], Counts] = {}
    for verdict, growths in ticks:
        for application, columns in growths:
            books.grow(named(str(application), Evidence.SNI, "tls"), *columns)
        books.judge(verdict)
        for key, counts in before.items():
            grown = books.counts[key]
            assert grown.flows >= counts.flows
            assert grown.packets >= counts.packets
            assert grown.bytes >= counts.bytes
        before = books.counts

    assert sum(before.values(), Counts()) == Counts(*books.totals.sum(axis=0).tolist())
    assert sum(books.ledger.rule_matches.values()) == int(books.totals[:, 0].sum())
