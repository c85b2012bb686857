"""A replayed capture -> the text that is kept of it: what was counted, under which class and verdict, and what was opened."""

from collections.abc import Iterable, Sequence
from ipaddress import ip_address

from agent.flow import Endpoints
from agent.pipeline import FlowRecord
from agent.snapshot import ClassCounts
from tests.conserved import Played

_CLASS_HEAD = ("segment", "application", "category", "protocol", "evidence", "account", "verdict")
_COUNT_HEAD = ("flows", "sent", "received", "sent bytes", "received bytes", "payload", "opened")
_FLOW_HEAD = ("client", "server", "vlan", "sent", "received", "sent bytes", "received bytes", "names")


def ledger_text(played: Played, *, flows: bool) -> str:
    """The text; with `flows`, a line for each flow too."""
    snapshot, gate = played.snapshot, played.snapshot.gate
    parts = [
        _pairs(
            ("seen", f"{gate.seen_packets} packets, {gate.seen_bytes} bytes"),
            ("settled", f"{gate.settled_packets} packets, {gate.settled_bytes} bytes"),
            ("undecodable", f"{gate.undecodable_packets} packets, {gate.undecodable_bytes} bytes"),
            ("opened", _met(snapshot.opened_bytes.items())),
            ("handshakes", _met((" ".join(key), count) for key, count in snapshot.handshakes.items())),
            ("rules", _met((f"{rule} ({verdict})", count) for (rule, verdict), count in snapshot.rule_matches.items())),
            ("limits met", _met(snapshot.limits.items())),
        ),
        _table((*_CLASS_HEAD, *_COUNT_HEAD), sorted(map(_class_row, snapshot.classes))),
    ]
    if flows:
        parts.append(_table(_FLOW_HEAD, map(_flow_row, played.records)))
    return "\n".join(parts)


def _class_row(line: ClassCounts) -> tuple[str, ...]:
    found, counts = line.flow_class, line.counts
    names = (found.segment, found.application, found.category, found.protocol, found.evidence, found.account)
    numbers = (
        *(counts.flows, counts.sent_packets, counts.received_packets, counts.sent_bytes, counts.received_bytes),
        *(counts.payload_bytes, counts.opened_bytes),
    )
    return *map(str, names), str(line.verdict), *map(str, numbers)


def _flow_row(record: FlowRecord) -> tuple[str, ...]:
    ends = record.flow.ends
    vlan = "-" if record.flow.vlan is None else str(record.flow.vlan)
    counts = map(str, (*record.packets, *record.bytes))
    return *_ends(ends), vlan, *counts, " ".join(record.hostnames) or "-"


def _ends(ends: Endpoints) -> tuple[str, str]:
    if not ends.client:
        return "-", "-"
    sides = ((ends.client, ends.client_port), (ends.server, ends.server_port))
    client, server = (f"{ip_address(address)} {port}" for address, port in sides)
    return client, server


def _met(counts: Iterable[tuple[str, int]]) -> str:
    """Those that are not 0, by name."""
    return ", ".join(f"{name} {count}" for name, count in sorted(counts) if count) or "-"


def _pairs(*lines: tuple[str, str]) -> str:
    width = max(len(name) for name, _ in lines)
    return "".join(f"{name:<{width}}  {value}\n" for name, value in lines)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns of text to the left, numbers to the right."""
    table = [head, *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = []
    for row in table:
        cells = [
            cell.rjust(width) if cell.isdigit() else cell.ljust(width) for cell, width in zip(row, widths, strict=True)
        ]
        lines.append("  ".join(cells).rstrip() + "\n")
    return "".join(lines)
