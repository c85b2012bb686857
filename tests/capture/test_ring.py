"""Tests of the tap with the process' own gate: the packet ring is read whole, in order, and given back."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from agent.capture import ring
from agent.capture.interface import InterfaceError
from agent.capture.ring import BLOCK_BYTES, RingTap
from agent.flow import Direction, Slice
from agent.lab import crafted, envelopes
from agent.lab.canary import PREFIX
from agent.lab.crafted import ends_of
from agent.lab.stack import Wire
from tests.live.cable import TAP, Cable
from tests.live.sender import Load, Sender
from tests.live.traffic import introduction, middle
from tests.live.waiting import wait_for

MAX_FLOWS = 1024
TIMEOUT_S = 10.0
BLOCKS = 4
HOUR_NS = 3_600_000_000_000


@pytest.fixture
def tap(cable: Cable) -> Iterator[RingTap]:
    """Watches the near end."""
    with cable.inside(cable.near):
        made = RingTap([TAP], max_flows=MAX_FLOWS)
    yield made
    made.close()


def slices_of(tap: RingTap, packets: int) -> list[Slice]:
    """Reads until so many frames were counted; what was opened of them."""
    slices: list[Slice] = []

    def done() -> bool:
        slices.extend(tap.read().slices)
        return tap.gate.totals()["seen_packets"] >= packets and not tap.behind

    wait_for(done, TIMEOUT_S, lambda: f"{tap.gate.totals()['seen_packets']} of {packets}")
    assert packets == tap.gate.totals()["seen_packets"]
    return slices


def test_reads_the_ring(tap: RingTap, sender: Sender) -> None:
    """Every frame is counted, the hello is opened and nothing else, and times are the monotonic clock's."""
    before_ns = time.monotonic_ns()
    sender.send(Load([frame.data for frame in crafted.tls(1)]))
    slices = slices_of(tap, sender.sent_packets)

    assert sender.sent_bytes == tap.gate.totals()["seen_bytes"]
    assert tap.gate.opened_bytes()["tls"] == sum(len(one.data) for one in slices) > 0
    assert not any(PREFIX in one.data for one in slices)
    assert all(before_ns <= one.time_ns <= tap.now_ns() for one in slices)
    assert (0, 0, None, "process") == (tap.dropped_packets(), tap.lost_chunks, tap.problem(), tap.gate.kind)


def test_a_clock_that_is_set_back(tap: RingTap, sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    """Time goes on; and frames that were stamped before are none of the future, whose flows would stay for an hour."""
    tap.read()
    sender.send(Load(introduction(1)))
    true_ns = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: true_ns() - HOUR_NS)
    slices_of(tap, sender.sent_packets)
    _, last_ns = tap.gate.table.times_of(np.arange(1))[0]

    assert last_ns <= tap.now_ns() <= time.monotonic_ns()


@pytest.mark.parametrize("envelope", ["vlan", "qinq"])
def test_tags_beside_the_frame(envelope: str, tap: RingTap, sender: Sender) -> None:
    """The kernel takes the outer tag off the frame; it is known all the same, and its four bytes are counted."""
    frames = [frame.data for frame in envelopes.enclosed(crafted.tls(1), envelopes.ENVELOPES[envelope])]
    sender.send(Load(frames))
    slices_of(tap, len(frames))

    assert sum(map(len, frames)) == tap.gate.totals()["seen_bytes"]
    assert int.from_bytes(frames[0][14:16], "big") & 0xFFF == tap.gate.table.flow(0).vlan


@pytest.mark.parametrize("inner", [None, 20])
def test_priority_tag_beside_the_frame(inner: int | None, tap: RingTap, sender: Sender) -> None:
    """A tag beside the frame that only gives a priority names no VLAN: the tag in the frame does, if there is one."""
    frames = [envelopes.vlan(Wire(ends_of(1, 27015), vlan=inner).udp(Direction.TO_SERVER, b"x").data, 0)]
    sender.send(Load(frames))
    slices_of(tap, len(frames))

    assert sum(map(len, frames)) == tap.gate.totals()["seen_bytes"]
    assert inner == tap.gate.table.flow(0).vlan


def test_round_and_round(cable: Cable, sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ring that has come round several times has lost and repeated nothing."""
    monkeypatch.setattr(ring, "RING_BLOCKS", BLOCKS)
    with cable.inside(cable.near):
        tap = RingTap([TAP], max_flows=MAX_FLOWS)
    load = Load(middle(1, 2000))
    rounds = 4 * BLOCKS * BLOCK_BYTES // load.bytes
    for _ in range(rounds):
        sender.send(load)
        slices_of(tap, sender.sent_packets)

    assert (sender.sent_bytes, 0) == (tap.gate.totals()["seen_bytes"], tap.dropped_packets())
    tap.close()


def test_a_read_is_bounded(tap: RingTap, sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    """One read feeds so many frames and gives so many slices at most, and says when there is more."""
    monkeypatch.setattr(ring, "MAX_FRAMES_A_READ", 5)
    monkeypatch.setattr(ring, "MAX_READS", 2)
    monkeypatch.setattr(ring, "MAX_SLICES_A_READ", 1)
    sender.send(Load([frame for number in range(10) for frame in introduction(number)]))
    slices: list[Slice] = []

    def something_came() -> bool:
        slices.extend(tap.read().slices)
        return bool(slices)

    wait_for(something_came, TIMEOUT_S, lambda: "nothing comes")

    assert tap.behind
    assert 10 == tap.gate.totals()["seen_packets"]
    assert 1 == len(slices)
    slices += slices_of(tap, sender.sent_packets)
    assert list(range(10)) == [one.slot for one in slices]


def test_two_interfaces_take_turns(cable: Cable, sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has a ring; one that never rests does not keep the other waiting."""
    monkeypatch.setattr(ring, "MAX_FRAMES_A_READ", 5)
    monkeypatch.setattr(ring, "MAX_READS", 1)
    cable.ip_near("link", "add", "tap1", "type", "veth", "peer", "name", "switch1")
    for name in ("tap1", "switch1"):
        cable.set_tap("up", name=name)
    with cable.inside(cable.near):
        tap = RingTap([TAP, "tap1"], max_flows=MAX_FLOWS)
        other = Sender("switch1")
    sender.send(Load(middle(1, 100)))
    other.send(Load(middle(2, 5)))
    wait_for(lambda: bool(tap.read()) and tap.gate.totals()["new_flows"] == 2, TIMEOUT_S, lambda: "only one is read")

    assert tap.gate.totals()["seen_packets"] < 100
    slices_of(tap, 105)
    tap.close()
    other.close()


def test_an_interface_that_is_missing(cable: Cable) -> None:
    """When one of them is not there nothing of the others stays open."""
    before = _descriptors()
    with cable.inside(cable.near), pytest.raises(InterfaceError, match="tap9: no such interface"):
        RingTap([TAP, "tap9"], max_flows=MAX_FLOWS)

    assert before == _descriptors()


def _descriptors() -> set[str]:
    return {path.name for path in Path("/proc/self/fd").iterdir() if path.exists()}
