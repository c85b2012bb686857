"""Words of the ledger: one frozen picture of all counts, which metrics, web and reports read."""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import NamedTuple, TypeVar

from agent.flow import FlowClass
from agent.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Counts:
    """Sums over flows. Packets are frames; bytes are frame bytes on the wire, without FCS."""

    flows: int = 0
    sent_packets: int = 0
    """Client to server."""
    received_packets: int = 0
    sent_bytes: int = 0
    received_bytes: int = 0
    payload_bytes: int = 0
    """Bytes of transport payload on the wire, both ways."""
    opened_bytes: int = 0
    """Those of them that left the gate."""

    @property
    def packets(self) -> int:
        return self.sent_packets + self.received_packets

    @property
    def bytes(self) -> int:
        return self.sent_bytes + self.received_bytes

    @property
    def unopened_bytes(self) -> int:
        return self.payload_bytes - self.opened_bytes

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.flows + other.flows,
            self.sent_packets + other.sent_packets,
            self.received_packets + other.received_packets,
            self.sent_bytes + other.sent_bytes,
            self.received_bytes + other.received_bytes,
            self.payload_bytes + other.payload_bytes,
            self.opened_bytes + other.opened_bytes,
        )


@dataclass(frozen=True, slots=True)
class ClassCounts:
    """What one class was used for while policy gave it one verdict."""

    flow_class: FlowClass
    verdict: Verdict
    counts: Counts


@dataclass(frozen=True, slots=True)
class GateTotals:
    """What became of every frame the gate has seen: seen = settled + unsettled + untracked + undecodable."""

    kind: str
    """"kernel" or "process"."""
    seen_packets: int = 0
    seen_bytes: int = 0
    settled_packets: int = 0
    """Frames of flows that have a class."""
    settled_bytes: int = 0
    unsettled_packets: int = 0
    """Frames of live flows that have no class yet."""
    unsettled_bytes: int = 0
    untracked_packets: int = 0
    """Frames for which the flow table had no room."""
    untracked_bytes: int = 0
    undecodable_packets: int = 0
    undecodable_bytes: int = 0
    dropped_packets: int = 0
    """Lost before the gate, as the kernel's socket counts them. They are no part of `seen`."""
    active_flows: int = 0
    max_flows: int = 0
    """Rows of the flow table, in use or not."""

    @property
    def missing_packets(self) -> int:
        """Frames the accounts cannot explain; the law of conservation says 0."""
        accounted = self.settled_packets + self.unsettled_packets + self.untracked_packets + self.undecodable_packets
        return self.seen_packets - accounted

    @property
    def missing_bytes(self) -> int:
        accounted = self.settled_bytes + self.unsettled_bytes + self.untracked_bytes + self.undecodable_bytes
        return self.seen_bytes - accounted


MINUTE_BOUNDS = (0, 5, 15, 30, 60, 120)
"""Where incidental use is told apart, in minutes a day. A bound is part of what is below it."""


@dataclass(frozen=True, slots=True)
class IncidentalUse:
    """How many devices of a segment used a category today, and how long; never which.

    Small numbers have been taken out: devices that differ from the others and are too few to be told apart count with
    the next lower bound. So each number is a lower limit of the true one, and 0 may stand for a few.
    """

    longer_than: tuple[int, ...] = (0,) * len(MINUTE_BOUNDS)
    """Devices with more minutes of use than each of MINUTE_BOUNDS; the first is all devices. It never rises."""
    over_allowance: int = 0
    """Devices that went beyond their allowance, each counted once a day."""


class DeviceScope(NamedTuple):
    """What devices are counted under. Those of two segments are different devices, so their numbers add up."""

    segment: str
    category: str
    """Empty for all of them."""
    ip_version: int
    """4 or 6. Numbers of the two do not add up: a device may have addresses of both."""


@dataclass(frozen=True, slots=True)
class Devices:
    """How many distinct devices were active today; never which. Small numbers are absent."""

    store_up: bool
    """Whether the store that the district's agents share answered last time."""
    tap: Mapping[DeviceScope, int] = field(default_factory=dict)
    """As this tap has seen them since its start, exactly."""
    district: Mapping[DeviceScope, int] = field(default_factory=dict)
    """As all taps have seen them, estimated; empty while the store does not answer."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All counts at one moment. Every mapping is complete for what has occurred; absent means 0."""

    time_ns: int
    gate: GateTotals
    classes: tuple[ClassCounts, ...] = ()
    active_flows: Mapping[str, int] = field(default_factory=dict)
    """category -> live flows"""
    opened_bytes: Mapping[str, int] = field(default_factory=dict)
    """what was opened ("tls", "quic", "dns", ...) -> bytes"""
    rule_matches: Mapping[tuple[str, Verdict], int] = field(default_factory=dict)
    """(rule, verdict) -> flows"""
    handshakes: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """(protocol, result) -> introductions; result is "read" or an Unread.reason"""
    defects: int = 0
    """Slices and ends of flows whose reading failed by a defect of ours."""
    limits: Mapping[str, int] = field(default_factory=dict)
    """limit -> how often it was met"""
    incidental: Mapping[tuple[str, str], IncidentalUse] = field(default_factory=dict)
    """(segment, category) -> today's use under rules with an allowance; absent where too few devices had any"""
    suppressed_cells: int = 0
    """Numbers of `incidental` that are 0 or absent because too few devices are behind them."""
    devices: Devices | None = None
    """Distinct devices of today; None where they are not counted. Of one agent: `merged` leaves it out."""


def merged(snapshots: Iterable[Snapshot]) -> Snapshot:
    """The sum of several taps' snapshots, as of the latest of them."""
    parts = tuple(snapshots)
    if len(parts) == 1:
        return parts[0]
    classes: dict[tuple[FlowClass, Verdict], Counts] = {}
    for line in (line for part in parts for line in part.classes):
        key = (line.flow_class, line.verdict)
        classes[key] = classes.get(key, Counts()) + line.counts
    return Snapshot(
        time_ns=max((part.time_ns for part in parts), default=0),
        gate=_merged_gates([part.gate for part in parts]),
        classes=tuple(ClassCounts(*key, counts) for key, counts in classes.items()),
        active_flows=_summed(part.active_flows for part in parts),
        opened_bytes=_summed(part.opened_bytes for part in parts),
        rule_matches=_summed(part.rule_matches for part in parts),
        handshakes=_summed(part.handshakes for part in parts),
        defects=sum(part.defects for part in parts),
        limits=_summed(part.limits for part in parts),
        incidental=_merged_uses(part.incidental for part in parts),
        suppressed_cells=sum(part.suppressed_cells for part in parts),
    )


_Key = TypeVar("_Key", bound=Hashable)


def _summed(mappings: Iterable[Mapping[_Key, int]]) -> Mapping[_Key, int]:
    total: Counter[_Key] = Counter()
    for mapping in mappings:
        total.update(mapping)
    return total


def _merged_uses(
    mappings: Iterable[Mapping[tuple[str, str], IncidentalUse]],
) -> Mapping[tuple[str, str], IncidentalUse]:
    """Sums: the taps see different devices."""
    total: dict[tuple[str, str], IncidentalUse] = {}
    for cell, use in (item for mapping in mappings for item in mapping.items()):
        known = total.get(cell, IncidentalUse())
        longer_than = tuple(map(sum, zip(known.longer_than, use.longer_than, strict=True)))
        total[cell] = IncidentalUse(longer_than, known.over_allowance + use.over_allowance)
    return total


def _merged_gates(gates: Sequence[GateTotals]) -> GateTotals:
    kinds = {gate.kind for gate in gates}
    numbers = [f.name for f in fields(GateTotals) if f.name != "kind"]
    # One tap in the weaker mode makes the whole no stronger.
    kind = "kernel" if kinds == {"kernel"} else "process"
    return GateTotals(kind, **{name: sum(getattr(gate, name) for gate in gates) for name in numbers})
