"""Tests of slices that have waited long: those of a row that was given back meanwhile are let go, and counted."""

from collections.abc import Iterator

import pytest

from agent.capture import kernel, late, ring
from agent.capture.kernel import KernelTap
from agent.capture.late import LATE_NS, still_theirs
from agent.capture.ring import RingTap
from agent.flow import Slice
from agent.gate.native import NativeGate
from agent.gate.slices import SliceBatch
from agent.gate.table import IdleLimits
from agent.lab import crafted
from tests.live.cable import TAP, Cable
from tests.live.needs import need_bpf
from tests.live.sender import Load, Sender
from tests.live.waiting import wait_for

MAX_FLOWS = 64
TIMEOUT_S = 10.0


def opened(gate: NativeGate, flow_number: int) -> SliceBatch:
    """What is opened of a request."""
    batches = [gate.feed(frame.data, time_ns=frame.time_ns) for frame in crafted.http(flow_number)]
    return SliceBatch(
        [one for batch in batches for one in batch.slices], [n for batch in batches for n in batch.payload_bytes]
    )


def test_rows_that_have_passed_on() -> None:
    """A slice is kept while its own flow is in the row; not when the row is free, nor when another flow is in it."""
    gate = NativeGate(max_flows=MAX_FLOWS)
    first, second = opened(gate, 1), opened(gate, 2)
    both = SliceBatch(first.slices + second.slices, first.payload_bytes + second.payload_bytes)
    late_ns = both.slices[0].time_ns + LATE_NS
    assert both == still_theirs(both, gate.table, late_ns)

    slot = first.slices[0].slot
    gate.remove([slot])
    assert both is still_theirs(both, gate.table, late_ns - 1)
    assert second == still_theirs(both, gate.table, late_ns)
    third = gate.feed(crafted.dns(3)[0].data, time_ns=late_ns)
    assert {slot} == {one.slot for one in third.slices}
    assert second == still_theirs(both, gate.table, late_ns)
    gate.close()


def test_no_row_is_given_back_before() -> None:
    """What is not late is never of a row that the sweep has given back."""
    idle = IdleLimits()

    assert min(idle.closed_ns, idle.tcp_ns, idle.other_ns) > LATE_NS


@pytest.fixture(params=["kernel", "process"])
def tap(request: pytest.FixtureRequest, cable: Cable, monkeypatch: pytest.MonkeyPatch) -> Iterator[KernelTap | RingTap]:
    """Watches the near end, lets all slices wait, and calls them late at once."""
    if request.param == "kernel":
        need_bpf()
    waits(monkeypatch, slices_a_read=0)
    monkeypatch.setattr(late, "LATE_NS", 0)
    with cable.inside(cable.near):
        made = (KernelTap if request.param == "kernel" else RingTap)([TAP], max_flows=MAX_FLOWS)
    yield made
    made.close()


def waits(monkeypatch: pytest.MonkeyPatch, *, slices_a_read: int) -> None:
    """So many slices are given at a time; the others wait."""
    for module in (kernel, ring):
        monkeypatch.setattr(module, "MAX_SLICES_A_READ", slices_a_read)


def test_a_tap_lets_them_go(tap: KernelTap | RingTap, sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two requests that wait, the one whose row has been given back is not handed on; it is counted as not read."""
    frames = [frame.data for number in (1, 2) for frame in crafted.http(number)]
    sender.send(Load(frames))
    wait_for(
        lambda: not tap.read().slices and tap.gate.totals()["seen_packets"] == len(frames), TIMEOUT_S, lambda: "few"
    )

    tap.gate.release([0])
    wait_for(lambda: [0] == tap.gate.released().tolist(), TIMEOUT_S, lambda: "not released")
    tap.gate.remove([0])
    waits(monkeypatch, slices_a_read=100)
    slices: list[Slice] = []
    while tap.behind:
        slices += tap.read().slices

    assert ([1, 1], 2) == ([one.slot for one in slices], tap.lost_chunks)
