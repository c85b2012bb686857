"""The TLS row: client to server, to the end of the ClientHello, 16 KiB at most; any segments, records and order."""

import random
from itertools import pairwise, permutations

import pytest

from agent.flow import Direction, SliceKind
from agent.lab.canary import filled
from agent.lab.crafted import ends_of, timed, tls
from agent.lab.frames import Packet
from agent.lab.hellos import CHROME, client_hello, records, sealed_records, server_flight
from agent.lab.stack import TcpTalk, Wire
from tests.gate.feeding import Feeder, kinds, placed

TO_SERVER, TO_CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT

LIMIT = 16384
FLOW = 7
CLOSED = 1

SEALED = sealed_records(FLOW, 200)
KEY_EXCHANGE = records(b"\x10" + (120).to_bytes(3, "big") + filled(FLOW, 120))
"""A handshake record that is no ClientHello: what a client of TLS 1.2 says next."""


def hello(message_bytes: int) -> bytes:
    """A handshake message of type ClientHello, so many bytes in all, whose body is numbers."""
    body = bytes(index * 7 % 251 for index in range(message_bytes - 4))
    return b"\x01" + len(body).to_bytes(3, "big") + body


def talk(port: int = 443) -> TcpTalk:
    """A connection to that port."""
    return TcpTalk(Wire(ends_of(FLOW, port)), mss_bytes=60_000)


def sent(data: bytes, cuts: tuple[int, ...] = (), *, port: int = 443) -> list[Packet]:
    """A connection whose client says `data`, in segments that begin at `cuts`."""
    connection = talk(port)
    return [*connection.open(), *connection.send(TO_SERVER, data, cuts)]


HELLO = records(hello(60))


@pytest.mark.parametrize("after", [SEALED, KEY_EXCHANGE], ids=["sealed record", "handshake record"])
@pytest.mark.parametrize("cut", range(len(HELLO) + 8))
def test_end_is_exact(feed: Feeder, cut: int, after: bytes) -> None:
    """Wherever the stream is cut into two segments, the hello is opened to its last byte, and not one byte more."""
    assert (0, HELLO) == placed(feed(timed(sent(HELLO + after, (cut,)))))


@pytest.mark.parametrize("port", [4444, 8444])
def test_end_is_exact_on_other_ports(feed: Feeder, port: int) -> None:
    """A hello is known by its look on any port, once its first segment shows a record and the message's type."""
    for cut in range(6, len(HELLO) + 8):
        slices = feed(timed(sent(HELLO + SEALED, (cut,), port=port)))
        assert (0, HELLO) == placed(slices)
        feed.remove(feed.live())


@pytest.mark.parametrize("cut", range(1, 6))
def test_too_short_to_tell_on_other_ports(feed: Feeder, cut: int) -> None:
    """Elsewhere a first segment too short to show a hello is "anything else": itself is opened, and no more."""
    slices = feed(timed(sent(HELLO + SEALED, (cut,), port=4444)))

    assert [SliceKind.BANNER] == kinds(slices)
    assert (0, HELLO[:cut]) == placed(slices)


def test_one_byte_segments(feed: Feeder) -> None:
    """A hello of one-byte segments is opened to its end, also when it fills several records."""
    stream = records(hello(60), (20, 41))
    assert (0, HELLO) == placed(feed(timed(sent(HELLO + SEALED, tuple(range(len(HELLO) + 1))))))
    feed.remove(feed.live())
    assert (0, stream) == placed(feed(timed(sent(stream + SEALED, tuple(range(len(stream)))))))


@pytest.mark.parametrize("after", [SEALED, KEY_EXCHANGE], ids=["sealed record", "handshake record"])
@pytest.mark.parametrize(
    "cuts", [(4,), (5,), (30,), (59,), (4, 5, 6), (10, 20, 30, 40, 50), (10, 20, 30, 31, 32, 33, 34)]
)
def test_end_is_exact_over_records(feed: Feeder, cuts: tuple[int, ...], after: bytes) -> None:
    """Each record's header moves the end by five bytes, and what follows the hello stays closed."""
    stream = records(hello(60), cuts)

    assert (0, stream) == placed(feed(timed(sent(stream + after))))


@pytest.mark.parametrize("after", [SEALED, KEY_EXCHANGE], ids=["sealed record", "handshake record"])
@pytest.mark.parametrize("first", [1, 2, 3])
def test_length_of_the_message_over_two_records(feed: Feeder, first: int, after: bytes) -> None:
    """A first record too short for the message's length does not let more be opened than the hello."""
    stream = records(hello(60), (first,))

    assert (0, stream) == placed(feed(timed(sent(stream + after))))


@pytest.mark.parametrize("first", [1, 2, 3])
def test_length_of_the_message_over_two_segments(feed: Feeder, first: int) -> None:
    """The same, cut into segments within that length: less may be opened, but not more."""
    stream = records(hello(60), (first,))
    for cut in range(1, 24):
        opened = placed(feed(timed(sent(stream + KEY_EXCHANGE, (cut,)))))[1]
        assert stream.startswith(opened)
        feed.remove(feed.live())


@pytest.mark.parametrize("segments", [(), (3,), (700, 1400)])
def test_many_records_never_open_more(feed: Feeder, segments: tuple[int, ...]) -> None:
    """More records than the gate follows in a segment: at least the message's length is opened, never what follows."""
    stream = records(hello(1600), range(40, 1600, 40))
    opened = placed(feed(timed(sent(stream + KEY_EXCHANGE, segments))))[1]

    assert stream.startswith(opened)
    assert len(opened) >= 1605


@pytest.mark.parametrize("after", [SEALED, KEY_EXCHANGE], ids=["sealed record", "handshake record"])
@pytest.mark.parametrize("cut", range(30, 45))
def test_record_header_in_two_segments(feed: Feeder, cut: int, after: bytes) -> None:
    """A later record's header that is cut by a segment's end is put together: the hello's end is exact."""
    stream = records(hello(60), (30,))

    assert (0, stream) == placed(feed(timed(sent(stream + after, (cut,)))))


@pytest.mark.parametrize("order", list(permutations((1, 2, 3))))
def test_record_header_in_segments_out_of_order(feed: Feeder, order: tuple[int, ...]) -> None:
    """So it is in whichever order they come, once the hello's beginning is there."""
    stream, connection = records(hello(60), (30,)), talk()
    cuts = (0, 20, 36, 38, len(stream) + len(KEY_EXCHANGE))
    said = stream + KEY_EXCHANGE
    parts = [connection.at(TO_SERVER, begin, said[begin:end]) for begin, end in pairwise(cuts)]
    opened = placed(feed(timed([*connection.open(), *(parts[index] for index in (0, *order))])))

    assert (0, stream) == opened


@pytest.mark.parametrize("cut", range(64, 72))
def test_hello_that_claims_more_than_there_is(feed: Feeder, cut: int) -> None:
    """Where a record of another type comes instead of the rest, the hello ends, wherever its header is cut."""
    stream = HELLO[:6] + b"\xff\xff\xff" + HELLO[9:]

    assert (0, stream) == placed(feed(timed(sent(stream + SEALED, (cut,)))))


@pytest.mark.parametrize(("stream_bytes", "opened_bytes"), [(LIMIT - 1, LIMIT - 1), (LIMIT, LIMIT), (LIMIT + 1, LIMIT)])
def test_window(feed: Feeder, stream_bytes: int, opened_bytes: int) -> None:
    """A hello of 16 KiB is opened whole; of a longer one, the first 16 KiB."""
    stream = records(hello(stream_bytes - 10), (16_000,))
    assert stream_bytes == len(stream)

    assert (0, stream[:opened_bytes]) == placed(feed(timed(sent(stream + SEALED))))
    assert {"tls": opened_bytes} == {kind: count for kind, count in feed.gate.opened_bytes().items() if count}


def test_window_of_an_endless_hello(feed: Feeder) -> None:
    """A hello that claims 16 MiB and goes on in 1 KiB segments ends at 16 KiB, and stays ended."""
    stream = b"\x16\x03\x01\x40\x00\x01\xff\xff\xff" + bytes(LIMIT - 9)
    frames = timed(sent(stream + filled(FLOW, 40_000), tuple(range(1024, 60_000, 1024))))

    assert (0, stream) == placed(feed(frames))


@pytest.mark.parametrize(("size", "times"), [(LIMIT // 2, 2), (LIMIT // 2 + 1, 1), (LIMIT // 4, 4), (LIMIT, 1)])
def test_retransmissions_share_the_window(feed: Feeder, size: int, times: int) -> None:
    """Hellos sent again are opened again until 16 KiB have left the gate in all; then the flow is closed."""
    stream = records(hello(size - 5))
    connection = talk()
    frames = timed([*connection.open(), *(connection.at(TO_SERVER, 0, stream) for _ in range(8))])

    assert [stream] * times == [one.data for one in feed(frames)]
    assert CLOSED & int(feed.gate.table._rows["flags"][0])


def test_second_half_first(feed: Feeder) -> None:
    """Towards a port of TLS, the hello's second half may come first; sealed records after it stay closed."""
    slices = feed(tls(FLOW, order=(1, 0)))
    start, stream = placed(slices)
    assert 0 == start
    assert b"\x16\x03\x01" == stream[:3]
    assert int.from_bytes(stream[3:5], "big") + 5 == len(stream)


def test_second_half_first_on_another_port(feed: Feeder) -> None:
    """Elsewhere nothing says that it is TLS: what comes before its beginning stays closed, the beginning is opened."""
    frames = tls(FLOW, order=(1, 0), port=4444)
    assert [] == feed(frames[:4])

    start, stream = placed(feed(frames[4:]))
    assert (0, 1400) == (start, len(stream))


def test_second_half_of_something_else(feed: Feeder) -> None:
    """When the beginning turns out to be no hello, it stays closed, and so does all that follows."""
    connection = talk()
    early = b"\x00" * 100
    frames = timed(
        [
            *connection.open(),
            connection.at(TO_SERVER, 300, early),
            connection.at(TO_SERVER, 0, filled(FLOW, 300)),
            connection.at(TO_SERVER, 400, filled(FLOW, 300)),
        ]
    )

    assert [early] == [one.data for one in feed(frames)]


def test_beginning_said_anew(feed: Feeder) -> None:
    """A hello in the place of a byte that might have begun a request is opened to its end, and no further."""
    connection = talk()
    packets = [*connection.open(), connection.at(TO_SERVER, 0, b"G"), connection.at(TO_SERVER, 0, HELLO + SEALED)]

    assert (0, HELLO) == placed(feed(timed(packets)))


@pytest.mark.parametrize("head", [b"\x00\x01\x02", b"\x16\x01\x03", b"\x16\x03\x05", b"\x04\x03\x01", b"\x16\x03\x03"])
def test_what_is_no_client_hello(feed: Feeder, head: bytes) -> None:
    """After an early segment, a beginning with another record type, version or message is not opened."""
    connection = talk()
    kind = b"\x02" if head == b"\x16\x03\x03" else b"\x01"
    begin = head + b"\x01\x00" + kind + b"\x00\x00\xfc" + filled(FLOW, 252)
    frames = timed([*connection.open(), connection.at(TO_SERVER, 261, bytes(10)), connection.at(TO_SERVER, 0, begin)])

    assert [bytes(10)] == [one.data for one in feed(frames)]


def test_another_handshake_message(feed: Feeder) -> None:
    """A handshake record that holds no ClientHello is "anything else", which is 64 bytes."""
    stream = records(b"\x02" + (300).to_bytes(3, "big") + bytes(60) + filled(FLOW, 240))

    slices = feed(timed(sent(stream)))
    assert [SliceKind.BANNER] == kinds(slices)
    assert (0, stream[:64]) == placed(slices)


def test_server_is_never_opened(feed: Feeder) -> None:
    """Nothing of the server's flight is opened, though it begins with a handshake record and holds the certificate."""
    connection = talk()
    packets = [*connection.open(), *connection.send(TO_SERVER, HELLO)]
    packets += connection.send(TO_CLIENT, server_flight(random.Random(1), FLOW, tls13=False))
    packets += connection.send(TO_SERVER, KEY_EXCHANGE + SEALED)

    slices = feed(timed(packets))
    assert {TO_SERVER} == {one.direction for one in slices}
    assert (0, HELLO) == placed(slices)


def test_real_hello_is_whole(feed: Feeder) -> None:
    """What is opened of a browser's connection is its hello, byte for byte."""
    rng = random.Random(FLOW)
    stream = records(client_hello(rng, "www.crafted.example", browser=CHROME))

    assert (0, stream) == placed(feed(tls(FLOW, cuts=(5, 200, 201), order=(3, 1, 4, 2, 0))))
