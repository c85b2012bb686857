"""A replay report, known to the last number, for the tests of what is shown of one."""

from pathlib import Path

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
