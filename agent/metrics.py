"""Snapshot -> Prometheus metric families, and those -> an exposition in the format the scraper asked for."""

import platform
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import TypeVar

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector, CollectorRegistry

from agent import __version__
from agent.device_metrics import device_families
from agent.flow import Account, SliceKind
from agent.snapshot import MINUTE_BOUNDS, ClassCounts, Counts, GateTotals, Snapshot

TRAFFIC_LABELS = ("segment", "category", "application", "verdict", "account")
FLOW_LABELS = (*TRAFFIC_LABELS, "evidence")
CELL_LABELS = ("segment", "category")

OPENED = tuple(kind.name.lower() for kind in SliceKind)
"""What the gate may open; each has a series from the start, so that a 0 is a statement."""
HANDSHAKE_PROTOCOLS = ("tls", "dtls", "quic", "dns", "http")
HANDSHAKE_RESULTS = ("read", "partial", "malformed", "incomplete", "too_large", "undecryptable")
"""facts.Unread.reason; "read" for an introduction that was understood, "partial" when its end was missing."""

MAX_CLAUSE_CHARACTERS = 200
"""Of a clause in a label: enough to know it by. A rule file may hold 1,000, and every scrape repeats them."""

OPENMETRICS = "application/openmetrics-text"

Key = TypeVar("Key")
Labels = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReloadState:
    """What became of the configuration, as the daemon knows it."""

    successful: bool
    """Whether the newest attempt to load the rules succeeded; the first load is an attempt too."""
    last_success_s: float
    """When the rules in force were loaded, in seconds since the epoch."""
    notice_is_posted: bool | None = None
    """Whether the notice that is recorded as posted says what these rules do; None where there is none to compare."""
    catalogue_reviewed_s: float | None = None
    """When the oldest part of the catalogue was looked through, in seconds since the epoch; None where no file says."""
    clauses: Mapping[str, str] = field(default_factory=dict)
    """rule -> the clause of the written policy that it rests on"""


class SnapshotCollector(Collector):
    """Emits what the newest snapshot holds, each time it is scraped; keeps nothing between scrapes."""

    def __init__(
        self,
        latest: Callable[[], Snapshot | None],
        *,
        reload_state: Callable[[], ReloadState] | None = None,
        known_limits: Sequence[str] = (),
        other_limits: Callable[[], Mapping[str, int]] | None = None,
    ) -> None:
        """
        Args:
            latest: The newest snapshot, or None before the first one. Its counts must never fall.
            reload_state: Read at each scrape; without it the two config metrics are left out.
            known_limits: Names of limits that exist, so that their series start at 0.
            other_limits: Limits met outside the snapshot (the web listener's own), by name.
        """
        self._latest = latest
        self._reload_state = reload_state
        self._known_limits = known_limits
        self._other_limits = other_limits

    def collect(self) -> Iterator[Metric]:
        yield InfoMetricFamily(
            "hallwatch_build",
            "Version of Hallwatch and of the Python that runs it.",
            value={"version": __version__, "python": platform.python_version()},
        )
        snapshot = self._latest()
        if self._reload_state is not None:
            yield from _config(self._reload_state(), None if snapshot is None else snapshot.time_ns)
        limits = dict.fromkeys(self._known_limits, 0)
        if self._other_limits is not None:
            limits |= self._other_limits()
        if snapshot is not None:
            limits |= snapshot.limits
            yield from _traffic(snapshot.classes)
            yield from _privacy(snapshot)
            yield from _policy(snapshot)
            yield from _allowances(snapshot)
            yield from device_families(snapshot.devices)
            yield from _gate(snapshot.gate)
            yield from _introductions(snapshot)
            yield GaugeMetricFamily(
                "hallwatch_snapshot_timestamp_seconds",
                "When the counts of this scrape were taken, in seconds since the epoch.",
                value=snapshot.time_ns / 1e9,
            )
        yield _counter(
            "hallwatch_limit_reached",
            "How often a named limit (of a table, a buffer, a connection) was met, and what was over it given up.",
            ("limit",),
            (((limit,), times) for limit, times in limits.items()),
        )


def total_by(rows: Iterable[ClassCounts], key: Callable[[ClassCounts], Key]) -> dict[Key, Counts]:
    """Sum the rows that share a key, in the order in which keys first occur."""
    totals: dict[Key, Counts] = {}
    for row in rows:
        group = key(row)
        known = totals.get(group)
        totals[group] = row.counts if known is None else known + row.counts
    return totals


def new_registry(collector: SnapshotCollector) -> CollectorRegistry:
    """A registry of its own, with the snapshot and the standard process_* metrics (CPU, memory, open files)."""
    registry = CollectorRegistry()
    registry.register(collector)
    ProcessCollector(registry=registry)
    return registry


def exposition(registry: CollectorRegistry, *, openmetrics: bool) -> tuple[bytes, str]:
    """Render a scrape: the body, and its Content-Type.

    The client's own Accept header is not handed to `choose_encoder`: it raises ValueError for a malformed version and
    echoes whatever version it is sent. Both formats we offer are named here instead.
    """
    encode, content_type = choose_encoder(f"{OPENMETRICS}; version=1.0.0" if openmetrics else "")
    return encode(registry), content_type


def accepts(header: str, wanted: str) -> bool:
    """Whether an Accept or Accept-Encoding header lists `wanted` (lower case) without q=0 (RFC 9110 section 12.4.2)."""
    for item in header.lower().split(","):
        token, *parameters = (part.strip() for part in item.split(";"))
        if token == wanted:
            return not any(re.fullmatch(r"q=0(\.0{0,3})?", parameter) for parameter in parameters)
    return False


def _traffic(rows: Sequence[ClassCounts]) -> Iterator[Metric]:
    flows = total_by(rows, _flow_labels)
    yield _counter(
        "hallwatch_flows",
        "Flows that were given a class.",
        FLOW_LABELS,
        ((labels, counts.flows) for labels, counts in flows.items()),
    )
    traffic = total_by(rows, _traffic_labels)
    columns: tuple[tuple[str, str, Callable[[Counts], int]], ...] = (
        (
            "hallwatch_received_bytes",
            "Frame bytes on the wire that clients received, without FCS.",
            lambda counts: counts.received_bytes,
        ),
        (
            "hallwatch_sent_bytes",
            "Frame bytes on the wire that clients sent, without FCS.",
            lambda counts: counts.sent_bytes,
        ),
        ("hallwatch_received_packets", "Frames that clients received.", lambda counts: counts.received_packets),
        ("hallwatch_sent_packets", "Frames that clients sent.", lambda counts: counts.sent_packets),
    )
    for name, text, column in columns:
        yield _counter(name, text, TRAFFIC_LABELS, ((labels, column(counts)) for labels, counts in traffic.items()))


def _privacy(snapshot: Snapshot) -> Iterator[Metric]:
    accounts = total_by(snapshot.classes, lambda row: row.flow_class.account)
    yield _counter(
        "hallwatch_unopened_payload_bytes",
        "Transport payload bytes that passed without leaving the gate, by whose account the service is used with.",
        ("account",),
        (((account,), accounts.get(account, Counts()).unopened_bytes) for account in Account),
    )
    yield _counter(
        "hallwatch_opened_payload_bytes",
        "Transport payload bytes that the gate handed over so that a flow could be named, by what was opened.",
        ("what",),
        (((what,), count) for what, count in (dict.fromkeys(OPENED, 0) | dict(snapshot.opened_bytes)).items()),
    )


def _policy(snapshot: Snapshot) -> Iterator[Metric]:
    yield _counter(
        "hallwatch_policy_matches",
        "Flows by the rule that gave their verdict when they were classified.",
        ("rule", "verdict"),
        snapshot.rule_matches.items(),
    )
    active = GaugeMetricFamily(
        "hallwatch_active_flows", "Flows with a class that are in the flow table now.", labels=("category",)
    )
    # A category that has gone quiet says 0; if its series vanished, graphs would show the last value for minutes.
    for category in sorted({row.flow_class.category for row in snapshot.classes} | snapshot.active_flows.keys()):
        active.add_metric((category,), snapshot.active_flows.get(category, 0))
    yield active


def _allowances(snapshot: Snapshot) -> Iterator[Metric]:
    over = GaugeMetricFamily(
        "hallwatch_over_allowance_devices",
        "Devices that went beyond their allowance of incidental use today, each once; absent when they are few.",
        labels=CELL_LABELS,
    )
    # A sum would let one long day among many short ones be worked out, which the bounds hide. So there is none, and
    # without a sum OpenMetrics has no count either: the bucket without a bound is the count.
    minutes = Metric(
        "hallwatch_incidental_use_seconds",
        "Devices by the length of their incidental use today, where there is an allowance; few count with lower bounds.",
        "gaugehistogram",
    )
    bucket = f"{minutes.name}_bucket"
    for cell, use in snapshot.incidental.items():
        labels = dict(zip(CELL_LABELS, cell, strict=True))
        if use.over_allowance:
            over.add_metric(cell, use.over_allowance)
        devices = use.longer_than[0]
        for bound, longer in zip(MINUTE_BOUNDS[1:], use.longer_than[1:], strict=True):
            minutes.add_sample(bucket, labels | {"le": f"{bound * 60}.0"}, devices - longer)
        minutes.add_sample(bucket, labels | {"le": "+Inf"}, devices)
    yield over
    yield minutes
    yield GaugeMetricFamily(
        "hallwatch_suppressed_cells",
        "Numbers of devices that are not told in the two metrics above, because too few are behind them.",
        value=snapshot.suppressed_cells,
    )


def _gate(gate: GateTotals) -> Iterator[Metric]:
    yield InfoMetricFamily(
        "hallwatch_gate",
        "Where payloads are kept unopened: in the kernel (eBPF), or in this process where eBPF is not available.",
        value={"gate": gate.kind},
    )
    yield CounterMetricFamily("hallwatch_gate_seen_packets", "Frames the gate has seen.", value=gate.seen_packets)
    yield _counter(
        "hallwatch_gate_packets",
        "What became of frames: settled under a class, untracked (flow table full), or undecodable.",
        ("outcome",),
        (
            (("settled",), gate.settled_packets),
            (("untracked",), gate.untracked_packets),
            (("undecodable",), gate.undecodable_packets),
        ),
    )
    gauges = (
        (
            "hallwatch_gate_unsettled_packets",
            "Frames of live flows that have no class yet; they settle when the flow is classified or ends.",
            gate.unsettled_packets,
        ),
        (
            "hallwatch_gate_unaccounted_packets",
            "Frames seen that no account explains. Counting is conserved, so anything but 0 is a defect.",
            gate.missing_packets,
        ),
        (
            "hallwatch_gate_unaccounted_bytes",
            "Bytes seen that no account explains. Counting is conserved, so anything but 0 is a defect.",
            gate.missing_bytes,
        ),
        ("hallwatch_gate_active_flows", "Rows of the flow table in use, with a class or not.", gate.active_flows),
        ("hallwatch_gate_max_flows", "Rows of the flow table, in use or not.", gate.max_flows),
    )
    for name, text, value in gauges:
        yield GaugeMetricFamily(name, text, value=value)
    yield CounterMetricFamily(
        "hallwatch_capture_dropped_packets",
        "Frames lost before the gate, as the capture socket counts them. They are no part of the frames seen.",
        value=gate.dropped_packets,
    )


def _introductions(snapshot: Snapshot) -> Iterator[Metric]:
    known = dict.fromkeys(product(HANDSHAKE_PROTOCOLS, HANDSHAKE_RESULTS), 0)
    yield _counter(
        "hallwatch_handshakes",
        "Introductions that flows made, by protocol and by what came of reading them.",
        ("protocol", "result"),
        (known | dict(snapshot.handshakes)).items(),
    )
    yield CounterMetricFamily(
        "hallwatch_defects",
        "Introductions whose reading failed by a defect of Hallwatch. Anything but 0 is worth a report; the log says where.",
        value=snapshot.defects,
    )


def _config(state: ReloadState, now_ns: int | None) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "hallwatch_config_last_reload_successful",
        "Whether the newest attempt to load the rules succeeded (1) or the previous rules are still in force (0).",
        value=float(state.successful),
    )
    yield GaugeMetricFamily(
        "hallwatch_config_last_reload_success_timestamp_seconds",
        "When the rules in force were loaded, in seconds since the epoch.",
        value=state.last_success_s,
    )
    if state.notice_is_posted is not None:
        yield GaugeMetricFamily(
            "hallwatch_notice_current",
            "Whether the notice recorded as posted says what is done (1), or is missing or out of date (0).",
            value=float(state.notice_is_posted),
        )
    if state.catalogue_reviewed_s is not None and now_ns is not None:
        yield GaugeMetricFamily(
            "hallwatch_catalogue_age_seconds",
            "Since the part of the catalogue that was reviewed longest ago was, by the date in its file.",
            value=now_ns / 1e9 - state.catalogue_reviewed_s,
        )
    rules = InfoMetricFamily(
        "hallwatch_policy_rule", "The clause of the written policy that a rule rests on.", labels=("rule",)
    )
    for rule, clause in state.clauses.items():
        rules.add_metric((rule,), {"clause": clause[:MAX_CLAUSE_CHARACTERS]})
    yield rules


def _flow_labels(row: ClassCounts) -> Labels:
    return (*_traffic_labels(row), row.flow_class.evidence)


def _traffic_labels(row: ClassCounts) -> Labels:
    seen = row.flow_class
    return seen.segment, seen.category, seen.application, row.verdict, seen.account


def _counter(name: str, text: str, labels: Labels, samples: Iterable[tuple[Labels, int]]) -> CounterMetricFamily:
    """A counter with labels; without `created`, so that no _created series doubles the scrape."""
    family = CounterMetricFamily(name, text, labels=labels)
    for values, count in samples:
        family.add_metric(values, count)
    return family
