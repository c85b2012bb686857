"""Replay reports for machines."""

import json
from pathlib import Path

from agent.cli.document import document
from agent.flow import Account, Evidence, FlowClass
from agent.replay import FileReport, ReplayReport
from agent.snapshot import ClassCounts, Counts, GateTotals, Snapshot
from agent.verdict import Verdict

YOUTUBE = FlowClass("students", "youtube", "video_streaming", "tls", Evidence.SNI, Account.PERSONAL)
UNKNOWN = FlowClass("unknown", "unknown", "unclassified", "tcp", Evidence.NONE, Account.UNKNOWN)

REPORT = ReplayReport(
    snapshot=Snapshot(
        time_ns=1,
        gate=GateTotals("process", seen_packets=1_010, seen_bytes=9_000, settled_packets=1_010, settled_bytes=9_000),
        classes=(
            ClassCounts(YOUTUBE, Verdict.PROHIBITED, Counts(2, 400, 600, 3_000, 5_000, 8_000, 2_000)),
            ClassCounts(UNKNOWN, Verdict.PERMITTED, Counts(1, 5, 5, 500, 500, 0, 0)),
        ),
        opened_bytes={"tls": 2_000, "quic": 0},
        rule_matches={("video", Verdict.PROHIBITED): 2},
        handshakes={("tls", "read"): 2},
        limits={"flow_table": 0},
    ),
    files=(FileReport(Path("a.pcap"), 1_010, 9_000), FileReport(Path("b.pcap"), 0, 0, error="No such file")),
    elapsed_s=2.0,
    cpu_s=1.01,
)


def test_the_document_for_machines() -> None:
    """Its shape is a promise: scripts read these keys."""
    made = json.loads(json.dumps(document(REPORT)))
    assert (3, 405, 605, 3_500, 5_500, 8_000, 2_000, 6_000) == tuple(
        made[key]
        for key in (
            "flows",
            "sent_packets",
            "received_packets",
            "sent_bytes",
            "received_bytes",
            "payload_bytes",
            "opened_bytes",
            "unopened_bytes",
        )
    )
    assert {
        "segment": "students",
        "application": "youtube",
        "category": "video_streaming",
        "protocol": "tls",
        "evidence": "sni",
        "account": "personal",
        "verdict": "prohibited",
        "flows": 2,
        "sent_packets": 400,
        "received_packets": 600,
        "sent_bytes": 3_000,
        "received_bytes": 5_000,
        "payload_bytes": 8_000,
        "opened_bytes": 2_000,
        "unopened_bytes": 6_000,
    } == made["traffic"][0]
    assert {"path": "b.pcap", "packets": 0, "bytes": 0, "note": None, "error": "No such file"} == made["files"][1]
    assert {"tls": 2_000, "quic": 0} == made["opened"]
    assert [{"rule": "video", "verdict": "prohibited", "flows": 2}] == made["rules"]
    assert [{"protocol": "tls", "result": "read", "count": 2}] == made["handshakes"]
    assert {"flow_table": 0} == made["limits"]
    assert (1_010, 0, 0) == tuple(made["gate"][key] for key in ("seen_packets", "missing_packets", "missing_bytes"))
    assert (2.0, 1.01) == (made["elapsed_s"], made["cpu_s"])
