"""The last hour -> its charts by verdict and by category, each with its numbers in a table behind it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import tzinfo
from typing import Final

from agent.history import STEP_NS, STEPS, LastHour
from agent.now import Now
from agent.quantities import rate, share, size, title
from agent.verdict import Verdict
from agent.web import charts
from agent.web.elements import Column, Content, Markup, element, hidden, section, swatch, table, time

SPARK_STEPS: Final = 4
"""Steps in one of a small chart: a minute."""
SPAN_STEPS: Final = 20
"""Steps in one column of a table behind a chart: five minutes."""

_NUMBER: Final = "number"

Amounts = Sequence[int]
"""Bytes by step."""


def by_verdict(now: Now, hour: LastHour, zone: tzinfo) -> Markup:
    """The large chart, its legend with numbers, and its table."""
    amounts = {verdict: hour.amounts(verdict) for verdict in Verdict}
    sums = {verdict: sum(line) for verdict, line in amounts.items()}
    total = sum(sums.values())
    legend = table(
        "",
        [Column("Verdict"), Column("Now", _NUMBER), Column("Last hour", _NUMBER), Column("Share", _NUMBER)],
        [
            (
                swatch(verdict, title(verdict)),
                rate(now.verdicts_per_s.get(verdict, 0.0)),
                size(sums[verdict]),
                share(sums[verdict], total) if total else "–",
            )
            for verdict in Verdict
        ],
        kind="legend",
        label="Traffic by verdict, now and over the last hour",
    )
    drawing = charts.stacked(
        {verdict: hour.rates(line) for verdict, line in amounts.items()},
        f"Traffic by verdict over the last hour: {in_words(sums) or 'none yet'}.",
    )
    gaps = element("p", "Grey: the agent was not counting.", class_="quiet")
    lines = [(swatch(verdict, title(verdict)), amounts[verdict]) for verdict in Verdict]
    return section(
        "by-verdict",
        "The last hour, by verdict",
        element("div", Markup(drawing.html + legend.html), class_="plot"),
        *([gaps] if 0 in hour.covered_ns else []),
        _behind("verdict-hour", "Verdict", lines, hour, zone),
    )


def by_category(now: Now, hour: LastHour, zone: tzinfo) -> Markup:
    """A line for each category, the busiest of the last hour first, with a small chart in it; and its table."""
    amounts = {line.name: {verdict: hour.amounts(verdict, line.name) for verdict in Verdict} for line in now.categories}
    sums = {name: {verdict: sum(line) for verdict, line in lines.items()} for name, lines in amounts.items()}
    totals = {name: sum(split.values()) for name, split in sums.items()}
    categories = sorted(now.categories, key=lambda line: (-totals[line.name], -line.bytes, line.name))
    most = max(totals.values(), default=0)
    rows = [
        (
            line.title,
            charts.spark({v: hour.rates(part) for v, part in amounts[line.name].items()}, SPARK_STEPS),
            rate(line.bytes_per_s),
            size(totals[line.name]),
            charts.bar(list(sums[line.name].items()), most),
            in_words(sums[line.name]) or "–",
            f"{line.flows:,}",
            size(line.bytes),
        )
        for line in categories
    ]
    columns = [
        Column("Category"),
        Column("Last hour", "chart"),
        Column("Now", _NUMBER),
        Column("Bytes", _NUMBER),
        Column(hidden("Beside the others"), "chart beside"),
        Column("Judged", "judged"),
        Column("Flows", "number since"),
        Column("Since the start", "number since"),
    ]
    lines = [(line.title, _added(amounts[line.name])) for line in categories]
    return section(
        "by-category",
        "The last hour, by category",
        table(
            "Each small chart has a scale of its own. Colours are the verdicts, as above.",
            columns,
            rows,
            kind="categories",
        ),
        _behind("category-hour", "Category", lines, hour, zone),
    )


def in_words(sums: Mapping[Verdict, int]) -> str:
    """How bytes were judged: permitted 80%, review 20%. Nothing when there are none."""
    total = sum(sums.values())
    judged = {verdict: amount for verdict, amount in sums.items() if amount}
    if len(judged) == 1:
        return str(*judged)
    return ", ".join(f"{verdict} {share(amount, total)}" for verdict, amount in judged.items())


def _behind(
    identifier: str, what: str, lines: Iterable[tuple[Content, Amounts]], hour: LastHour, zone: tzinfo
) -> Markup:
    """The numbers of a chart, five minutes a column, folded away."""
    starts = range(0, STEPS, SPAN_STEPS)
    begin_ns = hour.end_ns - STEPS * STEP_NS
    seen = [sum(hour.covered_ns[at : at + SPAN_STEPS]) for at in starts]
    heads = [time((begin_ns + at * STEP_NS) / 1e9, zone, date=False) for at in starts]
    shown = [index for index, covered in enumerate(seen) if covered]
    rows = [
        [name, *(size(sum(amounts[index * SPAN_STEPS : (index + 1) * SPAN_STEPS])) for index in shown)]
        for name, amounts in lines
        if shown
    ]
    columns = [Column(what), *(Column(heads[index], _NUMBER) for index in shown)]
    numbers = table("Bytes in the five minutes from each time on.", columns, rows)
    return element("details", Markup(element("summary", "The same as numbers").html + numbers.html), id=identifier)


def _added(split: Mapping[Verdict, Amounts]) -> Amounts:
    return tuple(map(sum, zip(*split.values(), strict=True)))
