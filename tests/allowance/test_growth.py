"""Tests of growth, and of what it reads of the flow table: every packet of a row with a class is told once."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.allowance.growth import FIELDS, Grown, Growth
from agent.gate.native import NativeGate
from agent.lab.frames import Frame
from tests.allowance.school import NOON_NS, connection, device, each_minute

CLASS = 7


def fed(gate: NativeGate, frames: list[Frame]) -> None:
    """The frames, through the gate, without anyone who reads what it opens."""
    for frame in frames:
        gate.feed(frame.data, time_ns=frame.time_ns)


def settled(gate: NativeGate) -> None:
    """Every flow has a class."""
    for slot in gate.table.live(gate.high_water).tolist():
        gate.table.settle(slot, CLASS, seal=True)


def since_last(growth: Growth, gate: NativeGate) -> Grown:
    return growth.since_last(gate.table, gate.high_water)


def test_a_flow_from_its_start() -> None:
    """In the first call after it was named it has all that it counted, itself included; then only what is new."""
    gate, growth = NativeGate(max_flows=1024), Growth()
    frames = connection(device(1), each_minute(3))
    fed(gate, frames[:-1])
    unnamed = since_last(growth, gate)
    settled(gate)
    begun = since_last(growth, gate)
    nothing = since_last(growth, gate)
    fed(gate, frames[-1:])
    more = since_last(growth, gate)
    (first_ns, *_, last_ns), size = (frame.time_ns for frame in frames), len(frames[-1].data)
    gate.close()

    assert (0, 1, 0, 1) == tuple(len(one.slots) for one in (unnamed, begun, nothing, more))
    assert [CLASS] == begun.classes.tolist() == more.classes.tolist()
    assert (1, len(frames) - 1) == (begun.counts[0, 0], begun.counts[0, 1:3].sum())
    assert sum(len(frame.data) for frame in frames[:-1]) == begun.counts[0, 3:5].sum()
    assert ([first_ns], [frames[-2].time_ns]) == (begun.first_ns.tolist(), begun.last_ns.tolist())
    assert (0, 1, size) == (more.counts[0, 0], more.counts[0, 1:3].sum(), more.counts[0, 3:5].sum())
    assert ([last_ns], [last_ns]) == (more.first_ns.tolist(), more.last_ns.tolist())


def test_a_row_used_again() -> None:
    """A row that was given back and forgotten begins with nothing; rows that were never looked at can be forgotten."""
    gate, growth = NativeGate(max_flows=1024), Growth()
    growth.forget(np.array([5, 900]))
    for number in (1, 2):
        frames = connection(device(number), [NOON_NS + number])
        fed(gate, frames)
        settled(gate)
        grown = since_last(growth, gate)
        assert ([0], len(frames)) == (grown.slots.tolist(), grown.counts[0, 1:3].sum())
        slots = gate.table.live(gate.high_water)
        growth.forget(slots)
        gate.remove(slots)
        assert [] == since_last(growth, gate).slots.tolist()
    gate.close()


FRAMES = [
    connection(device(number), each_minute(30, start_ns=NOON_NS + number), port=50_000 + number) for number in range(5)
]
STEPS = st.lists(
    st.tuples(st.integers(0, 4), st.integers(1, 12), st.sampled_from(["tick", "name", "go on"])), max_size=30
)


@settings(max_examples=60)
@given(STEPS)
def test_nothing_is_lost_or_told_twice(steps: list[tuple[int, int, str]]) -> None:
    """Whenever flows are named and looked at: together it is what the gate has counted for their classes."""
    gate, growth = NativeGate(max_flows=64), Growth()
    waiting = [list(frames) for frames in FRAMES]
    told = np.zeros(FIELDS, dtype=np.int64)
    for flow, amount, then in steps:
        fed(gate, waiting[flow][:amount])
        del waiting[flow][:amount]
        if then == "name":
            settled(gate)
        if then == "tick":
            told += since_last(growth, gate).counts.sum(axis=0)
    settled(gate)
    told += since_last(growth, gate).counts.sum(axis=0)
    counted = gate.table.totals(gate.high_water, CLASS + 1)[CLASS].tolist()
    gate.close()

    assert counted == told.tolist()
