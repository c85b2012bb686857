"""A snapshot in which every kind of count has occurred, and the collector of a daemon that has it."""

from collections.abc import Iterator
from dataclasses import replace

from prometheus_client.metrics_core import Metric

from agent.flow import Account, Evidence, FlowClass
from agent.metrics import ReloadState, SnapshotCollector
from agent.snapshot import ClassCounts, Counts, Devices, DeviceScope, GateTotals, IncidentalUse, Snapshot
from agent.verdict import Verdict
from agent.web.guard import REASONS
from agent.web.web_metrics import ProtectionCollector

TLS = FlowClass("students", "youtube", "video_streaming", "tls", Evidence.SNI, Account.PERSONAL)
QUIC = replace(TLS, protocol="quic", evidence=Evidence.QUIC)
BOARD = FlowClass("staff", "google_workspace", "cloud_collaboration", "tls", Evidence.SNI, Account.BOARD)

SNAPSHOT = Snapshot(
    time_ns=1_700_000_000_500_000_000,
    gate=GateTotals(
        "process",
        seen_packets=100,
        seen_bytes=10_000,
        settled_packets=90,
        settled_bytes=9_000,
        unsettled_packets=6,
        unsettled_bytes=600,
        untracked_packets=3,
        untracked_bytes=300,
        undecodable_packets=1,
        undecodable_bytes=100,
        dropped_packets=7,
        active_flows=11,
        max_flows=16,
    ),
    classes=(
        ClassCounts(TLS, Verdict.PROHIBITED, Counts(1, 2, 3, 4, 5, 600, 7)),
        ClassCounts(QUIC, Verdict.PROHIBITED, Counts(10, 20, 30, 40, 50, 6_000, 70)),
        ClassCounts(TLS, Verdict.PERMITTED, Counts(100, 200, 300, 400, 500, 60_000, 700)),
        ClassCounts(BOARD, Verdict.PERMITTED, Counts(1, 1, 1, 1, 1, 1_000, 0)),
    ),
    active_flows={"video_streaming": 9},
    opened_bytes={"tls": 707, "quic": 70},
    rule_matches={("no-video-in-class", Verdict.PROHIBITED): 11, ("default", Verdict.PERMITTED): 101},
    handshakes={("tls", "read"): 102, ("ssh", "read"): 1, ("quic", "undecryptable"): 4},
    limits={"flow_table": 3},
    incidental={
        ("staff", "news"): IncidentalUse((40, 25, 15, 10, 5, 0), 12),
        ("staff", "retail"): IncidentalUse((7, 0, 0, 0, 0, 0), 0),
    },
    suppressed_cells=3,
    devices=Devices(
        store_up=True,
        tap={DeviceScope("staff", "", 4): 40},
        district={DeviceScope("staff", "", 4): 55, DeviceScope("staff", "news", 4): 12},
    ),
)


def collector(snapshot: Snapshot | None = SNAPSHOT) -> SnapshotCollector:
    return SnapshotCollector(
        lambda: snapshot,
        reload_state=lambda: ReloadState(
            successful=False,
            last_success_s=1_600_000_000.0,
            notice_is_posted=False,
            catalogue_reviewed_s=1_699_000_000.0,
            clauses={"no-video-in-class": "Use in class: " + "x" * 500, "default": "none"},
        ),
        known_limits=("flow_table", "reassembly_bytes"),
        other_limits=lambda: {"web_connections": 2},
    )


def protection() -> ProtectionCollector:
    loaded = ReloadState(successful=True, last_success_s=1_600_000_000.0)
    refused = dict.fromkeys(REASONS, 1)
    return ProtectionCollector(state=lambda: loaded, runs_out_s=lambda: 1_800_000_000.0, refused=refused)


def every_family() -> Iterator[Metric]:
    """All that an agent exports of itself, by all of its collectors: what documents, rules and dashboards may speak of."""
    yield from collector().collect()
    yield from protection().collect()
