"""Replay report -> one JSON document for machines."""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields

from agent.flow import FlowClass
from agent.replay import ReplayReport
from agent.snapshot import Counts

# asdict, which looks for further dataclasses in each value, takes 15 us for a row; a replay has a thousand.
_CLASS = tuple(field.name for field in fields(FlowClass))
_COUNTS = tuple(field.name for field in fields(Counts))


def document(report: ReplayReport) -> dict[str, object]:
    """The report as a JSON object. Keys may be added; none is renamed or taken away.

    `traffic` has an object for each class and verdict; its numbers, and the totals beside it, are those of
    agent.snapshot.Counts. `gate` is agent.snapshot.GateTotals. Bytes are frame bytes on the wire unless they are called
    payload, opened or unopened; times are in seconds.
    """
    snapshot = report.snapshot
    return {
        **_numbers(sum((row.counts for row in snapshot.classes), Counts())),
        "elapsed_s": round(report.elapsed_s, 6),
        "cpu_s": round(report.cpu_s, 6),
        "files": [{**asdict(file), "path": str(file.path)} for file in report.files],
        "traffic": [
            {name: getattr(row.flow_class, name) for name in _CLASS} | {"verdict": row.verdict} | _numbers(row.counts)
            for row in snapshot.classes
        ],
        "opened": dict(snapshot.opened_bytes),
        "rules": [
            {"rule": rule, "verdict": verdict, "flows": flows}
            for (rule, verdict), flows in snapshot.rule_matches.items()
        ],
        "handshakes": [
            {"protocol": protocol, "result": result, "count": count}
            for (protocol, result), count in snapshot.handshakes.items()
        ],
        "limits": dict(snapshot.limits),
        "gate": {
            **asdict(snapshot.gate),
            "missing_packets": snapshot.gate.missing_packets,
            "missing_bytes": snapshot.gate.missing_bytes,
        },
    }


def written(made: Mapping[str, object]) -> str:
    """The document as text, a line for each member of its lists.

    So the encoder in C writes it; json.dumps with an indentation is Python, and takes 20 ms for a thousand rows.
    """
    parts = []
    for key, value in made.items():
        text = (
            "[\n    " + ",\n    ".join(map(json.dumps, value)) + "\n  ]"
            if isinstance(value, list)
            else json.dumps(value)
        )
        parts.append(f"  {json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(parts) + "\n}"


def _numbers(counts: Counts) -> dict[str, int]:
    return {name: getattr(counts, name) for name in _COUNTS} | {"unopened_bytes": counts.unopened_bytes}
