"""A lab day whose truth is known -> replayed: every flow is found, called what can be seen of it, and counted exactly."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from agent.flow import Endpoints, Evidence
from agent.lab.day import school_day
from agent.lab.frames import Truth
from agent.lab.pcap import write_pcap
from agent.lab.services import SERVICES
from agent.pipeline import FlowRecord
from agent.replay import MAX_BATCH_FRAMES
from tests.conserved import Played, play, shipped_policy

SECOND_NS = 1_000_000_000
MORNING_NS = 1_795_442_400 * SECOND_NS  # Monday, 23 November 2026, 09:00 in Connecticut

SEGMENTS = {10: "staff", 20: "students", 30: "guests"}


@dataclass(frozen=True, slots=True, repr=False)
class KnownDay:
    """A replayed day, and its truth; frames without IP aside, whose flows have no ends to be told by."""

    played: Played
    truths: tuple[Truth, ...]

    @property
    def pairs(self) -> list[tuple[Truth, FlowRecord]]:
        """Each flow as it was, and as it was seen."""
        records: dict[Endpoints, list[FlowRecord]] = defaultdict(list)
        for record in self.played.records:
            records[record.flow.ends].append(record)
        assert all(len(records[truth.ends]) == 1 for truth in self._told_by_ends)
        return [(truth, records[truth.ends][0]) for truth in self._told_by_ends]

    @property
    def _told_by_ends(self) -> list[Truth]:
        return [truth for truth in self.truths if truth.ends.client]


# In the short day all names are read in one batch, and flows are sealed after their last frame; in the long one seals
# are in force while flows go on.
DAYS = {"short": (7, 250, 50), "long": (8, 500, 3600)}


@cache
def known_day(name: str) -> KnownDay:
    """The day of that name; it is the same each time, so it is made and replayed once."""
    seed, flows, duration_s = DAYS[name]
    day = school_day(seed=seed, flows=flows, start_ns=MORNING_NS, duration_ns=duration_s * SECOND_NS)
    with TemporaryDirectory() as folder:
        path = Path(folder, "day.pcap")
        write_pcap(path, day.frames())
        return KnownDay(play(path, shipped_policy()), day.truths)


@pytest.fixture(params=DAYS)
def day(request: pytest.FixtureRequest) -> KnownDay:
    """Returns one of the days."""
    return known_day(request.param)


def held_closed(truth: Truth) -> bool:
    """Whether the flow's address may be held closed: a request to it is not opened then, and DNS names it."""
    closed = truth.hostname and shipped_policy().holds_closed(truth.hostname.encode())
    return truth.visible is Evidence.HOST and bool(closed)


def test_the_days_are_what_they_are_for() -> None:
    """The short day is one batch, the long one is many; both hold every kind of evidence and all transports."""
    assert known_day("short").played.file.packets < MAX_BATCH_FRAMES
    for name in DAYS:
        truths = known_day(name).truths
        assert {"sni", "quic", "host", "dns", "ech", "protocol", "none"} == {truth.visible.value for truth in truths}
        assert {"tcp", "udp", "icmp", "arp"} <= {truth.transport for truth in truths}


def test_every_flow_is_one_record(day: KnownDay) -> None:
    """No flow is missed, split or made up; ARP alone has no ends to tell one exchange from the next."""
    sent = Counter(truth.ends for truth in day.truths if truth.ends.client)
    seen = Counter(record.flow.ends for record in day.played.records if record.flow.ends.client)

    assert sent == seen


def test_packets_and_bytes(day: KnownDay) -> None:
    """Every flow has exactly the frames and bytes that were sent, each way; fragments count with their flow."""
    wrong = [
        (truth, record) for truth, record in day.pairs if (truth.packets, truth.bytes) != (record.packets, record.bytes)
    ]

    assert [] == wrong


def test_packets_and_bytes_without_ip(day: KnownDay) -> None:
    """Address resolution is counted to the byte too."""
    truths = [truth for truth in day.truths if not truth.ends.client]
    records = [record for record in day.played.records if not record.flow.ends.client]

    assert sum(sum(truth.packets) for truth in truths) == sum(sum(record.packets) for record in records)
    assert sum(sum(truth.bytes) for truth in truths) == sum(sum(record.bytes) for record in records)
    assert {("arp", "infrastructure")} == {
        (record.flow_class.protocol, record.flow_class.category) for record in records
    }


def test_hostnames(day: KnownDay) -> None:
    """Every name that can be seen is found, as it was sent: the outer one where the true one is hidden; no other is."""
    wrong = [
        (truth, record.hostnames)
        for truth, record in day.pairs
        if truth.protocol != "dns" and record.hostnames != tuple(filter(None, [truth.outer_name or truth.hostname]))
    ]

    assert [] == wrong


def test_names_asked_for(day: KnownDay) -> None:
    """A look-up's flow is called by what was asked."""
    known = {service.hostname for service in SERVICES}
    asked = [record.hostnames for truth, record in day.pairs if truth.protocol == "dns"]

    assert asked
    assert [] == [names for names in asked if len(names) != 1 or not known.issuperset(names)]


def test_evidence_and_protocol(day: KnownDay) -> None:
    """What a name rests on is the best that the frames hold, and never claims more."""
    wrong = []
    for truth, record in day.pairs:
        possible = {(truth.visible, truth.protocol)}
        if held_closed(truth):
            possible |= {(Evidence.DNS, "tcp")}
        if truth.protocol == "tls" and truth.visible is Evidence.NONE:  # no name, but the hello tells the protocol
            possible = {(Evidence.PROTOCOL, "tls")}
        if (record.flow_class.evidence, record.flow_class.protocol) not in possible:
            wrong.append((truth, record.flow_class))

    assert [] == wrong


def test_categories(day: KnownDay) -> None:
    """Every flow has the category and application it really is of, save those that hide behind an outer name."""
    wrong = []
    for truth, record in day.pairs:
        found, expected = record.flow_class, (truth.category, truth.application)
        if truth.visible is Evidence.ECH:
            expected = ("infrastructure", "cloudflare_ech")
        if truth.category == "infrastructure":  # the catalogue may call an infrastructure's applications as it likes
            expected = (truth.category, found.application)
        if expected != (found.category, found.application):
            wrong.append((truth, found))

    assert [] == wrong


def test_segments(day: KnownDay) -> None:
    """A flow is of the segment whose VLAN it was seen on."""
    assert [] == [
        (truth, record)
        for truth, record in day.pairs
        if (truth.vlan, SEGMENTS[truth.vlan or 0]) != (record.flow.vlan, record.flow_class.segment)
    ]


def test_verdicts(day: KnownDay) -> None:
    """A flow's verdict is what policy says of its class; on a school morning students' social networking is prohibited."""
    policy = shipped_policy()
    assert [] == [
        record
        for record in day.played.records
        if record.verdict is not policy.decide(record.flow_class, MORNING_NS).verdict
    ]
    social = {
        record.verdict.value
        for record in day.played.records
        if (record.flow_class.segment, record.flow_class.category) == ("students", "social_networking")
    }
    assert {"prohibited"} == social


def test_every_introduction_is_read(day: KnownDay) -> None:
    """Nothing is malformed, incomplete or given up, and no limit is met."""
    assert {"read"} == {result for _, result in day.played.snapshot.handshakes}
    assert {0} == set(day.played.snapshot.limits.values())


def test_little_is_opened(day: KnownDay) -> None:
    """What is opened is a small part of the payload; of a day with its bulk left out, as here, under a tenth."""
    snapshot = day.played.snapshot
    opened = sum(snapshot.opened_bytes.values())
    payload = sum(line.counts.payload_bytes for line in snapshot.classes)

    assert 0 < opened < payload / 10
