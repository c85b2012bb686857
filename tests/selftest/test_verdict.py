"""From counts to checks: what passes, and that each thing that can be wrong fails its check and no other."""

from dataclasses import replace

import pytest

from agent.selftest.reports import Made, Seen, Sent
from agent.selftest.search import Found
from agent.selftest.verdict import Check, judge, judge_control

MADE = Made(100, 50_000, 32_000, [1, 2, 3])
SENT = Sent(100, 50_000, 0, 0)
SEEN = Seen(
    *(100, 50_000, 0, 700),
    kept_all=True,
    flows=12,
    payload_bytes=40_000,
    opened={"tls": 600, "banner": 100},
    received={"tls": 600, "banner": 100},
    most={"tls": 517, "banner": 64},
    furthest={"tls": 517, "banner": 64},
)
NOTHING = Found(frozenset(), 0, 0, searched_mappings=90, searched_bytes=90_000_000)
ALL = replace(NOTHING, flows=frozenset({1, 2, 3}), whole=2000, halves=4000, places={"[heap]": 4000})


def failed(checks: tuple[Check, ...]) -> list[str]:
    """Returns the names of the checks that did not pass."""
    return [check.name for check in checks if not check.passed]


def test_all_is_well() -> None:
    """Everything counted, nothing found: all checks pass, the promise comes first, in plain words with its number."""
    checks = judge(MADE, SENT, SEEN, NOTHING)

    assert [] == failed(checks)
    assert "Payload bytes that entered the program and should not have: 0" == checks[0].what
    assert len(checks) == len({check.name for check in checks})


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (ALL, ["promise"]),
        (replace(NOTHING, halves=1, places={"[stack]": 1}), ["promise"]),
        (replace(NOTHING, unread={"anon_inode:bpf-map": 4096}), ["searched"]),
        (replace(NOTHING, searched_bytes=0), ["searched"]),
    ],
)
def test_what_the_search_finds(found: Found, expected: list[str]) -> None:
    """One half of a mark is enough to fail; and so is memory that was not searched."""
    assert expected == failed(judge(MADE, SENT, SEEN, found))


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (replace(SEEN, packets=99), ["packets"]),
        (replace(SEEN, packets=101), ["packets"]),
        (replace(SEEN, bytes=49_999), ["bytes"]),
        (replace(SEEN, dropped_packets=1), ["packets"]),
        (replace(SEEN, missing_packets=1), ["conservation"]),
        (replace(SEEN, missing_bytes=-1), ["conservation"]),
        (replace(SEEN, flows=0), ["conservation"]),
        (replace(SEEN, kept_all=False), ["searched"]),
        (replace(SEEN, lost_slices=1), ["door"]),
        (replace(SEEN, opened={"tls": 599, "banner": 100}), ["door"]),
        (replace(SEEN, received={"tls": 700}), ["door"]),
        (replace(SEEN, opened={}, received={}), ["door"]),
        (replace(SEEN, most={"banner": 65}), ["limits"]),
        (replace(SEEN, most={"tls": 16_385}), ["limits"]),
        (replace(SEEN, furthest={"dns": 4097}), ["limits"]),
        (replace(SEEN, most={"gossip": 1}), ["limits"]),
    ],
)
def test_what_was_counted(seen: Seen, expected: list[str]) -> None:
    """Each count that is off fails its own check."""
    assert expected == failed(judge(MADE, SENT, seen, NOTHING))


def test_nothing_sent_proves_nothing() -> None:
    """A test in which nothing was sent, or nothing marked, does not pass."""
    nothing = Seen(0, 0, 0, 0, kept_all=True)

    assert {"promise", "packets", "conservation", "door"} <= set(
        failed(judge(Made(0, 0, 0, []), Sent(0, 0, 0, 0), nothing, NOTHING))
    )


def test_a_failure_says_where() -> None:
    """A broken promise tells how many bytes, of how many connections, and where they are."""
    promise = judge(MADE, SENT, SEEN, ALL)[0]

    assert "32,000" in promise.what
    assert "3 connections" in promise.detail
    assert "[heap]" in promise.detail


def test_the_control() -> None:
    """With the gate left off every mark must be found, and every packet must have come."""
    seen = Seen(100, 50_000, 0, 50_000, kept_all=True)

    assert [] == failed(judge_control(MADE, SENT, seen, ALL))
    assert "found the marks of 3 of 3 connections" in judge_control(MADE, SENT, seen, ALL)[0].what
    assert ["found"] == failed(judge_control(MADE, SENT, seen, NOTHING))
    assert ["found"] == failed(judge_control(MADE, SENT, seen, replace(ALL, flows=frozenset({1, 2}))))
    assert ["sent"] == failed(judge_control(MADE, SENT, replace(seen, packets=90, dropped_packets=10), ALL))
    assert ["found"] == failed(judge_control(replace(MADE, marked_flows=[]), SENT, seen, NOTHING))
