"""IP fragments: a later one is counted with its first and goes its way; without that it is a flow without ports."""

import pytest

from agent.flow import Direction, Endpoints, SliceFlag, SliceKind
from agent.lab import crafted, names
from agent.lab.canary import filled
from agent.lab.crafted import START_NS, ends_of, timed
from agent.lab.dialogues import http_request
from agent.lab.frames import Frame, Packet
from agent.lab.hellos import records
from agent.lab.stack import TcpTalk, Wire, fragments
from tests.gate.feeding import Feeder, kinds, placed

TO_SERVER, TO_CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT

FLOW = 19
BODY = bytes(index % 251 for index in range(1000))
HELLO = records(b"\x01" + len(BODY).to_bytes(3, "big") + BODY)
SHUT = filled(FLOW, 1000)
ON_THEIR_WAY = 1000

BOTH = pytest.mark.parametrize("ipv6", [False, True], ids=["IPv4", "IPv6"])


def wire(port: int, *, ipv6: bool = False) -> Wire:
    """Between the ends of this file's flow."""
    return Wire(ends_of(FLOW, port, ipv6=ipv6))


def tcp(port: int, data: bytes, size: int, *, ipv6: bool = False) -> list[list[Packet]]:
    """A connection's opening, and its first segment in fragments."""
    connection = TcpTalk(wire(port, ipv6=ipv6), mss_bytes=60_000)
    opening = list(connection.open())
    return [opening, *(fragments(packet, size) for packet in connection.send(TO_SERVER, data))]


@BOTH
@pytest.mark.parametrize("direction", [TO_SERVER, TO_CLIENT])
def test_counted_with_the_first(feed: Feeder, direction: Direction, ipv6: bool) -> None:
    """All fragments of a datagram are packets of its flow, in its direction."""
    feed(timed([wire(27015, ipv6=ipv6).udp(TO_SERVER, b"open")]))
    parts = fragments(wire(27015, ipv6=ipv6).udp(direction, bytes(64) + SHUT), 200)
    feed(timed(parts))

    (slot,) = feed.live()
    assert len(parts) + (direction == TO_SERVER) == feed.gate.table.counts(slot)[0][direction]
    assert ends_of(FLOW, 27015, ipv6=ipv6) == feed.gate.table.flow(slot).ends


def test_many_on_their_way_at_once(feed: Feeder) -> None:
    """First fragments of a thousand datagrams, then all their later ones: none has pushed another out."""
    talk = wire(27015)
    feed(timed([talk.udp(TO_SERVER, b"open")]))
    parts = [fragments(talk.udp(TO_SERVER, bytes(64) + SHUT), 600) for _ in range(ON_THEIR_WAY)]
    feed(timed(part for turn in zip(*parts, strict=True) for part in turn))

    (slot,) = feed.live()
    assert 1 + 2 * ON_THEIR_WAY == feed.gate.table.counts(slot)[0][TO_SERVER]


@pytest.mark.parametrize("state", ["sealed", "closed"])
@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_counted_when_nothing_is_opened_any_more(feed: Feeder, state: str, transport: str) -> None:
    """A flow that is sealed or closed keeps its fragments together all the same."""
    connection = TcpTalk(wire(2222))
    say = connection.send if transport == "tcp" else lambda way, data: iter([wire(2222).udp(way, data)])
    packets = list(connection.open()) if transport == "tcp" else []
    packets += [*say(TO_SERVER, b"open"), *say(TO_CLIENT, b"open")]
    feed(timed(packets))
    if state == "sealed":
        feed.gate.table.settle(0, 4, seal=True)
    parts = [part for _ in range(3) for packet in say(TO_CLIENT, SHUT) for part in fragments(packet, 200)]

    assert [] == feed(timed(parts))
    assert [0] == feed.live()


def test_counted_when_the_first_is_cut(feed: Feeder) -> None:
    """A first fragment that the snap length has cut within its transport header still names the ports."""
    parts = fragments(wire(27015).udp(TO_SERVER, SHUT), 200)
    short = Frame(START_NS, parts[0].data[:39], len(parts[0].data) - 39)

    assert [] == feed([short, *timed(parts[1:])])
    assert [0] == feed.live()
    assert ends_of(FLOW, 27015) == feed.gate.table.flow(0).ends


@BOTH
@pytest.mark.parametrize("size", [64, 200, 512])
def test_hello_in_fragments(feed: Feeder, size: int, ipv6: bool) -> None:
    """A ClientHello over TCP in IP fragments is opened whole, and nothing that comes after it in the segment."""
    opening, parts = tcp(443, HELLO + SHUT, size, ipv6=ipv6)
    slices = feed(timed([*opening, *parts]))

    assert (0, HELLO) == placed(slices)
    assert {SliceFlag.FRAGMENT} == {one.flags for one in slices}


def test_host_in_a_later_fragment(feed: Feeder) -> None:
    """A request's Host line is found in a later fragment."""
    opening, parts = tcp(80, http_request(FLOW, "www.crafted.example", body_bytes=300), 200)
    slices = feed(timed([*opening, *parts]))

    assert [b"POST", b" www.crafted.example"] == [one.data for one in slices if one.data]


@BOTH
@pytest.mark.parametrize("port", [53, 443])
def test_datagram_in_fragments(feed: Feeder, port: int, ipv6: bool) -> None:
    """A DNS message and a QUIC Initial are opened whole, with each piece's place in the datagram."""
    head = names.query(7, crafted.NAME, "A") if port == 53 else b"\xc0\0\0\0\1\x08SERVERID\0\0\x44\xb0"
    payload = head + bytes(index % 251 for index in range(1200))
    parts = fragments(wire(port, ipv6=ipv6).udp(TO_SERVER, payload), 256)
    slices = feed(timed(parts))

    assert (0, payload) == placed(slices)
    assert {SliceKind.DNS if port == 53 else SliceKind.QUIC} == set(kinds(slices))


def test_limit_spans_fragments(feed: Feeder) -> None:
    """Of a datagram in fragments, 4 KiB are opened in all."""
    message = names.query(7, crafted.NAME, "A") + bytes(6000)
    parts = fragments(wire(53).udp(TO_SERVER, message), 1480)

    assert (0, message[:4096]) == placed(feed(timed(parts)))


def test_coalesced_packet_in_a_later_fragment(feed: Feeder) -> None:
    """What is coalesced behind an Initial stays closed in later fragments too."""
    initial = b"\xc0\0\0\0\1\x08SERVERID\0\0\x42\x58" + bytes(600)
    parts = fragments(wire(443).udp(TO_SERVER, initial + b"\xd0" + initial[1:19] + SHUT), 256)

    assert (0, initial) == placed(feed(timed(parts)))


def test_limit_is_of_the_same_datagram(feed: Feeder) -> None:
    """Where the Initials of a datagram end is not moved by another datagram that comes between its fragments."""
    talk, longer = wire(443), b"\xc0\0\0\0\1\x08SERVERID\0\0\x44\xb0" + bytes(1200)
    initial = b"\xc0\0\0\0\1\x08SERVERID\0\0\x42\x58" + bytes(600)
    first, *later = fragments(talk.udp(TO_SERVER, initial + b"\xd0" + initial[1:19] + SHUT), 256)
    slices = feed(timed([first, talk.udp(TO_SERVER, longer), *later]))

    assert [len(longer)] == [len(one.data) for one in slices if not one.flags]
    assert (0, initial) == placed(one for one in slices if one.flags)


def test_banner_is_of_the_first(feed: Feeder) -> None:
    """Of "anything else", only the first fragment is opened."""
    first = bytes(range(40))
    parts = fragments(wire(27015).udp(TO_SERVER, first + SHUT), 48)

    assert [first] == [one.data for one in feed(timed(parts))]


def test_interleaved_datagrams(feed: Feeder) -> None:
    """Fragments of two datagrams may alternate: each goes the way of its own first."""
    hello = names.query(7, crafted.NAME, "A") + bytes(500)
    both = wire(53)
    asked, other = fragments(both.udp(TO_SERVER, hello), 128), fragments(both.udp(TO_SERVER, SHUT), 128)
    mixed = [part for pair in zip(asked, other, strict=False) for part in pair]

    assert (0, hello) == placed(feed(timed(mixed)))
    assert [0] == feed.live()


def test_same_number_both_ways(feed: Feeder) -> None:
    """Both ends number their packets by themselves: fragments of the same number go the way of their own sender's first."""
    talk = wire(27015)
    asked, answered = (fragments(talk.udp(way, bytes(64) + SHUT), 200) for way in (TO_SERVER, TO_CLIENT))
    numbered = [part._replace(data=part.data[:18] + b"\0\7" + part.data[20:]) for part in [*asked, *answered]]
    firsts, later = [numbered[0], numbered[len(asked)]], [*numbered[1 : len(asked)], *numbered[len(asked) + 1 :]]
    feed(timed([*firsts, *later[:2]]))

    assert [(3, 1)] == [feed.gate.table.counts(slot)[0] for slot in feed.live()]
    feed(timed(later[2:]))
    assert [(len(asked), len(answered))] == [feed.gate.table.counts(slot)[0] for slot in feed.live()]


def test_answer_with_the_number_of_a_hello(feed: Feeder) -> None:
    """A server's fragment that bears the number of the client's Initial stays closed."""
    talk, initial = wire(443), b"\xc0\0\0\0\1\x08SERVERID\0\0\x42\x58" + bytes(600)
    hello, answer = fragments(talk.udp(TO_SERVER, initial), 256), fragments(talk.udp(TO_CLIENT, SHUT), 256)
    mixed = [
        part._replace(data=part.data[:18] + b"\0\7" + part.data[20:]) for part in (hello[0], answer[1], *hello[1:])
    ]

    assert (0, initial) == placed(feed(timed(mixed)))


# ---- Without a first fragment


@BOTH
@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_orphan(feed: Feeder, transport: str, ipv6: bool) -> None:
    """Fragments without their first are a flow between the addresses, without ports; nothing of them is opened."""
    ends = ends_of(FLOW, 443, ipv6=ipv6)
    if transport == "tcp":
        parts = tcp(443, HELLO + SHUT, 200, ipv6=ipv6)[1]
    else:
        parts = fragments(wire(443, ipv6=ipv6).udp(TO_SERVER, SHUT), 200)

    assert [] == feed(timed(parts[1:]))
    (slot,) = feed.live()
    assert Endpoints(ends.client, 0, ends.server, 0) == feed.gate.table.flow(slot).ends
    assert (len(parts) - 1, 0) == feed.gate.table.counts(slot)[0]


def test_later_fragments_first(feed: Feeder) -> None:
    """Later fragments that come before their first stay closed, and are counted apart."""
    parts = fragments(wire(53).udp(TO_SERVER, names.query(7, crafted.NAME, "A") + SHUT), 48)
    slices = feed(timed([parts[2], parts[1], parts[0]]))

    assert [0] == [one.offset for one in slices]
    assert 2 == len(feed.live())


def test_first_that_was_not_looked_at(feed: Feeder) -> None:
    """When the first fragment held no whole header, nobody knows where the later ones stand: they stay closed."""
    connection = TcpTalk(wire(443))
    packets = [*connection.open(), *connection.send(TO_SERVER, HELLO[:20])]
    (segment,) = connection.send(TO_SERVER, HELLO[20:400])

    assert (0, HELLO[:20]) == placed(feed(timed([*packets, *fragments(segment, 16)])))
    assert [0] == feed.live()


def test_row_of_the_first_has_gone(feed: Feeder) -> None:
    """When the first fragment's flow has been removed, and its row has another flow, later ones are orphans."""
    parts = fragments(wire(53).udp(TO_SERVER, names.query(7, crafted.NAME, "A") + SHUT), 48)
    feed(timed(parts[:1]))
    feed.remove([0])
    feed(timed([Wire(ends_of(FLOW + 1, 53)).udp(TO_SERVER, names.query(8, crafted.NAME, "A"))]))

    assert [] == feed(timed(parts[1:]))
    assert [1, len(parts) - 1] == [feed.gate.table.counts(slot)[0][0] for slot in feed.live()]


def test_row_of_the_first_is_free(feed: Feeder) -> None:
    """The same when the row is free and the addresses are zeros, as a free row's are: nothing is counted in it."""
    zeros = Wire(Endpoints(bytes(4), 68, bytes(4), 67))
    parts = fragments(zeros.udp(TO_SERVER, bytes(64) + SHUT), 200)
    feed(timed(parts[:1]))
    feed.remove([0])
    feed(timed(parts[1:]))
    feed.remove(feed.live())
    feed(timed([wire(53).udp(TO_SERVER, names.query(7, crafted.NAME, "A"))]))

    assert len(parts) + 1 == feed.gate.totals()["seen_packets"]


def test_fragments_of_a_tunnel(feed: Feeder) -> None:
    """A tunnel's packets in fragments are counted by the tunnel's ends; what they carry of other flows stays closed."""
    inner = wire(27015).udp(TO_SERVER, SHUT).data
    ends = Endpoints(b"\xc0\0\2\1", 49_999, b"\xc0\0\2\2", 4789)
    parts = fragments(Wire(ends).udp(TO_SERVER, b"\x08" + bytes(7) + inner), 512)

    assert [] == feed(timed(parts))
    assert [ends] == [feed.gate.table.flow(slot).ends for slot in feed.live()]


def test_atomic_fragment(feed: Feeder) -> None:
    """An IPv6 packet with a fragment header that is whole is a whole packet (RFC 6946)."""
    (atomic,) = fragments(wire(2222, ipv6=True).udp(TO_SERVER, b"open"), 4096)

    assert [(b"open", SliceFlag.END)] == [(one.data, one.flags) for one in feed(timed([atomic]))]


def test_more_fragments_than_are_remembered(feed: Feeder) -> None:
    """Newer first fragments take the place of older ones: what is forgotten is counted as orphans, never lost."""
    first, later = (part.data for part in fragments(wire(27015).udp(TO_SERVER, SHUT[:16]), 16))
    numbers = [number.to_bytes(2, "big") for number in range(6000)]
    for data in (first, later):
        for number in numbers:
            feed.gate.feed(data[:18] + number + data[20:], time_ns=START_NS)

    counts = {feed.gate.table.flow(slot).ends.server_port: feed.counts([slot])[0] for slot in feed.live()}
    assert {0, 27015} == set(counts)
    assert 12_000 == sum(counts.values())
    assert 6000 < counts[27015] <= 6000 + 4096
