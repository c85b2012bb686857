"""Tests of the snapshot: sums of counts, and of several taps."""

from dataclasses import replace

from agent.flow import Evidence
from agent.snapshot import ClassCounts, Counts, GateTotals, Snapshot, merged
from agent.verdict import Verdict
from tests.plain_policy import named

CHAT, NEWS = (named(name, Evidence.SNI, "tls") for name in ("chat", "news"))
GATE = GateTotals(
    *("kernel", 100, 9000, 60, 5000, 20, 2000, 15, 1500, 5, 500),
    dropped_packets=7,
    active_flows=3,
)


def test_counts_add_up() -> None:
    """Every field is added; packets, bytes and what stayed unopened follow."""
    total = Counts(1, 2, 3, 4, 5, 60, 7) + Counts(10, 20, 30, 40, 50, 600, 70)

    assert Counts(11, 22, 33, 44, 55, 660, 77) == total
    assert (55, 99, 583) == (total.packets, total.bytes, total.unopened_bytes)


def test_nothing_is_missing() -> None:
    """Settled, unsettled, untracked and undecodable frames are all there is; drops before the gate are no part of it."""
    assert (0, 0) == (GATE.missing_packets, GATE.missing_bytes)


def test_what_is_missing_shows() -> None:
    """A frame or a byte that no account has is told, and one too many as well."""
    for name in ("settled", "unsettled", "untracked", "undecodable"):
        packets, octets = f"{name}_packets", f"{name}_bytes"
        short = replace(GATE, **{packets: getattr(GATE, packets) - 1, octets: getattr(GATE, octets) + 60})
        assert (1, -60) == (short.missing_packets, short.missing_bytes)


def test_merging_taps() -> None:
    """Equal classes under equal verdicts add up, others stand side by side, and so do all mappings."""
    first = Snapshot(
        time_ns=5,
        gate=GATE,
        classes=(
            ClassCounts(CHAT, Verdict.REVIEW, Counts(1, 1)),
            ClassCounts(NEWS, Verdict.PERMITTED, Counts(2, 2)),
        ),
        active_flows={"named": 1},
        opened_bytes={"tls": 10},
        rule_matches={("r", Verdict.REVIEW): 1},
        handshakes={("tls", "read"): 1},
        limits={"classes": 1},
    )
    second = Snapshot(
        time_ns=3,
        gate=GATE,
        classes=(
            ClassCounts(CHAT, Verdict.REVIEW, Counts(10, 10)),
            ClassCounts(CHAT, Verdict.PERMITTED, Counts(5, 5)),
        ),
        active_flows={"named": 2, "unclassified": 1},
        opened_bytes={"dns": 20},
        rule_matches={("r", Verdict.REVIEW): 2, ("r", Verdict.PERMITTED): 5},
        handshakes={("tls", "read"): 4},
        limits={"classes": 2},
    )

    assert Snapshot(
        time_ns=5,
        gate=GateTotals(
            *("kernel", 200, 18000, 120, 10000, 40, 4000, 30, 3000, 10, 1000),
            dropped_packets=14,
            active_flows=6,
        ),
        classes=(
            ClassCounts(CHAT, Verdict.REVIEW, Counts(11, 11)),
            ClassCounts(NEWS, Verdict.PERMITTED, Counts(2, 2)),
            ClassCounts(CHAT, Verdict.PERMITTED, Counts(5, 5)),
        ),
        active_flows={"named": 3, "unclassified": 1},
        opened_bytes={"tls": 10, "dns": 20},
        rule_matches={("r", Verdict.REVIEW): 3, ("r", Verdict.PERMITTED): 5},
        handshakes={("tls", "read"): 5},
        limits={"classes": 3},
    ) == merged([first, second])


def test_the_weaker_gate_speaks_for_the_whole() -> None:
    """One tap whose gate is in the process makes the promise no stronger than that."""
    kernel = Snapshot(0, GATE)
    process = Snapshot(0, replace(GATE, kind="process"))

    assert "kernel" == merged([kernel, kernel]).gate.kind
    assert "process" == merged([kernel, process]).gate.kind
    assert "process" == merged([process, kernel]).gate.kind


def test_nothing_merged_is_nothing() -> None:
    """No tap at all gives an empty picture, which claims no kernel gate."""
    assert Snapshot(0, GateTotals("process")) == merged([])


def test_merging_leaves_its_parts_alone() -> None:
    """A snapshot is frozen, and so are the mappings in it, as far as merging goes."""
    part = Snapshot(1, GATE, active_flows={"named": 1}, limits={"classes": 1})
    merged([part, part])

    assert ({"named": 1}, {"classes": 1}) == (part.active_flows, part.limits)
