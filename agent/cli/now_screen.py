"""What an agent shows now -> tables for a terminal: the headline, categories and applications, the busiest first."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from agent.cli.console import VERDICT_STYLES
from agent.now import Line, Now
from agent.quantities import duration, rate, share, size, title
from agent.verdict import Verdict

MOST_APPLICATIONS: Final = 15
MOST_CATEGORIES: Final = 22
LEAST_LINES: Final = 3
"""Of each table, however small the terminal is."""
AROUND: Final = 16
"""Lines of the screen that are no line of a table."""
NAME_WIDTH: Final = 30
BAR_WIDTH: Final = 20
WIDE: Final = 110
"""Columns from which on there is room for bars and verdicts beside the numbers."""


def screen(now: Now, *, width: int, height: int | None = None, trouble: str = "") -> RenderableType:
    """The screen.

    Args:
        now: What to show.
        width: Columns of the terminal.
        height: Lines of the terminal; None where there is no end.
        trouble: Why this is not the newest, or "".
    """
    categories, applications = MOST_CATEGORIES, MOST_APPLICATIONS
    if height is not None:
        room = height - AROUND
        categories = max(LEAST_LINES, min(categories, len(now.categories), room // 2))
        applications = max(LEAST_LINES, min(applications, room - categories))
    return Group(
        _head(now, trouble),
        Text(),
        _headline(now),
        _verdicts(now),
        Text(),
        _lines("Category", now.categories, categories, wide=width >= WIDE),
        Text(),
        _lines("Application", now.applications, applications, wide=width >= WIDE),
        Text(),
        _gate(now),
    )


def _head(now: Now, trouble: str) -> Text:
    at = datetime.fromtimestamp(now.time_s).astimezone()
    words = Text.assemble(("Hallwatch", "bold"), f" {now.version}")
    if now.policy and now.policy.district:
        words.append(f"  {now.policy.district}")
    if trouble:
        words.append(f"  {trouble}", "red")
    elif now.waiting is not None:
        words.append(f"  not ready: {now.waiting}", "red")
    else:
        words.append("  counting", "green")
    if now.policy and not now.policy.reloaded:
        words.append("  the newest reload was refused", "red")
    return words.append(f"  {at:%Y-%m-%d %H:%M:%S %Z}")


def _headline(now: Now) -> Text:
    payload = now.opened_bytes + now.unopened_bytes
    if not payload:
        return Text("No payload has been seen yet.")
    return Text.assemble(
        (share(now.unopened_bytes, payload, 2), "bold green"),
        f" of payload left unopened: {size(now.unopened_bytes)}. Opened, to name {now.flows:,} flows: ",
        f"{size(now.opened_bytes)}, now {rate(now.opened_bytes_per_s)}.",
    )


def _verdicts(now: Now) -> Text:
    words = Text.assemble(("Now ", ""), (rate(now.bytes_per_s), "bold"))
    for verdict in Verdict:
        words.append("   ").append("■ ", VERDICT_STYLES[verdict])
        words.append(f"{verdict} {rate(now.verdicts_per_s.get(verdict, 0.0))}")
    return words


def _lines(heading: str, lines: Sequence[Line], most: int, *, wide: bool) -> Table:
    busiest = sorted(lines, key=lambda line: (-line.bytes_per_s, -line.bytes, line.name))
    top = max((line.bytes_per_s for line in busiest), default=0.0)
    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    made.add_column(heading, width=NAME_WIDTH, no_wrap=True, overflow="ellipsis")
    made.add_column("Now", width=11, justify="right", no_wrap=True)
    if wide:
        made.add_column("", width=BAR_WIDTH, no_wrap=True)
    made.add_column("Flows", width=9, justify="right", no_wrap=True)
    made.add_column("Since start", width=11, justify="right", no_wrap=True)
    if wide:
        made.add_column("Mostly", no_wrap=True)
    for line in busiest[:most]:
        bar, judged = [_bar(line.verdicts_per_s, top)], [_judged(line.verdicts)]
        numbers = (f"{line.flows:,}", size(line.bytes))
        made.add_row(line.title, rate(line.bytes_per_s), *bar * wide, *numbers, *judged * wide)
    if not lines:
        made.add_row("Nothing yet.")
    return made


def _bar(split: Mapping[Verdict, float], whole: float) -> Text:
    """A bar that is full at `whole`, in the verdicts' colours; the numbers stand beside it."""
    drawn, start = Text(), 0.0
    for verdict, amount in split.items():
        end = start + (BAR_WIDTH * amount / whole if whole else 0.0)
        end = min(max(end, 0.0), BAR_WIDTH)  # whatever an agent says, it fits
        drawn.append("━" * (round(end) - round(start)), VERDICT_STYLES[verdict])
        start = end
    return drawn


def _judged(split: Mapping[Verdict, int]) -> str:
    """The verdict of most of it, and how much that is."""
    total = sum(split.values())
    if not total:
        return ""
    verdict = max(split, key=lambda each: split[each])
    return f"{verdict} {share(split[verdict], total)}"


def _gate(now: Now) -> Text:
    gate = now.gate
    kept = "the kernel" if gate.kind == "kernel" else "the agent's process"
    fill = f"{gate.active_flows:,} of {gate.max_flows:,} rows" if gate.max_flows else f"{gate.active_flows:,} rows"
    words = Text(f"Gate in {kept}   table {fill}   frames seen {gate.seen_packets:,}   ")
    words.append(f"lost before the gate {gate.dropped_packets:,}", "red" if gate.dropped_packets else "")
    words.append("   ").append(f"untracked {gate.untracked_packets:,}", "red" if gate.untracked_packets else "")
    if gate.missing_packets or gate.missing_bytes:
        words.append(f"   unaccounted for {gate.missing_packets:,}: a defect", "red")
    if now.limits:
        met = ", ".join(f"{title(limit)} {times:,}" for limit, times in now.limits.items())
        words.append(f"\nLimits met: {met}")
    if now.policy:
        words.append(f"\n{now.policy.rules:,} rules, loaded {duration(now.time_s - now.policy.loaded_s)} ago")
    return words
