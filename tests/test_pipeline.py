"""Tests of the pipeline: frames through a real gate are sealed, settled, judged, and told in snapshots."""

import random
from collections.abc import Mapping
from itertools import pairwise

import pytest

from agent.flow import Account, Endpoints, Evidence, FlowClass, SliceKind
from agent.lab import crafted
from agent.lab.crafted import timed
from agent.lab.day import school_day
from agent.lab.hellos import Browser, client_hello, records
from agent.lab.stack import TcpTalk, Wire
from agent.ledger import OVERFLOW, Ledger
from agent.snapshot import Counts, Snapshot
from agent.verdict import Verdict
from tests.plain_policy import UNKNOWN, PlainPolicy, always, named
from tests.tapped import (
    ANN,
    BOB,
    SECOND_NS,
    SERVER,
    START_NS,
    TO_SERVER,
    Tap,
    by_verdict,
    classes,
    look_up,
    tls,
)

PERMITTED, PROHIBITED = Verdict.PERMITTED, Verdict.PROHIBITED
PUBLIC = "public.example"


# ---- Seals


def test_sealed_once_named() -> None:
    """The frame that completes the ClientHello seals its flow; what is opened grows no more, though frames go on."""
    one = Tap()
    frames = tls(ANN, "www.example.com")
    one.feed(frames[:4])  # three to open the connection, the first part of the hello
    assert [False] == one.sealed()
    one.feed(frames[4:5])
    assert [True] == one.sealed()
    opened = one.gate.opened_bytes()
    one.feed(frames[5:])

    assert opened == one.gate.opened_bytes()
    assert [named("www.example.com", Evidence.SNI, "tls")] == classes(one.finish())


@pytest.mark.parametrize("case", ["http", "quic", "dtls", "ssh", "smb", "bittorrent", "stun"])
def test_every_introduction_seals(case: str) -> None:
    """Whatever row of the table a flow is opened by, it is sealed when it is named, and named once."""
    one = Tap()
    one.feed(crafted.CASES[case]())

    assert [True] == one.sealed()
    assert 1 == sum(one.tick().handshakes.values())


def test_slices_of_a_flow_named_in_the_same_batch() -> None:
    """A batch may hold slices of a flow that an earlier one of them has named: they are passed over."""
    one = Tap()
    slices, payload_bytes = [], []
    for frame in crafted.tls(7, repeats=3):
        batch = one.gate.feed(frame.data, time_ns=frame.time_ns)
        slices += batch.slices
        payload_bytes += batch.payload_bytes
    one.pipeline.read(slices, payload_bytes)

    assert 6 == len([piece for piece in slices if piece.kind == SliceKind.TLS])
    assert {("tls", "read"): 1} == one.tick().handshakes
    assert [named(crafted.NAME, Evidence.SNI, "tls")] == classes(one.finish())


def test_nothing_is_kept_of_what_was_read() -> None:
    """When all flows have ended, no introduction and no hostname is left in memory."""
    one = Tap()
    for case in ("tls", "snapped", "http-late-host", "quic", "dns-over-tcp", "unknown-tcp"):
        one.feed(crafted.CASES[case]())
    one.finish()

    assert (0, 0) == (len(one.pipeline._handshakes), one.pipeline._handshakes.kept_bytes)
    assert {} == one.pipeline._hostnames


def test_a_daemon_keeps_no_names() -> None:
    """Without the owner of a capture file to tell them to, names of single flows are not kept at all."""
    one = Tap(names_kept=False)
    one.feed(look_up(ANN, "www.example.com", SERVER))
    one.feed(tls(ANN, "www.example.com"))
    assert {} == one.pipeline._hostnames
    one.finish()

    assert {("www.example.com", PERMITTED), (UNKNOWN, PERMITTED)} == set(by_verdict(one.tick()))


# ---- Judging


def test_a_bell_splits_what_is_counted() -> None:
    """The flow keeps its class; what it sent before the bell stays under the old verdict."""
    bell_ns = START_NS + 60 * SECOND_NS
    rings = PlainPolicy(lambda _flow_class, now_ns: PROHIBITED if now_ns >= bell_ns else PERMITTED)
    one = Tap(rings)
    frames = tls(ANN, "www.example.com")
    one.feed(frames[:8])
    before = by_verdict(one.tick())
    one.feed([frame._replace(time_ns=bell_ns + i) for i, frame in enumerate(frames[8:])])
    after = by_verdict(one.tick())

    octets = [len(frame.data) for frame in frames]
    assert {("www.example.com", PERMITTED)} == set(before)
    assert before["www.example.com", PERMITTED] == after["www.example.com", PERMITTED]
    assert (1, 8, sum(octets[:8])) == _sums(after["www.example.com", PERMITTED])
    assert (0, len(frames) - 8, sum(octets[8:])) == _sums(after["www.example.com", PROHIBITED])
    assert {("permitted", PERMITTED): 1} == one.tick().rule_matches
    assert [PROHIBITED] == [record.verdict for record in one.finish()]


def _sums(counts: Counts) -> tuple[int, int, int]:
    return counts.flows, counts.packets, counts.bytes


def test_a_reload_takes_effect_at_the_next_tick() -> None:
    """Flows that live keep the class they have and get the new verdict; new flows are classified by the new policy."""
    one = Tap()
    frames = tls(ANN, "www.example.com")
    one.feed(frames[:8])
    one.tick()
    one.pipeline.reload(PlainPolicy(always(PROHIBITED), public_names=frozenset({PUBLIC.encode()})))
    one.feed(frames[8:])
    one.feed(tls(BOB, PUBLIC, encrypted=True))
    counts = by_verdict(one.tick())

    assert [8, len(frames) - 8] == [counts["www.example.com", verdict].packets for verdict in (PERMITTED, PROHIBITED)]
    assert (PUBLIC, PROHIBITED) in counts
    assert (PUBLIC, PERMITTED) not in counts
    assert [named("www.example.com", Evidence.SNI, "tls"), named(PUBLIC, Evidence.ECH, "tls")] == classes(one.finish())


def test_active_flows() -> None:
    """Live flows are told by category, those without a class as unclassified, and none once all have ended."""
    one = Tap()
    one.feed(tls(ANN, "www.example.com"))
    one.feed(tls(BOB, "www.example.com")[:3])
    assert {"named": 1, "unclassified": 1} == one.tick().active_flows
    one.finish()

    snapshot = one.tick()
    assert {} == snapshot.active_flows
    assert 0 == snapshot.gate.active_flows


def test_rows_are_given_back() -> None:
    """A silent flow's row is free again, its record made, its counts kept, and the row serves a new flow."""
    one = Tap(max_flows=1)
    frames = tls(ANN, "www.example.com")
    one.feed(frames)
    assert 1 == one.tick().gate.max_flows
    assert [] == one.records
    one.tick(after_ns=301 * SECOND_NS)
    assert (1, []) == (len(one.records), one.live())
    again = [frame._replace(time_ns=one.now_ns + i) for i, frame in enumerate(tls(BOB, "other.example"))]
    one.feed(again)
    counts = by_verdict(one.tick())

    assert 0 == one.tick().gate.untracked_packets
    assert [len(frames), len(again)] == [
        counts[name, PERMITTED].packets for name in ("www.example.com", "other.example")
    ]


def test_a_row_used_again_inherits_nothing() -> None:
    """What was kept of a half-read introduction goes with its row: the next flow there is read by itself."""
    one = Tap(max_flows=1)
    one.feed(tls(ANN, "ann.example", browser=Browser("early", post_quantum=True))[:4])
    one.tick(after_ns=301 * SECOND_NS)
    one.feed([frame._replace(time_ns=one.now_ns + i) for i, frame in enumerate(tls(BOB, "bob.example"))])

    assert [("ann.example",), ("bob.example",)] == [record.hostnames for record in one.finish()]


def test_ports_used_again() -> None:
    """Two connections between the same ends are two flows, each with its counts."""
    one = Tap()
    frames = crafted.port_reused(4)
    one.feed(frames)

    assert [len(frames) // 2] * 2 == [sum(record.packets) for record in one.finish()]


# ---- Snapshots and limits


def test_before_the_first_tick() -> None:
    """A snapshot that nobody has ticked for is empty and true."""
    one = Tap()
    one.feed(tls(ANN, "www.example.com"))
    snapshot = one.pipeline.snapshot(START_NS)

    assert (0, 0, 0) == (snapshot.gate.seen_packets, snapshot.gate.missing_packets, len(snapshot.classes))
    assert "process" == snapshot.gate.kind


def test_a_full_table_is_counted() -> None:
    """Frames without a row are untracked, and the limit is told by its name."""
    one = Tap(max_flows=1)
    one.feed(tls(ANN, "www.example.com"))
    turned_away = tls(BOB, "www.example.com")
    one.feed(turned_away)
    snapshot = one.tick()

    assert len(turned_away) == snapshot.gate.untracked_packets
    assert sum(len(frame.data) for frame in turned_away) == snapshot.gate.untracked_bytes
    assert len(turned_away) == snapshot.limits["flow_table"]


def test_too_many_classes() -> None:
    """Flows beyond the ledger's classes are counted as the overflow class, and nothing is lost."""
    one = Tap()
    one.pipeline._ledger = Ledger(max_classes=3)
    for i in range(4):
        one.feed(tls(ANN, f"n{i}.example", port=50_000 + i))
    counts = by_verdict(one.tick())

    assert {("n0.example", PERMITTED): 1, (OVERFLOW.application, PERMITTED): 3} == {
        key: line.flows for key, line in counts.items()
    }
    assert 3 == one.tick().limits["classes"]


def test_limits_of_every_part_are_told() -> None:
    """What policy, gate and ledger say of their limits stands in one mapping; those never met stand at 0."""
    one = Tap(PlainPolicy(met={"policy_names_remembered": 7}))

    assert {"policy_names_remembered": 7, "flow_table": 0, "lost_slices": 0, "headers": 0} == one.tick().limits


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ("tls", {("tls", "read"): 1}),
        ("tls-tiny-segments", {("tls", "read"): 1}),
        ("snapped", {("tls", "incomplete"): 1}),
        ("http", {("http", "read"): 1}),
        ("http-late-host", {("http", "read"): 1}),
        ("quic", {("quic", "read"): 1}),
        ("dtls", {("dtls", "read"): 1}),
        ("dns-https", {("dns", "read"): 2}),
        ("ssh", {("ssh", "read"): 1}),
        ("unknown-udp", {}),
    ],
)
def test_introductions_are_counted(case: str, expected: Mapping[tuple[str, str], int]) -> None:
    """Each introduction counts once under its protocol and what came of it; where there is none, nothing counts."""
    one = Tap()
    one.feed(crafted.CASES[case]())
    one.finish()

    assert expected == one.tick().handshakes


def test_a_hello_that_is_none() -> None:
    """A broken hello is counted as malformed, and its flow is sealed as any other."""
    one = Tap()
    hello = bytearray(records(client_hello(random.Random(1), "www.example.com", browser=Browser("small"))))
    hello[43] = 200  # the session identifier, of at most 32 bytes
    talk = TcpTalk(Wire(Endpoints(ANN, 50_000, SERVER, 443)))
    one.feed(timed([*talk.open(), *talk.send(TO_SERVER, bytes(hello))]))

    assert [True] == one.sealed()
    assert {("tls", "malformed"): 1} == one.tick().handshakes
    assert [named(None, Evidence.NONE, "tls")] == classes(one.finish())


def test_conserved_at_every_tick() -> None:
    """Over a day with a small table and a reload at noon: the accounts are complete at each tick, and never fall."""
    one = Tap(max_flows=40)
    day = school_day(seed=3, flows=250, start_ns=START_NS, duration_ns=1800 * SECOND_NS)
    snapshots: list[Snapshot] = []
    for i, frame in enumerate(day.frames()):
        one.feed([frame])
        if not i % 400:
            snapshots.append(one.tick())
        if i == 3000:
            one.pipeline.reload(PlainPolicy(always(PROHIBITED)))
    one.finish()
    snapshots.append(one.tick())

    for before, after in pairwise(snapshots):
        kept = by_verdict(after)
        for key, counts in by_verdict(before).items():
            assert all(getattr(kept[key], name) >= getattr(counts, name) for name in Counts.__dataclass_fields__)
        assert all(after.rule_matches[rule] >= flows for rule, flows in before.rule_matches.items())
        assert all(after.limits[limit] >= met for limit, met in before.limits.items())
    last = snapshots[-1].gate
    assert last.untracked_packets > 0
    assert last.seen_packets == last.settled_packets + last.untracked_packets
    assert sum(sum(truth.packets) for truth in day.truths) == last.seen_packets


def test_the_account_is_the_policys() -> None:
    """The pipeline makes up no part of a class."""
    one = Tap()
    one.feed(crafted.tls(5, vlan=20))

    assert [FlowClass("vlan 20", crafted.NAME, "named", "tls", Evidence.SNI, Account.UNKNOWN)] == classes(one.finish())
