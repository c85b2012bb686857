"""A snapshot and what came in the last seconds -> everything that is shown of this moment."""

from collections.abc import Callable, Mapping

from agent import __version__
from agent.flow import Evidence
from agent.history import Recent, Use
from agent.now import InForce, Line, Now
from agent.quantities import title
from agent.snapshot import Snapshot
from agent.verdict import Verdict

_Name = tuple[str, str]
"""(identifier, category)"""


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
    uses, evidence, opened, payload = _sums(snapshot)
    limits = {**other_limits, **snapshot.limits}
    verdicts = dict.fromkeys(Verdict, 0)
    for (_, _, verdict), (_, sent, received) in uses.items():
        verdicts[verdict] += sent + received
    return Now(
        version=__version__,
        time_s=snapshot.time_ns / 1e9,
        waiting=waiting,
        span_s=recent.span_ns / 1e9,
        flows=sum(evidence.values()),
        opened_bytes=opened,
        unopened_bytes=payload - opened,
        opened_bytes_per_s=recent.per_second(recent.opened_bytes),
        unopened_bytes_per_s=recent.per_second(recent.unopened_bytes),
        gate=snapshot.gate,
        verdicts=verdicts,
        verdicts_per_s=_rates(recent, lambda _use: ("", "")).get(("", ""), dict.fromkeys(Verdict, 0.0)),
        categories=_lines(uses, recent, lambda use: (use[1], use[1]), {}),
        applications=_lines(uses, recent, lambda use: (use[0], use[1]), titles),
        evidence={found: evidence[found] for found in Evidence if found in evidence},
        opened=dict(sorted(snapshot.opened_bytes.items(), key=lambda item: (-item[1], item[0]))),
        limits={limit: times for limit, times in sorted(limits.items()) if times},
        policy=policy,
    )


def _sums(snapshot: Snapshot) -> tuple[Mapping[Use, list[int]], Mapping[str, int], int, int]:
    """(flows, sent bytes, received bytes) by use, flows by evidence, opened bytes and payload bytes: in one pass.

    It is made between two fetches of slices while somebody looks at the page, and a district has thousands of classes:
    sums of whole Counts would take twenty times as long.
    """
    uses: dict[Use, list[int]] = {}
    evidence: dict[str, int] = {}
    opened = payload = 0
    for row in snapshot.classes:
        seen, counts = row.flow_class, row.counts
        use = (seen.application, seen.category, row.verdict)
        line = uses.get(use)
        if line is None:
            line = uses[use] = [0, 0, 0]
        line[0] += counts.flows
        line[1] += counts.sent_bytes
        line[2] += counts.received_bytes
        evidence[seen.evidence] = evidence.get(seen.evidence, 0) + counts.flows
        opened += counts.opened_bytes
        payload += counts.payload_bytes
    return uses, evidence, opened, payload


def _lines(
    uses: Mapping[Use, list[int]], recent: Recent, name_of: Callable[[Use], _Name], titles: Mapping[str, str]
) -> tuple[Line, ...]:
    """A line for each name, the largest first."""
    totals: dict[_Name, list[int]] = {}
    cells: dict[_Name, dict[Verdict, int]] = {}
    for use, amounts in uses.items():
        name = name_of(use)
        totals[name] = [sum(pair) for pair in zip(totals.get(name, (0, 0, 0)), amounts, strict=True)]
        cells.setdefault(name, dict.fromkeys(Verdict, 0))[use[2]] += amounts[1] + amounts[2]
    rates, still = _rates(recent, name_of), dict.fromkeys(Verdict, 0.0)
    lines = [
        Line(
            name=name[0],
            title=titles.get(name[0]) or title(name[0]),
            category=name[1],
            flows=flows,
            sent_bytes=sent,
            received_bytes=received,
            bytes_per_s=sum(rates.get(name, still).values()),
            verdicts=cells[name],
            verdicts_per_s=rates.get(name, still),
        )
        for name, (flows, sent, received) in totals.items()
    ]
    return tuple(sorted(lines, key=lambda line: (-line.bytes, line.name, line.category)))


def _rates(recent: Recent, name_of: Callable[[Use], _Name]) -> dict[_Name, dict[Verdict, float]]:
    """Bytes a second under each verdict, by name; a name that did not grow is not there."""
    rates: dict[_Name, dict[Verdict, float]] = {}
    for use, amount in recent.bytes.items():
        rates.setdefault(name_of(use), dict.fromkeys(Verdict, 0.0))[use[2]] += recent.per_second(amount)
    return rates
