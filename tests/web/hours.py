"""An hour of a school's traffic, made up: snapshots for what shows the last hour."""

from collections.abc import Iterator

from agent.flow import Account, Evidence, FlowClass
from agent.history import STEP_NS, History
from agent.snapshot import ClassCounts, Counts, GateTotals, Snapshot
from agent.verdict import Verdict

END_NS = 1_795_446_000_000_000_000
"""2026-11-23, 10:00 in New York."""
TICKS = 720
"""Of five seconds each."""
TICK_NS = 5_000_000_000
BELL = 360
"""The tick at which lessons begin: what was permitted to students is prohibited from then on."""

USES = (
    ("canvas", "education", Evidence.SNI, 900_000, Verdict.PERMITTED, Verdict.PERMITTED),
    ("youtube", "video_streaming", Evidence.QUIC, 2_400_000, Verdict.PERMITTED, Verdict.PROHIBITED),
    ("tiktok", "social_networking", Evidence.QUIC, 700_000, Verdict.PERMITTED, Verdict.PROHIBITED),
    ("amazon", "retail", Evidence.SNI, 150_000, Verdict.INCIDENTAL, Verdict.INCIDENTAL),
    ("chatgpt", "generative_ai", Evidence.SNI, 120_000, Verdict.REVIEW, Verdict.REVIEW),
    ("zoom", "video_conferencing", Evidence.DNS, 1_100_000, Verdict.PERMITTED, Verdict.PERMITTED),
    ("microsoft_365", "cloud_collaboration", Evidence.SNI, 600_000, Verdict.PERMITTED, Verdict.PERMITTED),
    ("unknown", "unclassified", Evidence.NONE, 300_000, Verdict.PERMITTED, Verdict.PERMITTED),
)
"""application, category, evidence, bytes a second, verdict before the bell and after it"""


def snapshots() -> Iterator[Snapshot]:
    """One for each tick; counts only grow."""
    counts: dict[tuple[int, Verdict], int] = {}
    for tick in range(TICKS):
        for number, (_, _, _, per_s, before, after) in enumerate(USES):
            use = number, before if tick < BELL else after
            swing = 0.6 + 0.4 * ((tick * (number + 3)) % 60) / 60
            counts[use] = counts.get(use, 0) + int(per_s * 5 * swing)
        rows = tuple(
            ClassCounts(
                FlowClass("students", USES[number][0], USES[number][1], "tls", USES[number][2], Account.UNKNOWN),
                verdict,
                Counts(tick + 1, tick, tick, amount // 10, amount - amount // 10, amount * 9 // 10, amount // 400),
            )
            for (number, verdict), amount in counts.items()
        )
        seen = sum(row.counts.bytes for row in rows)
        gate = GateTotals(
            *("kernel", seen // 800, seen, seen // 800, seen),
            active_flows=4_211,
            max_flows=262_144,
        )
        yield Snapshot(
            END_NS - (TICKS - tick) * TICK_NS, gate, rows, opened_bytes={"tls": seen // 500, "quic": seen // 900}
        )


def an_hour() -> tuple[Snapshot, History]:
    """The last snapshot, and the history of all."""
    history = History()
    last = None
    for last in snapshots():
        history.add(last)
    assert last is not None
    assert last.time_ns // STEP_NS > 0
    return last, history
