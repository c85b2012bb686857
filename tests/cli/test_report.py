"""Replay reports for people."""

import io
from dataclasses import replace

from agent.cli.console import console_for
from agent.cli.report import show
from agent.replay import ReplayReport
from agent.snapshot import GateTotals, Snapshot
from tests.cli.replayed import REPORT


def shown(report: ReplayReport) -> str:
    stream = io.StringIO()
    show(report, console_for(stream))
    return stream.getvalue()


def test_tables_for_people() -> None:
    """Categories, applications, verdicts, evidence, opened and unopened bytes, the law, and the time taken."""
    text = shown(REPORT)
    lines = {tuple(line.split()) for line in text.splitlines()}
    for line in (
        "video_streaming 2 1,000 8.0 kB – – 8.0 kB –",
        "youtube video_streaming 2 5.0 kB 3.0 kB",
        "prohibited 2 1,000 8.0 kB 88.88%",
        "sni 2 66.66% 8.0 kB",
        "left unopened 6.0 kB 75.00%",
        "opened 2.0 kB 25.00%",
        "tls 2.0 kB 25.00%",
        "Applications (1 of 1)",
    ):
        assert tuple(line.split()) in lines, text
    assert "Conserved: 1,010 packets seen = 1,010 counted + 0 unsettled + 0 untracked + 0 undecodable" in text
    assert "2 files in 2.00 s (1.01 s of CPU, 1000.00 s a million packets)" in text
    assert "Limits met" not in text


def test_all_is_said_only_of_all() -> None:
    """Where little was opened it is not said that 100% was left unopened, nor that 0% was opened: as on the page."""
    row, _ = REPORT.snapshot.classes
    much = replace(row.counts, payload_bytes=10**9, opened_bytes=2_000)
    text = shown(replace(REPORT, snapshot=replace(REPORT.snapshot, classes=(replace(row, counts=much),))))
    lines = {tuple(line.split()) for line in text.splitlines()}

    for line in ("left unopened 1,000.0 MB 99.99%", "opened 2.0 kB <0.01%"):
        assert tuple(line.split()) in lines, text


def test_a_broken_law_is_told() -> None:
    """When counts do not add up the report says so, in packets and bytes."""
    snapshot = REPORT.snapshot
    broken = replace(REPORT, snapshot=replace(snapshot, gate=replace(snapshot.gate, settled_packets=1_000)))
    assert "NOT conserved" in shown(broken)
    assert "10 packets and 0 bytes are missing" in " ".join(shown(broken).split())


def test_limits_that_were_met_are_told() -> None:
    """A limit that was met is named with how often."""
    assert "Limits met: flow_table 7 times" in shown(
        replace(REPORT, snapshot=replace(REPORT.snapshot, limits={"flow_table": 7, "headers": 0}))
    )


def test_a_report_of_nothing() -> None:
    """No packets: no empty tables, no division by 0."""
    nothing = ReplayReport(Snapshot(0, GateTotals("process")), (), 0.0, 0.0)
    assert "Conserved: 0 packets seen" in shown(nothing)
    assert "Categories" not in shown(nothing)
