"""The row "anything else": 64 bytes of the first payload packet, each way, once."""

import pytest

from agent.flow import Direction, Slice, SliceFlag, SliceKind
from agent.lab.canary import filled
from agent.lab.crafted import ends_of, timed
from agent.lab.frames import Packet
from agent.lab.stack import ACK, FIN, PSH, TcpTalk, Wire
from tests.gate.feeding import Feeder, kinds, placed

TO_SERVER, TO_CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT

LIMIT = 64
FLOW = 12
CLOSED = 1
PORT = 2222
OPEN = bytes(range(128, 128 + LIMIT))
"""What may be seen of every first payload here."""
SHUT = filled(FLOW, 200)


def said(feed: Feeder, port: int, transport: str, *lines: tuple[Direction, bytes]) -> list[Slice]:
    """Feeds a flow of which each line is one packet."""
    wire = Wire(ends_of(FLOW, port))
    if transport == "udp":
        return feed(timed([wire.udp(speaker, line) for speaker, line in lines]))
    connection = TcpTalk(wire)
    packets: list[Packet] = list(connection.open())
    for speaker, line in lines:
        packets += connection.send(speaker, line)
    return feed(timed(packets))


BOTH = pytest.mark.parametrize("transport", ["tcp", "udp"])


@BOTH
@pytest.mark.parametrize("size", [1, 3, 4, 63, 64])
def test_whole_packet(feed: Feeder, transport: str, size: int) -> None:
    """A first payload of up to 64 bytes is opened whole, and said to be so."""
    slices = said(feed, PORT, transport, (TO_SERVER, OPEN[:size]))

    assert [(SliceKind.BANNER, SliceFlag.END, OPEN[:size])] == [(one.kind, one.flags, one.data) for one in slices]


@BOTH
@pytest.mark.parametrize("size", [65, 200, 1400])
def test_start_of_packet(feed: Feeder, transport: str, size: int) -> None:
    """Of a longer one, 64 bytes are opened."""
    slices = said(feed, PORT, transport, (TO_SERVER, OPEN + filled(FLOW, size - LIMIT)))

    assert [(SliceKind.BANNER, 0, OPEN)] == [(one.kind, one.flags, one.data) for one in slices]


@BOTH
def test_once_each_way(feed: Feeder, transport: str) -> None:
    """Only the first payload each way is opened; then the gate closes the flow."""
    first = OPEN + SHUT
    slices = said(feed, PORT, transport, (TO_SERVER, first), (TO_SERVER, SHUT), (TO_CLIENT, first), (TO_CLIENT, SHUT))

    assert [(TO_SERVER, OPEN), (TO_CLIENT, OPEN)] == [(one.direction, one.data) for one in slices]
    assert CLOSED & int(feed.gate.table._rows["flags"][0])


@BOTH
def test_one_side_silent(feed: Feeder, transport: str) -> None:
    """The other side's first payload is opened whenever it comes."""
    slices = said(feed, PORT, transport, (TO_SERVER, OPEN), *[(TO_SERVER, SHUT)] * 5, (TO_CLIENT, OPEN + SHUT))

    assert [(TO_SERVER, OPEN), (TO_CLIENT, OPEN)] == [(one.direction, one.data) for one in slices]


def test_server_speaks_first(feed: Feeder) -> None:
    """A server that greets before the client has spoken is opened, and so is the client's answer."""
    slices = said(feed, 21, "tcp", (TO_CLIENT, OPEN + SHUT), (TO_CLIENT, SHUT), (TO_SERVER, OPEN + SHUT))

    assert [(TO_CLIENT, OPEN), (TO_SERVER, OPEN)] == [(one.direction, one.data) for one in slices]


def test_client_has_spoken_unseen(feed: Feeder) -> None:
    """A server that acknowledges what the tap has not seen answers rather than greets: it stays closed."""
    connection = TcpTalk(Wire(ends_of(FLOW, 21)))
    packets = list(connection.open())
    connection.skip(TO_SERVER, 100)
    packets += connection.send(TO_CLIENT, SHUT)

    assert [] == feed(timed(packets))


def test_server_speaks_first_without_its_syn(feed: Feeder) -> None:
    """Without the server's SYN its stream has no known beginning: it stays closed."""
    connection = TcpTalk(Wire(ends_of(FLOW, 21)))
    syn, _, _ = connection.open()

    assert [] == feed(timed([syn, *connection.send(TO_CLIENT, SHUT), *connection.send(TO_CLIENT, SHUT)]))


@pytest.mark.parametrize("speaker", [TO_SERVER, TO_CLIENT])
def test_second_packet_first(feed: Feeder, speaker: Direction) -> None:
    """What stands later in the stream is not its first payload, even when it comes first."""
    connection = TcpTalk(Wire(ends_of(FLOW, PORT)))
    late, begin = connection.at(speaker, 64, SHUT), connection.at(speaker, 0, OPEN)

    slices = feed(timed([*connection.open(), late, begin, late]))
    assert [(speaker, OPEN)] == [(one.direction, one.data) for one in slices]


def test_retransmission(feed: Feeder) -> None:
    """The first payload sent again, longer than before, is not opened again."""
    connection = TcpTalk(Wire(ends_of(FLOW, PORT)))
    packets = [*connection.open(), connection.at(TO_SERVER, 0, OPEN[:5]), connection.at(TO_SERVER, 0, OPEN[:5] + SHUT)]

    assert [OPEN[:5]] == [one.data for one in feed(timed(packets))]


def test_fin_with_data(feed: Feeder) -> None:
    """A first payload that comes with FIN is a first payload."""
    connection = TcpTalk(Wire(ends_of(FLOW, PORT)))
    packets = [*connection.open(), connection.at(TO_SERVER, 0, OPEN + SHUT, FIN | PSH | ACK)]

    assert [OPEN] == [one.data for one in feed(timed(packets))]


# ---- haproxy's PROXY line (version 1) before the stream


PROXY = b"PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n"
REQUEST = b"GET /" + SHUT[:32] + b" HTTP/1.1\r\nHost: www.crafted.example\r\n\r\n"


def test_proxy_line_is_passed_over(feed: Feeder) -> None:
    """The stream begins after the line; the line itself stays closed."""
    slices = said(feed, 80, "tcp", (TO_SERVER, PROXY + REQUEST))

    assert [b"GET", b" www.crafted.example"] == [one.data for one in slices]
    assert [0, REQUEST.index(b" www")] == [one.offset for one in slices]


@pytest.mark.parametrize("start", [b"PROXY ", b"PROXIMITY ", b"PROX", b"PROXY UNKNOWN " + b"x" * 93])
def test_no_proxy_line(feed: Feeder, start: bytes) -> None:
    """Without an end of line in 107 bytes it is no such line: what stands behind stays closed."""
    first = start + OPEN[: max(0, LIMIT - len(start))] + SHUT
    slices = said(feed, PORT, "tcp", (TO_SERVER, first))

    assert (0, first[:LIMIT]) == placed(slices)


def test_proxy_line_before_a_hello(feed: Feeder) -> None:
    """A ClientHello after the line is opened to its end, from the line's end on."""
    body = bytes(range(60))
    hello = b"\x16\x03\x01\0\x40\x01\0\0\x3c" + body
    slices = said(feed, PORT, "tcp", (TO_SERVER, PROXY + hello + SHUT))

    assert [SliceKind.TLS] == kinds(slices)
    assert (0, hello) == placed(slices)
