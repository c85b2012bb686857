"""A capture -> what became of it, after the law of conservation was asserted. Tests play captures here and nowhere else."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from agent.contracts import Policy
from agent.lab.frames import Frame
from agent.lab.pcap import write_pcap
from agent.pipeline import FlowRecord
from agent.policy.policy import load
from agent.replay import DEFAULT_MAX_FLOWS, FileReport, replay
from agent.shipped import shipped_rules
from agent.snapshot import Snapshot


@cache
def shipped_policy() -> Policy:
    """The policy that is shipped; read once, since nothing in it ever changes."""
    return load(shipped_rules())


@dataclass(frozen=True, slots=True, repr=False)
class Played:
    """One capture, replayed."""

    snapshot: Snapshot
    file: FileReport
    records: tuple[FlowRecord, ...]
    """In the order in which the flows ended."""

    @property
    def hostnames(self) -> set[str]:
        """Every name that was found."""
        return {name for record in self.records for name in record.hostnames}


def play(
    path: Path,
    policy: Policy,
    *,
    max_flows: int = DEFAULT_MAX_FLOWS,
    widen_bytes: int = 0,
    on_flow: Callable[[Path, FlowRecord], None] | None = None,
) -> Played:
    """Replays one capture file; `on_flow` hears of each flow too."""
    records: list[FlowRecord] = []

    def keep(capture: Path, record: FlowRecord) -> None:
        records.append(record)
        if on_flow:
            on_flow(capture, record)

    report = replay([path], policy, on_flow=keep, max_flows=max_flows, widen_bytes=widen_bytes)
    assert_conserved(report.snapshot, records)
    return Played(report.snapshot, report.files[0], tuple(records))


def play_frames(
    folder: Path, frames: Iterable[Frame], policy: Policy, *, link: int = 1, max_flows: int = DEFAULT_MAX_FLOWS
) -> Played:
    """Writes frames of a link type into a capture file below `folder`, and replays it."""
    path = folder / "frames.pcap"
    written = write_pcap(path, frames, link)
    played = play(path, policy, max_flows=max_flows)
    assert written == played.file.packets
    return played


def assert_conserved(snapshot: Snapshot, records: Sequence[FlowRecord]) -> None:
    """Every frame and byte that was seen is in a flow, untracked or undecodable; every count agrees with every other."""
    gate, classes = snapshot.gate, [line.counts for line in snapshot.classes]
    assert (0, 0) == (gate.missing_packets, gate.missing_bytes)
    # Every flow has ended, so the records, the classes and the gate's own sums are three ways to count the same.
    assert (0, 0, 0) == (gate.active_flows, gate.unsettled_packets, gate.unsettled_bytes)
    packets = sum(sum(record.packets) for record in records)
    octets = sum(sum(record.bytes) for record in records)
    assert gate.seen_packets == packets + gate.untracked_packets + gate.undecodable_packets
    assert gate.seen_bytes == octets + gate.untracked_bytes + gate.undecodable_bytes
    assert (packets, octets) == (gate.settled_packets, gate.settled_bytes)
    assert (packets, octets) == (sum(counts.packets for counts in classes), sum(counts.bytes for counts in classes))
    assert len(records) == sum(counts.flows for counts in classes) == sum(snapshot.rule_matches.values())
    # What was opened is part of the payload, by class and by kind alike.
    assert sum(counts.opened_bytes for counts in classes) == sum(snapshot.opened_bytes.values())
    assert all(0 <= counts.opened_bytes <= counts.payload_bytes <= counts.bytes for counts in classes)
    assert 0 == snapshot.limits["lost_slices"]
