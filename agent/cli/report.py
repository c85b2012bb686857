"""Replay report -> tables for people."""

from collections.abc import Iterator, Mapping
from typing import TypeVar

from rich.console import Console
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from agent.cli.console import VERDICT_STYLES, table
from agent.flow import Evidence
from agent.metrics import total_by
from agent.quantities import share
from agent.replay import ReplayReport
from agent.snapshot import Counts, Snapshot
from agent.verdict import Verdict

TOP_APPLICATIONS = 15

Key = TypeVar("Key")


def show(report: ReplayReport, console: Console) -> None:
    """Print the report for people."""
    for made in _tables(report.snapshot):
        if made.row_count:
            console.print(made)
    for line in _lines(report):
        console.print(line)


def _tables(snapshot: Snapshot) -> Iterator[Table]:
    yield _categories(snapshot)
    yield _applications(snapshot)
    yield _verdicts(snapshot)
    yield _evidence(snapshot)
    yield _opened(snapshot)


def _categories(snapshot: Snapshot) -> Table:
    cells = total_by(snapshot.classes, lambda row: (row.flow_class.category, row.verdict))
    made = table("Categories", "category", "flows", "packets", "bytes", *Verdict, numbers_from=1)
    for category, total in _by_bytes(total_by(snapshot.classes, lambda row: row.flow_class.category)):
        verdicts = [_size(cells.get((category, verdict), Counts()).bytes, verdict) for verdict in Verdict]
        made.add_row(category, f"{total.flows:,}", f"{total.packets:,}", decimal(total.bytes), *verdicts)
    return made


def _applications(snapshot: Snapshot) -> Table:
    named = (row for row in snapshot.classes if row.flow_class.application != "unknown")
    totals = _by_bytes(total_by(named, lambda row: (row.flow_class.application, row.flow_class.category)))
    title = f"Applications ({min(TOP_APPLICATIONS, len(totals))} of {len(totals)})"
    made = table(title, "application", "category", "flows", "received", "sent", numbers_from=2)
    for (application, category), total in totals[:TOP_APPLICATIONS]:
        made.add_row(
            application, category, f"{total.flows:,}", decimal(total.received_bytes), decimal(total.sent_bytes)
        )
    return made


def _verdicts(snapshot: Snapshot) -> Table:
    totals = total_by(snapshot.classes, lambda row: row.verdict)
    octets = sum(total.bytes for total in totals.values())
    made = table("Verdicts", "verdict", "flows", "packets", "bytes", "share of bytes", numbers_from=1)
    for verdict in Verdict:
        if total := totals.get(verdict):
            style = VERDICT_STYLES[verdict]
            part = _share(total.bytes, octets)
            made.add_row(Text(verdict, style), f"{total.flows:,}", f"{total.packets:,}", decimal(total.bytes), part)
    return made


def _evidence(snapshot: Snapshot) -> Table:
    totals = total_by(snapshot.classes, lambda row: row.flow_class.evidence)
    flows = sum(total.flows for total in totals.values())
    made = table("What names rest on", "evidence", "flows", "share of flows", "bytes", numbers_from=1)
    for evidence in Evidence:
        if total := totals.get(evidence):
            made.add_row(evidence, f"{total.flows:,}", _share(total.flows, flows), decimal(total.bytes))
    return made


def _opened(snapshot: Snapshot) -> Table:
    total = _total(snapshot)
    made = table("Payload", "", "bytes", "share", numbers_from=1)
    if not total.payload_bytes:
        return made
    made.add_row("left unopened", decimal(total.unopened_bytes), _share(total.unopened_bytes, total.payload_bytes))
    made.add_row("opened", decimal(total.opened_bytes), _share(total.opened_bytes, total.payload_bytes))
    for what, count in sorted(snapshot.opened_bytes.items(), key=lambda item: -item[1]):
        if count:
            made.add_row(f"  {what}", decimal(count), _share(count, total.payload_bytes))
    return made


def _lines(report: ReplayReport) -> Iterator[Text]:
    gate = report.snapshot.gate
    sums = (
        f"{gate.seen_packets:,} packets seen = {gate.settled_packets:,} counted + {gate.unsettled_packets:,} unsettled"
        f" + {gate.untracked_packets:,} untracked + {gate.undecodable_packets:,} undecodable"
    )
    if gate.missing_packets or gate.missing_bytes:
        missing = f"{gate.missing_packets:,} packets and {gate.missing_bytes:,} bytes are missing"
        yield Text(f"NOT conserved: {sums}; {missing}", "bold red")
    else:
        yield Text(f"Conserved: {sums}; {decimal(gate.seen_bytes)}, to the byte")
    met = {limit: times for limit, times in report.snapshot.limits.items() if times}
    if met:
        yield Text("Limits met: " + ", ".join(f"{limit} {times:,} times" for limit, times in met.items()), "yellow")
    pace = f", {report.cpu_s / gate.seen_packets * 1e6:.2f} s a million packets" if gate.seen_packets else ""
    files = f"{len(report.files):,} files" if len(report.files) != 1 else "1 file"
    yield Text(f"{files} in {report.elapsed_s:.2f} s ({report.cpu_s:.2f} s of CPU{pace})")


def _total(snapshot: Snapshot) -> Counts:
    return sum((row.counts for row in snapshot.classes), Counts())


def _size(count: int, verdict: Verdict) -> Text:
    return Text(decimal(count), VERDICT_STYLES[verdict]) if count else Text("–", "dim")


def _share(part: int, whole: int) -> str:
    return share(part, whole, 2) if whole else "–"


def _by_bytes(totals: Mapping[Key, Counts]) -> list[tuple[Key, Counts]]:
    return sorted(totals.items(), key=lambda item: -item[1].bytes)
