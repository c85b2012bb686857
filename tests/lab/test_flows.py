"""Dialogues as frames: endings, troubles and times."""

import random
from collections import Counter

import dpkt
import pytest

from agent.flow import Direction, Endpoints, Evidence
from agent.lab.canary import filled, flow_numbers
from agent.lab.flows import Plan, address_resolution, impaired, over_tcp, over_udp, pings, spoken
from agent.lab.frames import Line, Packet, Truth

ENDS = Endpoints(b"\x0a\x14\x00\x05", 50_000, b"\xc6\x12\x01\x01", 443)
ENDS6 = ENDS._replace(client=b"\xfd" + bytes(14) + b"\x05", server=b"\x20\x01" + bytes(13) + b"\x01")
LINES = (Line(Direction.TO_SERVER, b"up" * 300), Line(Direction.TO_CLIENT, b"down" * 3000))
TRUTH = Truth(1, ENDS, None, "udp", "udp", "unknown", "unclassified", None, None, Evidence.NONE, canary=False)


def _flags(packets: list[Packet]) -> list[int]:
    return [dpkt.ethernet.Ethernet(packet.data).data.data.flags for packet in packets]


def test_connections_end_in_all_ways() -> None:
    """Some end with FIN, some with RST, some not at all; all begin with SYN."""
    endings: Counter[int] = Counter()
    for seed in range(60):
        flags = _flags(list(over_tcp(random.Random(seed), ENDS, 20, iter(LINES))))
        assert [0x02, 0x12, 0x10] == flags[:3]
        endings[0x01 if 0x11 in flags else flags[-1] & 0x04] += 1
    assert {0x00, 0x01, 0x04} == set(endings)


def test_midstream_has_neither_beginning_nor_end() -> None:
    """Only data and acknowledgements are seen."""
    packets = list(over_tcp(random.Random(1), ENDS, 20, iter(LINES), midstream=True))
    assert {0x10, 0x18} == set(_flags(packets))


def test_udp_gives_a_datagram_for_each_line() -> None:
    """Nothing is cut or joined."""
    packets = over_udp(ENDS, 20, iter(LINES[:1] * 3))
    assert [LINES[0].data] * 3 == [dpkt.ethernet.Ethernet(packet.data).data.data.data for packet in packets]


@pytest.mark.parametrize("ends", [ENDS, ENDS6], ids=["IPv4", "IPv6"])
def test_pings_are_answered_and_marked_after_64_bytes(ends: Endpoints) -> None:
    """Requests and replies take turns; the first 64 bytes of data are bare."""
    packets = list(pings(random.Random(1), ends, 20, 5))
    assert [0, 1] * (len(packets) // 2) == [packet.direction for packet in packets]
    for packet in packets:
        assert filled(5, 64) == packet.data[-64:]
        assert frozenset() == flow_numbers(packet.data[:-64])


@pytest.mark.parametrize("vlan", [None, 20])
def test_address_resolution_reads_back(vlan: int | None) -> None:
    """dpkt reads the question and the answer."""
    asked, answered = (
        dpkt.ethernet.Ethernet(packet.data).data for packet in address_resolution(ENDS.client, ENDS.server, vlan)
    )
    assert (1, ENDS.client, ENDS.server) == (asked.op, asked.spa, asked.tpa)
    assert (2, ENDS.server, ENDS.client) == (answered.op, answered.spa, answered.tpa)
    assert asked.sha == answered.tha


def test_troubles_lose_nothing_and_spare_the_first() -> None:
    """Every packet arrives whole or in fragments; the spared ones in their places, and some others not in theirs."""
    sent = list(over_udp(ENDS, None, iter([Line(Direction.TO_CLIENT, bytes([n]) * (50 + 7 * n)) for n in range(200)])))
    seen = list(impaired(random.Random(1), iter(sent), 10))
    assert sent[:10] == seen[:10]
    arrived = Counter(packet.data for packet in seen)
    lost = [packet for packet in sent if packet.data not in arrived]
    fragmented = [packet for packet in seen if packet not in sent]
    assert 0 < len(lost) < len(fragmented)
    assert sum(len(packet.data) - 34 for packet in lost) == sum(len(packet.data) - 34 for packet in fragmented)
    assert 2 in arrived.values()
    whole = [packet for packet in seen if packet in sent]
    assert whole != sorted(whole, key=sent.index)


def test_a_swap_keeps_directions_apart() -> None:
    """No packet overtakes one of the other direction, so answers never come before their questions."""
    lines = [Line(Direction(n % 2), bytes([n]) * 20) for n in range(100)]
    sent = list(over_udp(ENDS, None, iter(lines)))
    seen = list(dict.fromkeys(impaired(random.Random(1), iter(sent), 0)))
    assert sent == seen


def test_times_begin_at_the_start_and_grow() -> None:
    """The first frame is at the plan's start, every other one later than the one before."""
    plan = Plan(TRUTH, lambda _rng: over_udp(ENDS, None, iter(LINES[:1] * 50)), start_ns=1000, pace_ns=5)
    times = [frame.time_ns for frame, _ in spoken(plan, random.Random(1))]
    assert 1000 == times[0]
    assert times == sorted(set(times))
