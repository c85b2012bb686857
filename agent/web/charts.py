"""Rates over the last hour -> charts as SVG, drawn on the server so that they are there without scripts.

Sizes come from the style sheet: a drawing stretches to its box, and holds no text that would stretch with it. Colours
come from the style sheet too, by the class of each verdict; the Content-Security-Policy lets no style stand here.
"""

import math
from collections.abc import Mapping, Sequence
from html import escape
from itertools import groupby
from typing import Final

from agent.quantities import rate
from agent.verdict import Verdict
from agent.web.elements import Markup

_HEIGHT: Final = 1_000
"""Units from bottom to top, so that whole numbers are fine enough."""
_SPARK_HEIGHT: Final = 100

Rates = Sequence[float | None]
"""Bytes a second by step; None where nothing was observed."""


def ceiling(most: float) -> float:
    """The end of a scale: a rate in bits with one digit, or 1.5 times a power of ten, not below the given one."""
    bits = max(most * 8, 1_000.0)
    power = 10.0 ** math.floor(math.log10(bits))
    return next(factor * power for factor in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if bits <= factor * power * 1.000001) / 8


def stacked(series: Mapping[Verdict, Rates], label: str) -> Markup:
    """The large chart: an area for each verdict, one on the other, with its scale beside it."""
    tops = _stack(series)
    top = ceiling(max(tops[-1][1], default=0.0) if tops else 0.0)
    marks = "".join(f"<span>{rate(top * part)}</span>" for part in (1, 0.5)) + "<span>0</span>"
    lines = "".join(f'<path class="grid" d="M0 {y}h{_steps(series)}"/>' for y in (0, _HEIGHT // 2, _HEIGHT))
    quarters = (_steps(series) * quarter // 4 for quarter in range(5))
    lines += "".join(f'<path class="grid" d="M{x} 0v{_HEIGHT}"/>' for x in quarters)
    drawn = _unseen(next(iter(series.values()), ()), _HEIGHT) + lines + _areas(tops, top, _HEIGHT)
    return Markup(
        f'<div class="drawing"><div class="scale" aria-hidden="true">{marks}</div>'
        f'<svg viewBox="0 0 {_steps(series)} {_HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(label)}">{drawn}</svg>'
        '<div class="hours" aria-hidden="true"><span>60 min</span><span>45</span><span>30</span>'
        "<span>15<i>now</i></span></div></div>"
    )


def spark(series: Mapping[Verdict, Rates], every: int) -> Markup:
    """A small chart on a scale of its own: the shape of an hour, beside the numbers that say how much.

    Args:
        series: What to draw.
        every: How many steps become one.
    """
    coarse = {verdict: _coarse(rates, every) for verdict, rates in series.items()}
    tops = _stack(coarse)
    most = max(tops[-1][1], default=0.0) if tops else 0.0
    drawn = _areas(tops, most, _SPARK_HEIGHT) if most else ""
    return Markup(
        f'<svg class="spark" viewBox="0 0 {_steps(coarse)} {_SPARK_HEIGHT}" preserveAspectRatio="none" '
        f'aria-hidden="true"><path class="grid" d="M0 {_SPARK_HEIGHT}h{_steps(coarse)}"/>{drawn}</svg>'
    )


def bar(parts: Sequence[tuple[str, float]], whole: float) -> Markup:
    """A bar that is full at `whole`, of parts with their classes."""
    drawn, start = [], 0.0
    for kind, amount in parts:
        width = 100 * amount / whole if whole else 0.0
        if width:
            drawn.append(f'<rect class="{escape(kind)}" x="{start:.2f}%" width="{width:.2f}%" height="100%"/>')
        start += width
    return Markup(f'<svg class="bar" aria-hidden="true">{"".join(drawn)}</svg>')


def _stack(series: Mapping[Verdict, Rates]) -> list[tuple[Verdict, list[float]]]:
    """Each verdict with the upper edge of its area; what never occurred is left out."""
    tops: list[tuple[Verdict, list[float]]] = []
    for verdict in Verdict:
        rates = [amount or 0.0 for amount in series.get(verdict, ())]
        if any(rates):
            below = tops[-1][1] if tops else [0.0] * len(rates)
            tops.append((verdict, [sum(pair) for pair in zip(below, rates, strict=True)]))
    return tops


def _areas(tops: Sequence[tuple[Verdict, Sequence[float]]], most: float, height: int) -> str:
    """The highest edge is drawn first, and each lower area over it."""
    return "".join(f'<path class="{verdict}" d="{_outline(edge, most, height)}"/>' for verdict, edge in reversed(tops))


def _outline(edge: Sequence[float], most: float, height: int) -> str:
    """An area from the ground up to an edge, in steps."""
    levels = [round(height * value / most) for value in edge]
    drawn, level = [f"M0 {height}"], 0
    for wanted, run in groupby(levels):
        if wanted != level:
            drawn.append(f"v{level - wanted}")
            level = wanted
        drawn.append(f"h{len(list(run))}")
    return f"{''.join(drawn)}V{height}z"


def _unseen(rates: Rates, height: int) -> str:
    """Where nothing was observed: before the start, or while the agent was stopped."""
    drawn, start = [], 0
    for missing, run in groupby(amount is None for amount in rates):
        width = len(list(run))
        if missing:
            drawn.append(f'<rect class="unseen" x="{start}" width="{width}" height="{height}"/>')
        start += width
    return "".join(drawn)


def _coarse(rates: Rates, every: int) -> list[float | None]:
    """The mean of each run of steps, of those that were observed."""
    found: list[float | None] = []
    for at in range(0, len(rates), every):
        seen = [amount for amount in rates[at : at + every] if amount is not None]
        found.append(sum(seen) / len(seen) if seen else None)
    return found


def _steps(series: Mapping[Verdict, Rates]) -> int:
    return max((len(rates) for rates in series.values()), default=1)
