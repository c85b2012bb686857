"""Snapshot -> the landing page, as HTML that is whole without scripts, fonts or images from elsewhere."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from html import escape
from importlib import resources
from string import Template
from typing import TypeVar

from rich.filesize import decimal

from agent import __version__
from agent.flow import Evidence
from agent.metrics import total_by
from agent.snapshot import ClassCounts, Counts, GateTotals, Snapshot
from agent.verdict import Verdict

TOP_APPLICATIONS = 15

MEANINGS = {
    Evidence.SNI: "the name in a TLS handshake",
    Evidence.QUIC: "the name in a QUIC handshake",
    Evidence.HOST: "the Host line of a plain HTTP request",
    Evidence.DNS: "a DNS answer that gave this address for a name",
    Evidence.ECH: "an encrypted handshake: only the provider is known",
    Evidence.ADDRESS: "a published list of addresses",
    Evidence.PROTOCOL: "the protocol itself; there is no name",
    Evidence.NONE: "nothing: it could not be named",
}
"""What a name rests on, for people."""

Key = TypeVar("Key")

_TEMPLATE = Template(resources.files(__package__).joinpath("page.html").read_text("utf-8"))


def render(snapshot: Snapshot | None, waiting: str | None) -> bytes:
    """The page: all counts of `snapshot`, and why the daemon is not ready, if it is not."""
    parts = [] if waiting is None else [f'<section class="notice" role="status">Not ready: {escape(waiting)}</section>']
    if snapshot is None:
        parts.append("<section><p>Nothing has been counted yet.</p></section>")
    else:
        parts += [
            _headline(snapshot),
            _categories(snapshot.classes),
            _applications(snapshot.classes),
            '<div class="pair">',
            _evidence(snapshot.classes),
            _opened(snapshot),
            "</div>",
            _gate(snapshot.gate),
        ]
    return _TEMPLATE.substitute(main="\n".join(parts), version=escape(__version__)).encode()


def _headline(snapshot: Snapshot) -> str:
    total = sum((row.counts for row in snapshot.classes), Counts())
    share = f"{total.unopened_bytes / total.payload_bytes:.3%}" if total.payload_bytes else "100%"
    when = datetime.fromtimestamp(snapshot.time_ns / 1e9).astimezone()
    figures = (
        (decimal(total.unopened_bytes), f"of payload left unopened ({share})"),
        (decimal(total.opened_bytes), f"opened, to name {total.flows:,} flows"),
        (f"{snapshot.gate.active_flows:,}", "flows in the table now"),
    )
    return (
        '<section aria-label="In short"><div class="figures">'
        + "".join(f'<div class="figure"><strong>{value}</strong><p>{text}</p></div>' for value, text in figures)
        + f'</div><p class="quiet">As of <time datetime="{when.isoformat()}">{when:%Y-%m-%d %H:%M:%S %Z}</time>.'
        " Counts are since the start.</p></section>"
    )


def _categories(classes: Sequence[ClassCounts]) -> str:
    cells = total_by(classes, lambda row: (row.flow_class.category, row.verdict))
    categories = _by_bytes(total_by(classes, lambda row: row.flow_class.category))
    most = categories[0][1].bytes if categories else 0
    rows = []
    for category, total in categories:
        verdicts = {verdict: cells.get((category, verdict), Counts()).bytes for verdict in Verdict}
        numbers = [f"{total.flows:,}", decimal(total.bytes), *(decimal(n) if n else "–" for n in verdicts.values())]
        rows.append(_row(_words(category), numbers, last=_bar(verdicts, most)))
    headings = [f'<span class="{verdict}" aria-hidden="true">■</span> {verdict}' for verdict in Verdict]
    return _table(
        "Traffic by category and verdict",
        "Bytes on the wire, both ways.",
        _headings(["Category"], ["Flows", "All", *headings], '<span aria-hidden="true"></span>'),
        rows,
    )


def _applications(classes: Sequence[ClassCounts]) -> str:
    named = (row for row in classes if row.flow_class.application != "unknown")
    totals = _by_bytes(total_by(named, lambda row: (row.flow_class.application, row.flow_class.category)))
    rows = [
        _row(
            _words(application),
            [f"{total.flows:,}", decimal(total.received_bytes), decimal(total.sent_bytes)],
            texts=[_words(category)],
        )
        for (application, category), total in totals[:TOP_APPLICATIONS]
    ]
    return _table(
        "Applications",
        f"The {TOP_APPLICATIONS} with most bytes, of {len(totals)} seen.",
        _headings(["Application", "Category"], ["Flows", "Received", "Sent"]),
        rows,
    )


def _evidence(classes: Sequence[ClassCounts]) -> str:
    totals = total_by(classes, lambda row: row.flow_class.evidence)
    flows = sum(total.flows for total in totals.values())
    rows = [
        _row(
            evidence,
            [f"{totals[evidence].flows:,}", f"{totals[evidence].flows / flows:.1%}" if flows else "–"],
            last=escape(MEANINGS[evidence]),
        )
        for evidence in Evidence
        if evidence in totals
    ]
    return _table(
        "What names rest on",
        "Best evidence first.",
        _headings(["Evidence"], ["Flows", "Share"], "From"),
        rows,
    )


def _opened(snapshot: Snapshot) -> str:
    rows = [
        _row(_words(what), [decimal(count)])
        for what, count in sorted(snapshot.opened_bytes.items(), key=lambda item: (-item[1], item[0]))
    ]
    return _table(
        "What was opened",
        "Introductions only; a flow that has been named is sealed.",
        _headings(["Introduction"], ["Bytes"]),
        rows,
    )


def _gate(gate: GateTotals) -> str:
    kept = "in the kernel" if gate.kind == "kernel" else "in this process"
    rows = [
        _row(name, [f"{packets:,}", size])
        for name, packets, size in (
            ("seen", gate.seen_packets, decimal(gate.seen_bytes)),
            ("counted under a class", gate.settled_packets, decimal(gate.settled_bytes)),
            ("of flows without a class yet", gate.unsettled_packets, decimal(gate.unsettled_bytes)),
            ("not tracked, table full", gate.untracked_packets, decimal(gate.untracked_bytes)),
            ("not decodable", gate.undecodable_packets, decimal(gate.undecodable_bytes)),
            ("lost before the gate", gate.dropped_packets, "–"),
        )
    ]
    if gate.missing_packets or gate.missing_bytes:
        law = f'<span class="bad">{gate.missing_packets:,} frames are not accounted for: this is a defect.</span>'
    else:
        law = "Every frame seen is accounted for."
    return _table(
        "The gate", f"Payloads are kept {kept}. {law}", _headings(["What became of them"], ["Frames", "Bytes"]), rows
    )


def _table(title: str, caption: str, headings: str, rows: Iterable[str]) -> str:
    """A section with one table. `caption`, `headings` and `rows` are HTML."""
    body = "".join(rows) or '<tr><td class="long">Nothing yet.</td></tr>'
    return (
        f'<section><h2>{escape(title)}</h2><div class="scroll"><table><caption>{caption}</caption>'
        f"<thead>{headings}</thead><tbody>{body}</tbody></table></div></section>"
    )


def _headings(texts: Sequence[str], numbers: Sequence[str], last: str | None = None) -> str:
    cells = [f'<th scope="col">{text}</th>' for text in texts]
    cells += [f'<th scope="col" class="number">{text}</th>' for text in numbers]
    if last is not None:
        cells.append(f'<th scope="col">{last}</th>')
    return f"<tr>{''.join(cells)}</tr>"


def _row(name: str, numbers: Sequence[str], *, texts: Sequence[str] = (), last: str | None = None) -> str:
    """A table row. `last` is HTML; everything else is escaped."""
    cells = [f'<th scope="row">{escape(name)}</th>']
    cells += [f"<td>{escape(text)}</td>" for text in texts]
    cells += [f'<td class="number">{escape(number)}</td>' for number in numbers]
    if last is not None:
        cells.append(f'<td class="long">{last}</td>')
    return f"<tr>{''.join(cells)}</tr>"


def _bar(verdicts: Mapping[Verdict, int], most: int) -> str:
    """A bar as long as the row's share of the largest row, in the verdicts' colours; the numbers stand beside it."""
    parts, start = [], 0.0
    for verdict, count in verdicts.items():
        width = 100 * count / most if most else 0
        parts.append(f'<rect class="{verdict}" x="{start:.2f}%" width="{width:.2f}%" height="100%"/>')
        start += width
    return f'<svg class="bar" aria-hidden="true">{"".join(parts)}</svg>'


def _by_bytes(totals: Mapping[Key, Counts]) -> list[tuple[Key, Counts]]:
    return sorted(totals.items(), key=lambda item: -item[1].bytes)


def _words(identifier: str) -> str:
    """social_networking -> social networking."""
    return identifier.replace("_", " ")
