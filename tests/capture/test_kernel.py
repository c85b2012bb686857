"""Tests of the tap with the kernel's gate: no packet gets in, slices come in their order, and every interface counts."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.capture import kernel
from agent.capture.interface import InterfaceError
from agent.capture.kernel import KernelTap
from agent.flow import Direction, Slice, SliceKind
from agent.lab import crafted, envelopes
from agent.lab.canary import PREFIX
from agent.lab.crafted import ends_of
from agent.lab.stack import Wire
from tests.live.cable import TAP, Cable
from tests.live.needs import need_bpf
from tests.live.sender import Load, Sender
from tests.live.traffic import introduction, middle
from tests.live.waiting import wait_for

MAX_FLOWS = 1024
TIMEOUT_S = 10.0


@pytest.fixture
def tap(cable: Cable) -> Iterator[KernelTap]:
    """Watches the near end."""
    need_bpf()
    with cable.inside(cable.near):
        made = KernelTap([TAP], max_flows=MAX_FLOWS)
    yield made
    made.close()


def seen(tap: KernelTap, packets: int) -> None:
    """Waits until so many frames were counted."""
    count = tap.gate.totals
    wait_for(lambda: count()["seen_packets"] >= packets, TIMEOUT_S, lambda: f"{count()['seen_packets']} of {packets}")
    assert packets == count()["seen_packets"]


def all_slices(tap: KernelTap) -> list[Slice]:
    """What was opened so far."""
    slices: list[Slice] = []
    while True:
        slices += tap.read().slices
        if not tap.behind:
            return slices


def test_slices_come_and_packets_do_not(tap: KernelTap, sender: Sender) -> None:
    """The hello is handed over; no byte of any packet can be read from the socket, sealed payload least of all."""
    before_ns = tap.now_ns()
    sender.send(Load([frame.data for frame in crafted.tls(1)]))
    seen(tap, sender.sent_packets)
    slices = all_slices(tap)

    assert {SliceKind.TLS} == {one.kind for one in slices}
    assert not any(PREFIX in one.data for one in slices)
    assert all(before_ns <= one.time_ns <= tap.now_ns() for one in slices)
    with pytest.raises(BlockingIOError):
        tap._interfaces[0].socket.recv(1)
    assert (0, 0, None) == (tap.dropped_packets(), tap.lost_chunks, tap.problem())


@pytest.mark.parametrize("envelope", ["vlan", "qinq"])
def test_tags_beside_the_frame(envelope: str, tap: KernelTap, sender: Sender) -> None:
    """The kernel takes the outer tag off the frame; it is known all the same, and its four bytes are counted."""
    frames = [frame.data for frame in envelopes.enclosed(crafted.tls(1), envelopes.ENVELOPES[envelope])]
    sender.send(Load(frames))
    seen(tap, len(frames))

    assert sum(map(len, frames)) == tap.gate.totals()["seen_bytes"] == sum(tap.gate.table.counts(0)[1])
    assert int.from_bytes(frames[0][14:16], "big") & 0xFFF == tap.gate.table.flow(0).vlan


@pytest.mark.parametrize("inner", [None, 20])
def test_priority_tag_beside_the_frame(inner: int | None, tap: KernelTap, sender: Sender) -> None:
    """A tag beside the frame that only gives a priority names no VLAN: the tag in the frame does, if there is one."""
    frames = [envelopes.vlan(Wire(ends_of(1, 27015), vlan=inner).udp(Direction.TO_SERVER, b"x").data, 0)]
    sender.send(Load(frames))
    seen(tap, len(frames))

    assert sum(map(len, frames)) == tap.gate.totals()["seen_bytes"]
    assert inner == tap.gate.table.flow(0).vlan


def test_two_interfaces_are_one_tap(cable: Cable, sender: Sender) -> None:
    """The two directions of an optical tap: what the client says comes on one, what it is answered on the other."""
    need_bpf()
    cable.ip_near("link", "add", "tap1", "type", "veth", "peer", "name", "switch1")
    for name in ("tap1", "switch1"):
        cable.set_tap("up", name=name)
    with cable.inside(cable.near):
        tap = KernelTap([TAP, "tap1"], max_flows=MAX_FLOWS)
        other = Sender("switch1")
    frames = [frame.data for frame in crafted.tls(1)]
    client = frames[0][6:12]
    for frame in frames:
        (sender if frame[6:12] == client else other).send(Load([frame]))
        time.sleep(0.001)
    seen(tap, len(frames))

    assert (1, len(frames)) == (tap.gate.totals()["new_flows"], sum(tap.gate.table.counts(0)[0]))
    assert {Direction.TO_SERVER} == {one.direction for one in all_slices(tap)}
    assert other.sent_packets == tap.gate.table.counts(0)[0][Direction.TO_CLIENT]
    cable.set_tap("down", name="tap1")
    assert "interface tap1 is down" == tap.problem()
    cable.set_tap("down")
    assert f"interface {TAP} is down; interface tap1 is down" == tap.problem()
    tap.close()
    other.close()


def test_a_read_is_bounded(tap: KernelTap, sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    """One read gives so many slices at most, and says when more are waiting; none is lost and their order is kept."""
    monkeypatch.setattr(kernel, "MAX_SLICES_A_READ", 3)
    sender.send(Load([frame for number in range(10) for frame in introduction(number)]))
    seen(tap, sender.sent_packets)
    first = tap.read()

    assert (3, 3, True) == (len(first.slices), len(first.payload_bytes), tap.behind)
    assert list(range(10)) == [one.slot for one in [*first.slices, *all_slices(tap)]]


def test_an_interface_that_is_missing(cable: Cable) -> None:
    """When one of them is not there nothing of the others stays open."""
    need_bpf()
    before = _descriptors()
    with cable.inside(cable.near), pytest.raises(InterfaceError, match="tap9: no such interface"):
        KernelTap([TAP, "tap9"], max_flows=MAX_FLOWS)

    assert before == _descriptors()


def test_closed(tap: KernelTap, sender: Sender) -> None:
    """A closed tap is off the interface: traffic goes on, and nothing of it is held."""
    tap.close()
    sender.send(Load(middle(1, 10)))

    assert tap._interfaces[0].socket.fileno() == -1


def _descriptors() -> set[str]:
    return {path.name for path in Path("/proc/self/fd").iterdir() if path.exists()}
