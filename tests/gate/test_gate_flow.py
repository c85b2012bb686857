"""Packets -> rows: who the client is, when a flow ends and another begins, and what happens when there is no room."""

import random

import pytest

from agent.flow import Direction, Endpoints
from agent.gate.native import NativeGate
from agent.gate.table import IdleLimits
from agent.lab import crafted
from agent.lab.canary import filled
from agent.lab.crafted import START_NS, ends_of
from agent.lab.frames import Frame, Packet
from agent.lab.stack import ACK, FIN, RST, SYN, TcpTalk, Wire
from tests.gate.feeding import Feeder

TO_SERVER, TO_CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT

FLOW = 23
S = 1_000_000_000
IDLE = IdleLimits()
BOTH = pytest.mark.parametrize("ipv6", [False, True], ids=["IPv4", "IPv6"])


def wire(client_port: int = 50_000, server_port: int = 2222, *, ipv6: bool = False) -> Wire:
    """Between a client and a server, whose addresses are in no particular order."""
    known = ends_of(FLOW, 1, ipv6=ipv6)
    return Wire(Endpoints(known.client, client_port, known.server, server_port))


def at(seconds: float, *packets: Packet) -> list[Frame]:
    """The packets, all at one time."""
    return [Frame(START_NS + int(seconds * S), packet.data) for packet in packets]


def turned(ends: Endpoints) -> Endpoints:
    """The same ends with client and server exchanged."""
    return Endpoints(ends.server, ends.server_port, ends.client, ends.client_port)


# ---- Which end is the client


@BOTH
@pytest.mark.parametrize("ports", [(50_000, 443), (443, 50_000), (50_000, 50_001), (50_001, 50_000), (22, 22)])
@pytest.mark.parametrize("turn", [False, True])
def test_who_sent_the_syn_is_the_client(feed: Feeder, ports: tuple[int, int], turn: bool, ipv6: bool) -> None:
    """Whatever the ports and the order of the addresses, the SYN tells, or the server's answer to it."""
    made = wire(*ports, ipv6=ipv6)
    made = Wire(turned(made.ends)) if turn else made
    feed(at(0, made.tcp(TO_SERVER, 1, 0, SYN)))
    assert made.ends == feed.gate.table.flow(0).ends
    feed.remove([0])

    feed(at(0, made.tcp(TO_CLIENT, 1, 2, SYN | ACK)))
    assert made.ends == feed.gate.table.flow(0).ends


@BOTH
@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("server_port", [1, 53, 443, 1023, 8443, 5228])
@pytest.mark.parametrize("speaker", [TO_SERVER, TO_CLIENT])
def test_service_port_is_the_server(
    feed: Feeder, transport: str, server_port: int, speaker: Direction, ipv6: bool
) -> None:
    """Without a SYN, the end on a service's port is the server, whoever speaks first."""
    made = wire(50_000, server_port, ipv6=ipv6)
    packet = made.udp(speaker, b"x") if transport == "udp" else made.tcp(speaker, 1, 1, ACK, b"x")
    feed(at(0, packet))

    assert made.ends == feed.gate.table.flow(0).ends
    assert int(speaker == TO_CLIENT) == feed.gate.table.counts(0)[0][1]


@pytest.mark.parametrize(
    "ports", [(1024, 50_000), (50_000, 1024), (6000, 7000), (53, 123), (443, 80), (0, 0), (0, 5000)]
)
@pytest.mark.parametrize("speaker", [TO_SERVER, TO_CLIENT])
def test_speaker_is_the_client(feed: Feeder, ports: tuple[int, int], speaker: Direction) -> None:
    """When the ports do not tell, who speaks first is the client."""
    made = wire(*ports)
    feed(at(0, made.udp(speaker, b"x")))

    assert (made.ends if speaker == TO_SERVER else turned(made.ends)) == feed.gate.table.flow(0).ends
    assert ((1, 0), (43, 0)) == feed.gate.table.counts(0)


@BOTH
def test_both_directions_are_one_flow(feed: Feeder, ipv6: bool) -> None:
    """Packets both ways count in one row, each in its direction, with frame and payload bytes."""
    made = wire(ipv6=ipv6)
    packets = [made.udp(TO_SERVER, b"12345"), made.udp(TO_CLIENT, b"1234567"), made.udp(TO_CLIENT, b"1")]
    feed(at(0, *packets))

    sizes = [len(packet.data) for packet in packets]
    assert ((1, 2), (sizes[0], sizes[1] + sizes[2])) == feed.gate.table.counts(0)
    assert 13 == int(feed.gate.table._rows["payload_bytes"][0])
    assert 1 == feed.gate.totals()["new_flows"]


def test_echo_is_a_flow(feed: Feeder) -> None:
    """ICMP, which has no ports, is a flow between two addresses; its data stays closed."""
    made = wire()
    frames = at(0, made.echo(TO_SERVER, 1, 1, filled(FLOW, 64)), made.echo(TO_CLIENT, 1, 1, filled(FLOW, 64)))

    assert [] == feed(frames)
    assert Endpoints(made.ends.client, 0, made.ends.server, 0) == feed.gate.table.flow(0).ends


# ---- When another flow begins between the same ends


def test_new_syn_is_a_new_flow(feed: Feeder) -> None:
    """A port used again is a new row; the old row keeps its counts until it is removed."""
    frames = crafted.port_reused()
    feed(frames)

    first, second = feed.live()
    assert feed.gate.table.flow(first).ends == feed.gate.table.flow(second).ends
    assert feed.gate.table.counts(first) == feed.gate.table.counts(second)
    assert len(frames) == sum(feed.gate.table.counts(first)[0]) + sum(feed.gate.table.counts(second)[0])


def test_straggler_after_the_old_row_is_removed(feed: Feeder) -> None:
    """Removing the old row of a port used again does not take the new row's key away."""
    feed(crafted.port_reused())
    old, new = feed.live()
    packets = feed.counts([new])[0]
    feed.remove([old])
    feed([crafted.port_reused()[-1]])

    assert [new] == feed.live()
    assert packets + 1 == feed.counts([new])[0]


@pytest.mark.parametrize(
    ("sequence", "flags", "speaker", "flows"),
    [
        (1000, SYN, TO_SERVER, 1),  # the same SYN again
        (1001, SYN, TO_SERVER, 2),
        (999, SYN, TO_SERVER, 2),
        (1000, SYN, TO_CLIENT, 2),  # the other end opens a connection of its own
        (5000, SYN | ACK, TO_CLIENT, 1),  # answers do not begin anything
        (5000, ACK, TO_SERVER, 1),
        (5000, FIN | ACK, TO_SERVER, 1),
        (5000, RST, TO_SERVER, 1),
    ],
)
def test_what_begins_anew(feed: Feeder, sequence: int, flags: int, speaker: Direction, flows: int) -> None:
    """A SYN that is not the one we know begins a new flow; nothing else does while packets keep coming."""
    made = wire()
    feed(at(0, made.tcp(TO_SERVER, 1000, 0, SYN), made.tcp(TO_CLIENT, 2000, 1001, SYN | ACK)))
    feed(at(1, made.tcp(speaker, sequence, 1, flags)))

    assert flows == len(feed.live())
    assert made.ends == feed.gate.table.flow(0).ends
    assert (turned(made.ends) if speaker and flows == 2 else made.ends) == feed.gate.table.flow(flows - 1).ends


def test_syn_after_midstream(feed: Feeder) -> None:
    """A SYN on a flow that was met midstream begins a new one, which is read."""
    talk = TcpTalk(wire())
    assert [] == feed(at(0, *talk.send(TO_SERVER, filled(FLOW, 100))))
    again = TcpTalk(wire(), initial_sequences=(7, 8))

    assert [b"open"] == [one.data for one in feed(at(1, *again.open(), *again.send(TO_SERVER, b"open")))]
    assert 2 == len(feed.live())


def _udp(made: Wire) -> list[Packet]:
    return [made.udp(TO_SERVER, b"x")]


def _tcp(made: Wire) -> list[Packet]:
    return [made.tcp(TO_SERVER, 1000, 0, SYN), made.tcp(TO_SERVER, 1001, 1, ACK, b"x")]


def _fin(made: Wire) -> list[Packet]:
    return [*_tcp(made), made.tcp(TO_SERVER, 1002, 1, FIN | ACK), made.tcp(TO_CLIENT, 1, 1003, FIN | ACK)]


def _half_closed(made: Wire) -> list[Packet]:
    return [*_tcp(made), made.tcp(TO_SERVER, 1002, 1, FIN | ACK)]


def _reset(made: Wire) -> list[Packet]:
    return [*_tcp(made), made.tcp(TO_CLIENT, 1, 1002, RST | ACK)]


ENDINGS = {
    "udp": (_udp, IDLE.other_ns),
    "tcp": (_tcp, IDLE.tcp_ns),
    "half closed": (_half_closed, IDLE.tcp_ns),
    "closed": (_fin, IDLE.closed_ns),
    "reset": (_reset, IDLE.closed_ns),
}


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize(("beyond_ns", "flows"), [(0, 1), (1, 2)])
def test_silence_ends_a_flow(feed: Feeder, ending: str, beyond_ns: int, flows: int) -> None:
    """After a silence longer than its limit, the next packet begins a new row; stragglers before that still count."""
    make, limit_ns = ENDINGS[ending]
    packets = make(wire())
    feed(at(0, *packets))
    late = packets[0] if ending == "udp" else wire().tcp(TO_SERVER, 1002, 1, ACK)
    feed([Frame(START_NS + limit_ns + beyond_ns, late.data)])

    assert flows == len(feed.live())
    assert (len(packets) + (flows == 1), 0 if flows == 1 else 1) == (
        feed.counts([0])[0],
        feed.counts(feed.live()[1:])[0],
    )


@pytest.mark.parametrize("ending", ENDINGS)
def test_sweep_agrees_with_the_gate(feed: Feeder, ending: str) -> None:
    """The table calls a row idle at the very nanosecond from which the gate would begin a new one."""
    make, limit_ns = ENDINGS[ending]
    feed(at(0, *make(wire())))
    table, high_water = feed.gate.table, feed.gate.high_water

    assert [] == table.idle(high_water, START_NS + limit_ns).tolist()
    assert [0] == table.idle(high_water, START_NS + limit_ns + 1).tolist()


def test_time_that_runs_backwards(feed: Feeder) -> None:
    """Packets stamped before the last one count with their flow, however long before."""
    feed([*at(1000, *_udp(wire())), *at(0, *_udp(wire()))])

    assert [2] == [feed.counts([slot])[0] for slot in feed.live()]


# ---- When there is no room


def test_full_table_counts_all(feed: Feeder) -> None:
    """Frames of flows for which there is no row are counted as untracked, bytes too; rows in use go on counting."""
    rows = 64
    packets = [wire(1024 + number).udp(TO_SERVER, b"x") for number in range(rows + 10)]
    feed(at(0, *packets, *packets))

    totals = feed.gate.totals()
    assert (20, 20 * len(packets[0].data)) == (totals["untracked_packets"], totals["untracked_bytes"])
    assert (rows, rows) == (len(feed.live()), totals["new_flows"])
    assert {2} == {feed.counts([slot])[0] for slot in feed.live()}


def test_full_table_stays_closed(feed: Feeder) -> None:
    """Nothing is opened of a flow that has no row."""
    feed(at(0, *(wire(1024 + number).udp(TO_SERVER, b"x") for number in range(64))))

    assert [] == feed(crafted.tls(FLOW))


def test_full_table_and_a_port_used_again(feed: Feeder) -> None:
    """When there is no row for the new flow, its packets are untracked, and the old row keeps its own count."""
    talk = TcpTalk(wire())
    feed(at(0, *talk.open()))
    feed(at(0, *(wire(1024 + number, 9).udp(TO_SERVER, b"x") for number in range(63))))
    feed(at(1, wire().tcp(TO_SERVER, 7, 0, SYN)))

    assert 1 == feed.gate.totals()["untracked_packets"]
    assert 3 == feed.counts([0])[0]


def test_removed_rows_are_used_again(feed: Feeder) -> None:
    """A removed row is zeros, is not live, and serves the next flow; rows beyond are not touched."""
    feed(at(0, *(wire(1024 + number).udp(TO_SERVER, b"x") for number in range(3))))
    feed.remove([1])
    assert [0, 2] == feed.live()
    assert not any(feed.gate.table._bytes[192:384])

    feed(at(1, wire(9).udp(TO_SERVER, b"x")))
    assert [0, 1, 2] == feed.live()
    assert 3 == feed.gate.high_water


def test_removing_twice(feed: Feeder) -> None:
    """Removing a row that is free changes nothing; its slot is not handed out twice."""
    feed(at(0, wire(1).udp(TO_SERVER, b"x")))
    feed.remove([0])
    feed.gate.remove([0, 0])
    feed(at(0, *(wire(100 + number).udp(TO_SERVER, b"x") for number in range(64))))

    assert 64 == len(feed.live())
    assert 0 == feed.gate.totals()["untracked_packets"]


def test_released_row_is_met_no_more(feed: Feeder) -> None:
    """A released row keeps its counts, and no packet is counted in it again, until it is removed."""
    feed(at(0, wire().udp(TO_SERVER, b"x")))
    feed.gate.release([0])
    assert [0] == feed.gate.released().tolist()
    feed(at(0, wire().udp(TO_SERVER, b"x")))
    assert [(1, 43), (1, 43)] == [feed.counts([slot]) for slot in feed.live()]

    feed.remove([0])
    assert [] == feed.gate.released().tolist()
    feed(at(0, wire().udp(TO_SERVER, b"x")))
    assert [2] == [feed.counts([slot])[0] for slot in feed.live()]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("rows", [1, 31, 32, 33, 200])
def test_table_against_a_dict(rows: int, seed: int) -> None:
    """However flows come and go, each packet counts in its own flow's row: as a dict would do it."""
    rng = random.Random(seed * 1000 + rows)
    gate = NativeGate(max_flows=rows)
    feed = Feeder(gate)
    packets = [wire(1024 + number).udp(TO_SERVER, b"").data for number in range(rows + rows // 4 + 2)]
    model: dict[int, int] = {}
    untracked = 0
    for step in range(1500):
        number = rng.randrange(len(packets))
        gate.feed(packets[number], time_ns=START_NS)
        if number in model or len(model) < rows:
            model[number] = model.get(number, 0) + 1
        else:
            untracked += 1
        if rng.random() < 0.02:
            some = rng.sample(feed.live(), rng.randrange(1, len(feed.live()) + 1))
            for slot in some:
                del model[gate.table.flow(slot).ends.client_port - 1024]
            feed.remove(some)
        if step % 100 == 0:
            found = {gate.table.flow(slot).ends.client_port - 1024: feed.counts([slot])[0] for slot in feed.live()}
            assert model == found
            assert untracked == gate.totals()["untracked_packets"]
    feed.check()
    gate.close()
