"""Tests of too much: more flows than rows, more slices than room. Counts stay true, limits are told, and it recovers."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from agent.capture import kernel, ring
from agent.capture.choose import open_tap
from agent.capture.tap import Tap
from agent.gate.kernel import KernelGate
from agent.gate.native import NativeGate
from agent.gate.table import IdleLimits
from agent.lab.crafted import ends_of
from agent.lab.stack import TcpTalk, Wire
from agent.pipeline import WAIT_NS, Pipeline
from agent.snapshot import Snapshot
from tests.live.cable import TAP, Cable
from tests.live.needs import need_bpf
from tests.live.sender import Load, Sender
from tests.live.traffic import going_on, introduction, middle
from tests.live.waiting import wait_for
from tests.plain_policy import PlainPolicy

MAX_FLOWS = 256
IDLE_NS = 500_000_000
SHORT = IdleLimits(tcp_ns=IDLE_NS, other_ns=IDLE_NS, closed_ns=IDLE_NS)
TIMEOUT_S = 10.0
PAGE_BYTES = 4096


class Counting:
    """A tap and its pipeline, without the daemon's clock."""

    def __init__(self, tap: Tap) -> None:
        self.tap = tap
        self.pipeline = Pipeline(tap.gate, PlainPolicy())

    def read(self) -> None:
        """All that has come so far."""
        more = True
        while more:
            batch = self.tap.read()
            self.pipeline.read(batch.slices, batch.payload_bytes)
            more = self.tap.behind

    def tick(self, *, after_ns: int = 0) -> Snapshot:
        """The counts as they are, or as they would be judged later; the law of conservation holds."""
        self.read()
        self.pipeline.tick(self.tap.now_ns() + after_ns, time.time_ns())
        snapshot = self.pipeline.snapshot(time.time_ns())
        assert (0, 0) == (snapshot.gate.missing_packets, snapshot.gate.missing_bytes)
        return snapshot

    def seen(self, packets: int) -> Snapshot:
        """The counts when so many frames have come."""
        wait_for(lambda: self.tick().gate.seen_packets >= packets, TIMEOUT_S, lambda: "frames are missing")
        return self.tick()


@contextmanager
def watching(cable: Cable, gate: str) -> Iterator[Counting]:
    """A tap on the near end."""
    with cable.inside(cable.near):
        tap, _ = open_tap(gate, [TAP], max_flows=MAX_FLOWS)
    try:
        yield Counting(tap)
    finally:
        tap.close()


def first_packets(first: int, flows: int) -> list[bytes]:
    """The SYN of each of so many flows."""
    return [next(TcpTalk(Wire(ends_of(number, 443))).open()).data for number in range(first, first + flows)]


def test_more_flows_than_rows(gate: str, cable: Cable, sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames of flows that find no row are untracked, and nothing else is; when flows have gone, there is room again."""
    monkeypatch.setattr(kernel, "KernelGate", partial(KernelGate, idle=SHORT))
    monkeypatch.setattr(ring, "NativeGate", partial(NativeGate, idle=SHORT))
    with watching(cable, gate) as one:
        sender.send(Load(first_packets(1, 4 * MAX_FLOWS)))
        flood = one.seen(4 * MAX_FLOWS)

        assert (4 * MAX_FLOWS, 3 * MAX_FLOWS) == (flood.gate.seen_packets, flood.gate.untracked_packets)
        assert (MAX_FLOWS, 3 * MAX_FLOWS) == (flood.gate.active_flows, flood.limits["flow_table"])
        wait_for(lambda: one.tick().gate.active_flows == 0, TIMEOUT_S, lambda: "rows are not given back")
        for number in range(5000, 5000 + MAX_FLOWS):
            sender.send(Load(introduction(number)))
        after = one.seen(sender.sent_packets)
        assert 3 * MAX_FLOWS == after.gate.untracked_packets
        assert {("tls", "read"): MAX_FLOWS} == after.handshakes


def test_judged_in_mid_traffic(gate: str, cable: Cable, sender: Sender) -> None:
    """Frames arrive while rows are summed: none is missing and none is there twice, at any tick."""
    with watching(cable, gate) as one:
        sender.send(Load(introduction(1)))
        with going_on(sender, Load(middle(1, 1000)), packets_per_s=0):
            seen = {one.tick().gate.seen_packets for _ in range(200)}
        after = one.seen(sender.sent_packets)

        assert len(seen) > 2
        assert (sender.sent_packets, sender.sent_bytes) == (after.gate.settled_packets, after.gate.settled_bytes)


def test_more_slices_than_room(cable: Cable, sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slices that find no room in the kernel are lost and counted; packets are counted all the same, and names return."""
    need_bpf()
    monkeypatch.setattr(kernel, "KernelGate", partial(KernelGate, ring_bytes=PAGE_BYTES))
    with watching(cable, "kernel") as one:
        flows = 50
        sender.send(Load([frame for number in range(flows) for frame in introduction(number)]))
        wait_for(
            lambda: one.tap.gate.totals()["seen_packets"] == sender.sent_packets,
            TIMEOUT_S,
            lambda: "frames are missing",
        )
        crowded = one.tick(after_ns=WAIT_NS + 1)

        assert (sender.sent_packets, 0) == (crowded.gate.settled_packets, crowded.gate.unsettled_packets)
        assert crowded.limits["lost_slices"] > 0
        assert flows == crowded.limits["lost_slices"] + crowded.handshakes["tls", "read"]
        assert flows == sum(line.counts.flows for line in crowded.classes)
        sender.send(Load(introduction(flows)))
        after = one.seen(sender.sent_packets)
        assert crowded.handshakes["tls", "read"] + 1 == after.handshakes["tls", "read"]


def test_more_packets_than_the_ring_holds(cable: Cable, sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that does not come to read loses packets, and knows how many."""
    monkeypatch.setattr(ring, "RING_BLOCKS", 2)
    with watching(cable, "process") as one:
        sender.send(Load(middle(1, 10_000)))
        time.sleep(0.1)  # the ring fills while nobody reads
        gate, dropped = one.tap.gate, one.tap.dropped_packets

        def all_told() -> bool:
            return one.tick().gate.seen_packets + dropped() >= sender.sent_packets

        wait_for(all_told, TIMEOUT_S, lambda: f"{gate.totals()['seen_packets']} seen, {dropped()} dropped")
        lost = dropped()
        assert lost > 0
        assert (sender.sent_packets, lost) == (one.tick().gate.seen_packets + lost, dropped())
