"""Tests of the live tap: a school day on the wire is counted as the same day in a file, to the flow and to the byte."""

import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import fields
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
from agent.policy.policy import Policy, load
from agent.replay import replay
from agent.shipped import shipped_rules
from agent.snapshot import Counts, Snapshot
from tests.live.cable import TAP, Cable
from tests.live.sender import Load, Sender

DURATION_NS = 8_000_000_000
"""Short, so that no flow is idle in the file which is not idle on the wire."""
MAX_FLOWS = 16_384
TIMEOUT_S = 30.0


class NothingPersonal(Policy):
    """The shipped policy, to which no address is a personal one.

    Towards such an address less is opened, from the moment when an answer of DNS has been read. In a file that moment
    is a place in the file; on a wire on which eight seconds pass in one tenth it is a matter of luck.
    """

    def holds_closed(self, name: bytes, server: bytes = b"") -> bool:
        del name, server
        return False


SHIPPED = load(shipped_rules())
POLICY = NothingPersonal(*(getattr(SHIPPED, field.name) for field in fields(Policy)))


def watched(cable: Cable, sender: Sender, gate: str, frames: Sequence[bytes]) -> Snapshot:
    """What a daemon has counted when all frames were sent, as fast as this machine can, and every flow has ended."""
    with cable.inside(cable.near):
        tap, _ = open_tap(gate, [TAP], max_flows=MAX_FLOWS)
    try:
        daemon = Daemon(tap, shipped_rules(), EventLog())
        daemon._pipeline.reload(POLICY)
        thread = threading.Thread(target=sender.send, args=(Load(frames),))
        thread.start()
        end_s = time.monotonic() + TIMEOUT_S
        while thread.is_alive() or tap.gate.totals()["seen_packets"] < len(frames) or tap.behind:
            daemon._poll()
            if time.monotonic() > end_s:
                break  # what is missing is asserted by the caller
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


def frames_of(file: Path) -> Iterator[bytes]:
    """The frames of a classic capture file, of this machine's byte order."""
    data = file.read_bytes()
    at = 24
    while at < len(data):
        captured, wire = struct.unpack_from("=II", data, at + 8)
        assert captured == wire
        yield data[at + 16 : at + 16 + captured]
        at += 16 + captured


def agrees(file: Path, frames: Sequence[bytes], gate: str, cable: Cable, sender: Sender) -> None:
    """Asserts that all frames are counted, none is lost, and each class has what the replay of the file gives it."""
    expected = replay([file], POLICY).snapshot
    actual = watched(cable, sender, gate, frames)

    assert gate == actual.gate.kind
    assert (len(frames), sender.sent_bytes) == (actual.gate.seen_packets, actual.gate.seen_bytes)
    assert (0, 0, 0) == (actual.gate.missing_packets, actual.gate.missing_bytes, actual.gate.dropped_packets)
    assert (0, 0) == (actual.gate.untracked_packets, actual.limits["lost_slices"])
    first, second = by_class(expected), by_class(actual)
    different = {key: (first.get(key), second.get(key)) for key in first | second if first.get(key) != second.get(key)}
    assert {} == different


@pytest.mark.parametrize("seed", [1, 2])
def test_a_day_of_the_lab(seed: int, gate: str, cable: Cable, sender: Sender, tmp_path: Path) -> None:
    """A day with everything the lab can make."""
    day = school_day(seed=seed, flows=400, start_ns=START_NS, duration_ns=DURATION_NS)
    frames = [Frame(frame.time_ns, frame.data) for frame in day.frames()]  # whole, since none is cut on a wire
    file = tmp_path / "day.pcap"
    write_pcap(file, frames)

    agrees(file, [frame.data for frame in frames], gate, cable, sender)


def test_a_larger_day(gate: str, cable: Cable, sender: Sender, tmp_path: Path, make_day: Path) -> None:
    """A day of some 40,000 packets, by a maker that shares no code with Hallwatch."""
    file = tmp_path / "day.pcap"
    size = ("--flows", "1000", "--packets", "40000", "--duration", str(DURATION_NS // 10**9))
    subprocess.run([sys.executable, str(make_day), *size, "--out", str(file)], check=True, capture_output=True)

    agrees(file, list(frames_of(file)), gate, cable, sender)
