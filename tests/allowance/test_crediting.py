"""Tests of what the ledger does with use beyond an allowance: it goes to review, and nothing is lost or falls."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from agent.flow import Evidence
from agent.ledger import FIELDS, Ledger
from agent.snapshot import Counts
from agent.verdict import Verdict
from tests.plain_policy import PlainPolicy, always, named

CHAT = named("chat", Evidence.SNI, "tls")
INCIDENTAL, PROHIBITED, REVIEW = Verdict.INCIDENTAL, Verdict.PROHIBITED, Verdict.REVIEW


class Book:
    """A ledger with one class, and its totals."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.number = self.ledger.number(CHAT)
        self.totals = np.zeros((self.ledger.classes, FIELDS), dtype=np.int64)

    def judge(self, verdict: Verdict, *, flows: int = 0, packets: int, beyond: tuple[int, int] = (0, 0)) -> None:
        """A tick in which the class grows so much, of which (flows, packets) are beyond."""
        self.totals[self.number, :2] += (flows, packets)
        if any(beyond):
            self.ledger.go_beyond({self.number: (*beyond, *[0] * (FIELDS - 2))})
        policy = PlainPolicy(always(verdict))
        self.ledger.judge(self.totals, lambda flow_class: policy.decide(flow_class, 0))

    @property
    def counts(self) -> dict[Verdict, tuple[int, int]]:
        return {line.verdict: (line.counts.flows, line.counts.sent_packets) for line in self.ledger.class_counts()}


def test_a_part_goes_to_review() -> None:
    """What is beyond is for review, the rest is incidental; flows that are beyond count so for the same rule."""
    book = Book()
    book.judge(INCIDENTAL, flows=3, packets=30, beyond=(1, 10))

    assert {INCIDENTAL: (2, 20), REVIEW: (1, 10)} == book.counts
    assert {("incidental", INCIDENTAL): 2, ("incidental", REVIEW): 1} == book.ledger.rule_matches


def test_all_of_it() -> None:
    """A class that is beyond as a whole has nothing that is incidental, not even a 0."""
    book = Book()
    book.judge(INCIDENTAL, flows=1, packets=5, beyond=(1, 5))

    assert {REVIEW: (1, 5)} == book.counts


def test_rows_read_before_totals() -> None:
    """What totals do not show yet waits for the next tick: in the kernel's gate packets are counted in between."""
    book = Book()
    book.judge(INCIDENTAL, packets=4, beyond=(0, 6))
    first = book.counts
    book.judge(INCIDENTAL, packets=10, beyond=(0, 3))

    assert ({REVIEW: (0, 4)}, {INCIDENTAL: (0, 5), REVIEW: (0, 9)}) == (first, book.counts)


def test_another_verdict() -> None:
    """What is prohibited or permitted is that, whoever used it; what was waiting is dropped with the bell."""
    book = Book()
    book.judge(INCIDENTAL, packets=4, beyond=(0, 6))
    book.judge(PROHIBITED, packets=10, beyond=(0, 3))
    book.judge(INCIDENTAL, packets=10)

    assert {REVIEW: (0, 4), PROHIBITED: (0, 10), INCIDENTAL: (0, 10)} == book.counts


TICKS = st.lists(
    st.tuples(st.sampled_from([INCIDENTAL, PROHIBITED]), st.integers(0, 50), st.integers(0, 60)), max_size=15
)


@given(TICKS)
def test_totals_never_fall_and_nothing_is_lost(ticks: list[tuple[Verdict, int, int]]) -> None:
    """Whatever is beyond, even more than there is: no count falls, and all verdicts together are the totals."""
    book = Book()
    before: dict[Verdict, tuple[int, int]] = {}
    for verdict, packets, beyond in ticks:
        book.judge(verdict, packets=packets, beyond=(0, beyond))
        assert all(book.counts[verdict][1] >= counts[1] for verdict, counts in before.items())
        before = book.counts

    total = sum((line.counts for line in book.ledger.class_counts()), Counts())
    assert sum(packets for _, packets, _ in ticks) == total.sent_packets
