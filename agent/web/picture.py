"""A snapshot and what came in the last seconds -> everything that is shown of this moment."""

from collections.abc import Callable, Mapping
from typing import Final

from agent import __version__
from agent.flow import Evidence, FlowClass
from agent.history import Recent, Use
from agent.metrics import total_by
from agent.now import InForce, Line, Now
from agent.quantities import title
from agent.snapshot import Counts, Snapshot
from agent.verdict import Verdict

_Name = tuple[str, str]
"""(identifier, category)"""
_NONE: Final = Counts()


def picture(
    snapshot: Snapshot,
    recent: Recent,
    *,
    waiting: str | None,
    policy: InForce | None,
    other_limits: Mapping[str, int],
    titles: Mapping[str, str],
) -> Now:
    """Everything that is shown.

    Args:
        snapshot: The newest counts.
        recent: What came in the last seconds.
        waiting: Why the agent is not ready, or None.
        policy: What traffic is judged by, where that is known.
        other_limits: Limits met that the snapshot does not tell of, by name.
        titles: Of applications, by identifier.
    """
    total = sum((row.counts for row in snapshot.classes), _NONE)
    verdicts = total_by(snapshot.classes, lambda row: row.verdict)
    evidence = total_by(snapshot.classes, lambda row: row.flow_class.evidence)
    limits = {**other_limits, **snapshot.limits}
    return Now(
        version=__version__,
        time_s=snapshot.time_ns / 1e9,
        waiting=waiting,
        span_s=recent.span_ns / 1e9,
        flows=total.flows,
        opened_bytes=total.opened_bytes,
        unopened_bytes=total.unopened_bytes,
        opened_bytes_per_s=recent.per_second(recent.opened_bytes),
        unopened_bytes_per_s=recent.per_second(recent.unopened_bytes),
        gate=snapshot.gate,
        verdicts={verdict: verdicts.get(verdict, _NONE).bytes for verdict in Verdict},
        verdicts_per_s=_rates(recent, lambda _use: ("", "")).get(("", ""), dict.fromkeys(Verdict, 0.0)),
        categories=_lines(snapshot, recent, lambda seen: (seen.category,) * 2, lambda use: (use[1],) * 2, {}),
        applications=_lines(
            *(snapshot, recent),
            lambda seen: (seen.application, seen.category),
            lambda use: (use[0], use[1]),
            titles,
        ),
        evidence={found: evidence[found].flows for found in Evidence if found in evidence},
        opened=dict(sorted(snapshot.opened_bytes.items(), key=lambda item: (-item[1], item[0]))),
        limits={limit: times for limit, times in sorted(limits.items()) if times},
        policy=policy,
    )


def _lines(
    snapshot: Snapshot,
    recent: Recent,
    of_class: Callable[[FlowClass], _Name],
    of_use: Callable[[Use], _Name],
    titles: Mapping[str, str],
) -> tuple[Line, ...]:
    """A line for each name, the largest first."""
    totals = total_by(snapshot.classes, lambda row: of_class(row.flow_class))
    cells = total_by(snapshot.classes, lambda row: (of_class(row.flow_class), row.verdict))
    rates, still = _rates(recent, of_use), dict.fromkeys(Verdict, 0.0)
    lines = [
        Line(
            name=name[0],
            title=titles.get(name[0]) or title(name[0]),
            category=name[1],
            flows=counts.flows,
            sent_bytes=counts.sent_bytes,
            received_bytes=counts.received_bytes,
            bytes_per_s=sum(rates.get(name, still).values()),
            verdicts={verdict: cells.get((name, verdict), _NONE).bytes for verdict in Verdict},
            verdicts_per_s=rates.get(name, still),
        )
        for name, counts in totals.items()
    ]
    return tuple(sorted(lines, key=lambda line: (-line.bytes, line.name, line.category)))


def _rates(recent: Recent, of_use: Callable[[Use], _Name]) -> dict[_Name, dict[Verdict, float]]:
    """Bytes a second under each verdict, by name; a name that did not grow is not there."""
    rates: dict[_Name, dict[Verdict, float]] = {}
    for use, amount in recent.bytes.items():
        rates.setdefault(of_use(use), dict.fromkeys(Verdict, 0.0))[use[2]] += recent.per_second(amount)
    return rates
