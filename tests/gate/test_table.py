"""The rows as Python reads and writes them: flows, classes and seals, sums, and which flows are done."""

import random

import numpy as np
import pytest

from agent.flow import Direction, Endpoints, Place
from agent.gate.native import NativeGate
from agent.gate.table import COUNT_FIELDS
from agent.lab import crafted, envelopes
from agent.lab.canary import filled
from agent.lab.crafted import START_NS, ends_of, timed
from agent.lab.frames import Frame
from agent.lab.stack import TcpTalk, Wire
from tests.gate.feeding import Feeder

TO_SERVER, TO_CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT
SLOTS = 64


def udp(number: int, port: int = 2222, *, payload: bytes = b"x", ipv6: bool = False) -> list[Frame]:
    """A flow of one datagram."""
    return timed([Wire(ends_of(number, port, ipv6=ipv6)).udp(TO_SERVER, payload)])


# ---- What a row says


@pytest.mark.parametrize("ipv6", [False, True], ids=["IPv4", "IPv6"])
@pytest.mark.parametrize("turn", [False, True])
def test_flow(feed: Feeder, ipv6: bool, turn: bool) -> None:
    """A flow, its ports and its client are told alike, whichever end stands first in the row."""
    ends = ends_of(300, 40_000, ipv6=ipv6)
    ends = Endpoints(ends.server, ends.client_port, ends.client, ends.server_port) if turn else ends
    feed(timed([Wire(ends, vlan=7).udp(TO_SERVER, b"x"), Wire(ends, vlan=8).udp(TO_CLIENT, b"x")]))
    flow = feed.gate.table.flow(0)

    assert (ends, 7, None, START_NS) == (flow.ends, flow.vlan, flow.outer, flow.first_ns)
    assert Place(ends.client, ends.server, 7, 0x86DD if ipv6 else 0x0800, 17) == feed.gate.table.place(0)
    assert (17, ends.client_port, ends.server_port) == feed.gate.table.ports(0)
    assert ends.client == feed.gate.table.client(0)


def test_flow_in_a_tunnel(feed: Feeder) -> None:
    """The tunnel's ends are those of its first packet, the sender as its client."""
    feed(envelopes.enclosed(udp(3), envelopes.vxlan))

    assert Endpoints(b"\xc0\0\2\1", 49_999, b"\xc0\0\2\2", 4789) == feed.gate.table.flow(0).outer
    assert ends_of(3, 2222) == feed.gate.table.flow(0).ends
    assert None is feed.gate.table.place(0).vlan


def test_flow_without_ip(feed: Feeder) -> None:
    """A flow that is not IP has no addresses."""
    feed([Frame(START_NS, bytes(12) + b"\x08\x06" + bytes(46))])

    assert Endpoints(b"", 0, b"", 0) == feed.gate.table.flow(0).ends
    assert Place(b"", b"", None, 0x0806, 0) == feed.gate.table.place(0)
    assert (0, 0, 0) == feed.gate.table.ports(0)
    assert b"" == feed.gate.table.client(0)


# ---- Classes and seals


def test_new_flow_has_no_class(feed: Feeder) -> None:
    """A flow begins without a class and without a seal."""
    feed(udp(1))

    assert (0, False) == (feed.gate.table.class_of(0), feed.gate.table.is_sealed(0))


def test_settle(feed: Feeder) -> None:
    """A class is stored, and may be stored again; a seal once set stays, whatever is settled after it."""
    table = feed.gate.table
    feed(udp(1))
    table.settle(0, 37, seal=False)
    assert (37, False) == (table.class_of(0), table.is_sealed(0))

    table.settle(0, 37, seal=True)
    table.settle(0, 37, seal=False)
    assert (37, True) == (table.class_of(0), table.is_sealed(0))


@pytest.mark.parametrize("number", [0, -1, 36, 38, 2**32 - 1])
@pytest.mark.parametrize("seal", [False, True])
def test_class_does_not_change(feed: Feeder, number: int, seal: bool) -> None:
    """A class is never changed or taken back, and the attempt seals nothing."""
    table = feed.gate.table
    feed(udp(1))
    table.settle(0, 37, seal=False)

    with pytest.raises(ValueError, match=f"slot 0 has class 37; it cannot become {number}"):
        table.settle(0, number, seal=seal)
    assert (37, False) == (table.class_of(0), table.is_sealed(0))


@pytest.mark.parametrize("number", [0, -5])
def test_class_is_a_positive_number(feed: Feeder, number: int) -> None:
    """Nothing but a positive number is a class."""
    feed(udp(1))

    with pytest.raises(ValueError, match="cannot become"):
        feed.gate.table.settle(0, number, seal=True)
    assert not feed.gate.table.is_sealed(0)


def test_settle_touches_nothing_else(feed: Feeder) -> None:
    """Only class and seal are written: the counters of the row and of its neighbours stay."""
    feed([*udp(1), *udp(2), *udp(3)])
    before = bytes(feed.gate.table._bytes[: 192 * 3])
    feed.gate.table.settle(1, 0x01020304, seal=True)
    after = bytes(feed.gate.table._bytes[: 192 * 3])

    assert set(range(192 + 56, 192 + 64)) >= {at for at in range(192 * 3) if before[at] != after[at]}


def test_class_goes_with_the_row(feed: Feeder) -> None:
    """A row that is used again has no class and no seal."""
    feed(udp(1))
    feed.gate.table.settle(0, 37, seal=True)
    feed.remove([0])
    feed(udp(2))

    assert (0, False) == (feed.gate.table.class_of(0), feed.gate.table.is_sealed(0))


# ---- Sums


def filled_gate(feed: Feeder, seed: int) -> list[int]:
    """Feeds some flows, classes most of them, and removes some; returns the live slots."""
    rng = random.Random(seed)
    for name in rng.sample(sorted(crafted.CASES), 25):
        feed(crafted.CASES[name]())
    for slot in feed.live():
        if rng.random() < 0.7:
            feed.gate.table.settle(slot, rng.randrange(1, 6), seal=rng.random() < 0.5)
    feed.remove(rng.sample(feed.live(), 5))
    return feed.live()


@pytest.mark.parametrize("seed", range(3))
def test_totals_are_sums_of_rows(feed: Feeder, seed: int) -> None:
    """Each class's line is the sum over its live rows, and line 0 that of the flows without a class."""
    table = feed.gate.table
    live = filled_gate(feed, seed)
    expected = np.zeros((8, COUNT_FIELDS), dtype=np.int64)
    for slot in live:
        (to_server, to_client), (sent, received) = table.counts(slot)
        row = table._rows[slot]
        expected[table.class_of(slot)] += np.array(
            [1, to_server, to_client, sent, received, row["payload_bytes"], row["opened_bytes"]], dtype=np.int64
        )

    assert expected.tolist() == table.totals(feed.gate.high_water, 8).tolist()
    assert expected.tolist() == table.totals_of(np.array(live), 8).tolist()
    assert sum(feed.gate.opened_bytes().values()) >= expected[:, 6].sum()


def test_totals_of_some(feed: Feeder) -> None:
    """Sums over chosen rows hold these and no others."""
    feed([*udp(1), *udp(2), *udp(3)])
    feed.gate.table.settle(2, 1, seal=True)

    assert [[1, 1, 0, 43, 0, 1, 1], [1, 1, 0, 43, 0, 1, 1]] == feed.gate.table.totals_of(np.array([0, 2]), 2).tolist()
    assert [[0] * COUNT_FIELDS] * 2 == feed.gate.table.totals_of(np.array([], dtype=np.int64), 2).tolist()


def test_totals_of_nothing(feed: Feeder) -> None:
    """Before the first frame there is nothing."""
    assert [[0] * COUNT_FIELDS] * 3 == feed.gate.table.totals(feed.gate.high_water, 3).tolist()


def test_large_counts_are_exact(feed: Feeder) -> None:
    """Sums stay exact far beyond 32 bits."""
    feed([Frame(START_NS, udp(1)[0].data, 0xFFFF0000) for _ in range(3)])

    assert 3 * (43 + 0xFFFF0000) == feed.gate.table.totals(1, 1)[0, 3]


# ---- Which rows are idle, or undecided


def test_idle(feed: Feeder) -> None:
    """Rows that have been silent longer than their limit, in the order of their slots; not those removed or later."""
    feed([*udp(1), *udp(2), *udp(3)])
    feed([frame._replace(time_ns=START_NS + 60_000_000_000) for frame in udp(2)])
    feed.remove([2])
    table = feed.gate.table

    assert [] == table.idle(3, START_NS).tolist()
    assert [0] == table.idle(3, START_NS + 130_000_000_000).tolist()
    assert [0, 1] == table.idle(3, START_NS + 190_000_000_000).tolist()
    assert [0] == table.idle(1, START_NS + 190_000_000_000).tolist()


def test_idle_when_the_clock_is_behind(feed: Feeder) -> None:
    """A clock that is behind the last packet makes nothing idle."""
    feed(udp(1))

    assert [] == feed.gate.table.idle(1, 0).tolist()


def test_row_of_a_port_used_again_goes_early(feed: Feeder) -> None:
    """The old row of a port used again gets no more packets: it is idle as soon as a closed one."""
    feed(crafted.port_reused()[:10])
    half = crafted.port_reused()
    feed(half[len(half) // 2 : len(half) // 2 + 1])
    now_ns = half[-1].time_ns + 11_000_000_000

    assert 0 in feed.gate.table.idle(2, now_ns).tolist()


def test_unclassed(feed: Feeder) -> None:
    """Of some slots, those without a class."""
    feed([*udp(1), *udp(2), *udp(3)])
    feed.gate.table.settle(1, 4, seal=False)

    assert [2, 0] == feed.gate.table.unclassed(np.array([2, 1, 0]))


def test_undecided(feed: Feeder) -> None:
    """Flows without a class that will say no more: closed, of a silent protocol, or having spoken long ago."""
    late = START_NS + 1_000_000_000
    quiet = TcpTalk(Wire(ends_of(1, 2222)))
    closed = TcpTalk(Wire(ends_of(4, 2222)))
    feed(timed(quiet.open()))  # 0: has not spoken
    feed(udp(2))  # 1: has spoken
    feed(timed([Wire(ends_of(3, 0)).echo(TO_SERVER, 1, 1, b"")]))  # 2: ICMP
    feed(timed([*closed.open(), *closed.send(TO_SERVER, b"x"), *closed.send(TO_CLIENT, b"y")]))  # 3: closed
    feed(timed(TcpTalk(Wire(ends_of(5, 443))).send(TO_SERVER, filled(5, 40))))  # 4: met midstream, closed
    feed([Frame(START_NS, bytes(12) + b"\x08\x06" + bytes(46))])  # 5: not IP
    table, water = feed.gate.table, feed.gate.high_water

    assert [2, 3, 4, 5] == table.undecided(water, START_NS)
    assert [1, 2, 3, 4, 5] == table.undecided(water, late)
    table.settle(3, 1, seal=True)
    feed.remove([2])
    assert [1, 4, 5] == table.undecided(water, late)
    assert [1] == table.undecided(2, late)


def test_live(feed: Feeder) -> None:
    """Slots in use, below the mark."""
    feed([*udp(1), *udp(2), *udp(3)])
    feed.remove([1])

    assert [0, 2] == feed.gate.table.live(3).tolist()
    assert [0] == feed.gate.table.live(2).tolist()


def test_view_follows_the_gate() -> None:
    """The table is a view: what the gate counts is there at once, without a call."""
    gate = NativeGate(max_flows=SLOTS)
    (frame,) = udp(1)
    gate.feed(frame.data, time_ns=START_NS)
    row = gate.table._rows[0]
    gate.feed(frame.data, time_ns=START_NS)

    assert 2 == int(row["packets"][0])
    gate.close()
