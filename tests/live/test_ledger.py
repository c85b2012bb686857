"""Tests of the live tap: a school day on the wire is counted as the same day in a file, to the flow and to the byte."""

import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from agent.capture.choose import open_tap
from agent.daemon import Daemon
from agent.flow import FlowClass
from agent.lab.crafted import START_NS
from agent.lab.day import school_day
from agent.lab.frames import Frame
from agent.lab.pcap import write_pcap
from agent.log import EventLog
from agent.replay import replay
from agent.rules_location import shipped_rules
from agent.snapshot import Counts, Snapshot
from tests.conserved import shipped_policy
from tests.live.cable import TAP, Cable
from tests.live.sender import Load, Sender

DURATION_NS = 8_000_000_000
"""Short, so that no flow is idle in the file which is not idle on the wire."""
MAX_FLOWS = 16_384


def lab_day(seed: int, flows: int) -> list[Frame]:
    """A day of the lab that fits on a wire: nothing of a frame is cut off."""
    day = school_day(seed=seed, flows=flows, start_ns=START_NS, duration_ns=DURATION_NS)
    return [Frame(frame.time_ns, frame.data) for frame in day.frames()]


def watched(cable: Cable, sender: Sender, gate: str, frames: Sequence[bytes]) -> Snapshot:
    """What a daemon has counted when all frames were sent, as fast as this machine can, and every flow has ended."""
    with cable.inside(cable.near):
        tap, _ = open_tap(gate, [TAP], max_flows=MAX_FLOWS)
    try:
        daemon = Daemon(tap, shipped_rules(), EventLog())
        thread = threading.Thread(target=sender.send, args=(Load(frames),))
        thread.start()
        while thread.is_alive() or tap.gate.totals()["seen_packets"] < len(frames) or tap.behind:
            daemon._poll()
        thread.join()
        while daemon._poll():
            pass
        daemon._tick()
        daemon._pipeline.finish(tap.now_ns())
        daemon._tick()
        snapshot = daemon._snapshot
    finally:
        tap.close()
    assert snapshot is not None
    return snapshot


def by_class(snapshot: Snapshot) -> dict[FlowClass, tuple[int, ...]]:
    """Flows, packets and bytes of each class, whatever its verdict at the time."""
    found: dict[FlowClass, Counts] = {}
    for line in snapshot.classes:
        found[line.flow_class] = found.get(line.flow_class, Counts()) + line.counts
    return {
        key: (one.flows, one.sent_packets, one.received_packets, one.sent_bytes, one.received_bytes, one.payload_bytes)
        for key, one in found.items()
    }


@pytest.mark.parametrize("seed", [1, 2])
def test_the_wire_and_the_file_agree(seed: int, gate: str, cable: Cable, sender: Sender, tmp_path: Path) -> None:
    """All that was sent is counted, nothing is dropped, and each class has the flows, packets and bytes of the replay."""
    frames = lab_day(seed, 400)
    file = tmp_path / "day.pcap"
    write_pcap(file, frames)
    expected = replay([file], shipped_policy()).snapshot
    actual = watched(cable, sender, gate, [frame.data for frame in frames])

    assert gate == actual.gate.kind
    assert (len(frames), sender.sent_bytes) == (actual.gate.seen_packets, actual.gate.seen_bytes)
    assert (0, 0, 0) == (actual.gate.missing_packets, actual.gate.missing_bytes, actual.gate.dropped_packets)
    assert (0, 0) == (actual.gate.untracked_packets, actual.limits["lost_slices"])
    assert by_class(expected) == by_class(actual)
