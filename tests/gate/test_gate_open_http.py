"""The HTTP row: the method and the value of the first request's Host line; never a path, a cookie or a body."""

import pytest

from agent.flow import Direction, Slice, SliceFlag, SliceKind
from agent.gate.native import NativeGate
from agent.lab.canary import filled
from agent.lab.crafted import BODY_NAME, ends_of, http, timed
from agent.lab.dialogues import http_request
from agent.lab.frames import Packet
from agent.lab.stack import TcpTalk, Wire
from tests.gate.feeding import Feeder, kinds, placed

TO_SERVER, TO_CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT

SEARCH_BYTES, HOST_BYTES = 2048, 256
FLOW = 9
CLOSED = 1
NAME = b" www.crafted.example"
"""With the space that follows the colon."""

METHODS = (
    *("GET", "PUT", "POST", "HEAD", "PATCH", "TRACE", "DELETE", "OPTIONS", "CONNECT", "MOVE", "COPY", "LOCK", "MKCOL"),
    *("UNLOCK", "REPORT", "PROPFIND", "PROPPATCH", "SEARCH", "NOTIFY", "SUBSCRIBE"),
)


def talk() -> TcpTalk:
    """A connection to port 80."""
    return TcpTalk(Wire(ends_of(FLOW, 80)), mss_bytes=60_000)


def sent(data: bytes, cuts: tuple[int, ...] = ()) -> list[Packet]:
    """A connection whose client says `data`, in segments that begin at `cuts`."""
    connection = talk()
    return [*connection.open(), *connection.send(TO_SERVER, data, cuts)]


def host_of(slices: list[Slice]) -> tuple[bytes, bool]:
    """The Host value, and whether it was said to be complete."""
    parts = [one for one in slices if one.kind == SliceKind.HTTP_HOST]
    return b"".join(one.data for one in parts), bool(parts and parts[-1].flags & SliceFlag.END)


def method_of(slices: list[Slice]) -> list[bytes]:
    """The methods that were opened."""
    return [one.data for one in slices if one.kind == SliceKind.HTTP_METHOD]


def closed(feed: Feeder) -> bool:
    """Whether the only flow has been closed by the gate."""
    (slot,) = feed.live()
    return bool(feed.gate.table._rows["flags"][slot] & CLOSED)


def padded(host_line: bytes, line_at: int) -> bytes:
    """A request whose Host line begins at a place; a marked line fills what is before it."""
    head = b"GET /" + filled(FLOW, 30) + b" HTTP/1.1\r\nCookie: "
    return head + filled(FLOW, line_at - len(head) - 2) + b"\r\n" + host_line + b"\r\n\r\n" + filled(FLOW, 300)


@pytest.mark.parametrize("method", METHODS)
def test_method_and_host_only(feed: Feeder, method: str) -> None:
    """Of a request with path, cookie and body, the method and the Host value are opened, and the flow is closed."""
    request = http_request(FLOW, "www.crafted.example", body_bytes=400)
    slices = feed(timed(sent(method.encode() + b" " + request.split(b" ", 1)[1])))

    assert [SliceKind.HTTP_METHOD, SliceKind.HTTP_HOST] == kinds(slices)
    assert [method.encode()] == method_of(slices)
    assert (NAME, True) == host_of(slices)
    assert closed(feed)


def test_where_they_stand(feed: Feeder) -> None:
    """A slice's offset is the place of its bytes in the stream; it knows its packet's length and time."""
    request = http_request(FLOW, "www.crafted.example")
    frames = timed(sent(request))
    feed(frames[:-1])
    batch = feed.feed_one(frames[-1])

    assert [0, request.index(NAME)] == [one.offset for one in batch.slices]
    assert [frames[-1].time_ns] * 2 == [one.time_ns for one in batch.slices]
    assert [len(request)] * 2 == batch.payload_bytes


@pytest.mark.parametrize("method", [b"FETCH", b"get", b"GETS", b"POSTS", b"GET\t", b"PRI"])
def test_no_method(feed: Feeder, method: bytes) -> None:
    """What begins with no known method is "anything else": 64 bytes, and no Host."""
    request = method + b" / HTTP/1.1\r\nX: " + b"x" * 64 + b"\r\nHost: " + filled(FLOW, 40) + b"\r\n\r\n"

    slices = feed(timed(sent(request)))
    assert [SliceKind.BANNER] == kinds(slices)
    assert (0, request[:64]) == placed(slices)


REQUEST = http_request(FLOW, "www.crafted.example", body_bytes=100)


def test_cut_anywhere(feed: Feeder) -> None:
    """A request cut into two segments at any byte gives the same Host bytes."""
    for cut in range(len(REQUEST)):
        slices = feed(timed(sent(REQUEST, (cut,))))
        assert (NAME, True) == host_of(slices)
        assert method_of(slices) == ([] if 0 < cut < 8 else [b"POST"])
        feed.remove(feed.live())


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 8, 13])
def test_cut_everywhere(feed: Feeder, size: int) -> None:
    """A request in tiny segments gives the same Host bytes."""
    slices = feed(timed(sent(REQUEST, tuple(range(size, len(REQUEST), size)))))

    assert (NAME, True) == host_of(slices)


@pytest.mark.parametrize("start", [b"USER", b"STARTTLS", b"G", b"HELO a\r\n"])
def test_begins_like_a_method(feed: Feeder, start: bytes) -> None:
    """A short first segment that might become a method is waited for; if it does not, nothing after it is opened."""
    slices = feed(timed(sent(start + filled(FLOW, 300), (len(start),))))

    assert start.startswith(b"".join(one.data for one in slices))


@pytest.mark.parametrize("line", [b"Host:", b"host:", b"HOST:", b"hOsT:"])
@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_spelling(feed: Feeder, line: bytes, end: bytes) -> None:
    """The word Host is found in any case, and lines may end without a carriage return."""
    request = end.join([b"GET / HTTP/1.1", b"X: " + filled(FLOW, 30), line + NAME, b"Y: z", b"", b""])

    assert (NAME, True) == host_of(feed(timed(sent(request))))


@pytest.mark.parametrize("line", [b"X-Host: ", b" Host: ", b"Hostess: ", b"Hos: ", b"Host : ", b"x\rHost: "])
def test_other_words(feed: Feeder, line: bytes) -> None:
    """A line that only resembles Host is not opened."""
    request = b"GET / HTTP/1.1\r\n" + line + filled(FLOW, 40) + b"\r\n\r\n"

    assert (b"", False) == host_of(feed(timed(sent(request))))


@pytest.mark.parametrize("line_at", [*range(508, 524), *range(1020, 1036), *range(1532, 1548)])
def test_across_the_ends_of_chunks(feed: Feeder, line_at: int) -> None:
    """The head is searched by 512 bytes, from its ninth on; a line that two of them share is found."""
    assert (NAME, True) == host_of(feed(timed(sent(padded(b"Host:" + NAME, line_at)))))


@pytest.mark.parametrize(
    ("end", "expected"),
    [(2040, True), (2047, True), (2048, False), (2049, False), (2060, False)],
)
def test_search_ends_after_2_kib(feed: Feeder, end: int, expected: bool) -> None:
    """The value is complete when its line's end lies within the first 2048 bytes; `end` is where that stands."""
    line = b"Host:" + NAME
    slices = feed(timed(sent(padded(line, end - len(line)))))
    value, complete = host_of(slices)

    assert expected == complete
    assert NAME[: max(0, SEARCH_BYTES - (end - len(NAME)))] == value
    assert closed(feed)


@pytest.mark.parametrize("cuts", [(), (700, 1400), (2047,), (2048,), (2049,)])
def test_host_beyond_2_kib(feed: Feeder, cuts: tuple[int, ...]) -> None:
    """A Host line that begins after 2 KiB is not found, and the flow is closed."""
    request = padded(b"Host: " + filled(FLOW, 30), SEARCH_BYTES)

    assert [SliceKind.HTTP_METHOD] == kinds(feed(timed(sent(request, cuts))))
    assert closed(feed)


@pytest.mark.parametrize(("size", "opened", "complete"), [(255, 255, True), (257, 256, False), (1500, 256, False)])
@pytest.mark.parametrize("step", [0, 1, 100, 255, 256])
def test_value_is_cut(feed: Feeder, size: int, opened: int, complete: bool, step: int) -> None:
    """Of a longer value, 256 bytes are opened, and it is not said to be complete."""
    value = b"h" * 256 + filled(FLOW, size - 256) if size > 256 else b"h" * size
    start = b"GET / HTTP/1.1\r\nHost:"
    cuts = tuple(range(len(start), 2000, step)) if step else ()
    slices = feed(timed(sent(start + value + b"\r\n\r\n", cuts)))

    assert (value[:opened], complete) == host_of(slices)
    assert closed(feed)


@pytest.mark.parametrize(("step", "complete"), [(0, True), (100, True), (255, True), (1, False), (256, False)])
def test_value_of_256_bytes(feed: Feeder, step: int, complete: bool) -> None:
    """A value of just 256 bytes is opened whole, and said to be complete when its line ends in the same segment."""
    value = b"h" * 256
    start = b"GET / HTTP/1.1\r\nHost:"
    cuts = tuple(range(len(start), 2000, step)) if step else ()

    assert (value, complete) == host_of(feed(timed(sent(start + value + b"\r\n\r\n", cuts))))
    assert closed(feed)


def test_empty_value(feed: Feeder) -> None:
    """An empty Host is a complete value of no bytes."""
    slices = feed(timed(sent(b"GET / HTTP/1.1\r\nHost:\r\n\r\n")))

    assert [(b"", SliceFlag.END)] == [(one.data, one.flags) for one in slices if one.kind == SliceKind.HTTP_HOST]


@pytest.mark.parametrize("blank", [b"\r\n\r\n", b"\n\n", b"\r\n\n"])
def test_body_is_not_searched(feed: Feeder, blank: bytes) -> None:
    """The search ends with the head: a line of the body is not the Host line, wherever the segments end."""
    head = b"POST /" + filled(FLOW, 40) + b" HTTP/1.0\r\nContent-Length: 99" + blank
    request = head + b"\r\nHost: " + BODY_NAME + b"\r\n" + filled(FLOW, 100)
    for cut in range(len(request)):
        slices = feed(timed(sent(request, (cut,))))
        assert (b"", False) == host_of(slices)
        assert closed(feed)
        feed.remove(feed.live())


def test_second_request_and_answers(feed: Feeder) -> None:
    """Only the first request is read; answers, also those with a Host line, stay closed."""
    connection = talk()
    packets = [*connection.open(), *connection.send(TO_SERVER, http_request(FLOW, "one.example"))]
    packets += connection.send(TO_CLIENT, b"HTTP/1.1 200 OK\r\nHost: " + filled(FLOW, 64) + b"\r\n\r\n")
    packets += connection.send(TO_SERVER, b"GET / HTTP/1.1\r\nHost: " + filled(FLOW, 64) + b"\r\n\r\n")

    assert (b" one.example", True) == host_of(feed(timed(packets)))


def test_request_before_its_answer_is_slow(feed: Feeder) -> None:
    """An answer that comes before the head is whole opens nothing of either side beyond Host."""
    connection = talk()
    start, rest = REQUEST[:20], REQUEST[20:]
    packets = [*connection.open(), *connection.send(TO_SERVER, start)]
    packets += connection.send(TO_CLIENT, b"HTTP/1.1 408 " + filled(FLOW, 64))
    packets += connection.send(TO_SERVER, rest)

    slices = feed(timed(packets))
    assert {TO_SERVER} == {one.direction for one in slices}
    assert (NAME, True) == host_of(slices)


def test_hole(feed: Feeder) -> None:
    """What comes after a hole cannot be told from a body: it stays closed until the hole is filled in order."""
    connection = talk()
    parts = [connection.at(TO_SERVER, start, REQUEST[start : start + 40]) for start in range(0, len(REQUEST), 40)]
    frames = timed([*connection.open(), parts[0], *parts[2:]])
    assert [SliceKind.HTTP_METHOD] == kinds(feed(frames))

    assert (NAME, True) == host_of(feed(timed(parts[1:])))


def test_retransmissions(feed: Feeder) -> None:
    """Segments sent again, or overlapping what was searched, give no byte of the value twice."""
    connection = talk()
    sizes = [(start, 60) for start in range(0, len(REQUEST), 25)]
    parts = [connection.at(TO_SERVER, start, REQUEST[start : start + size]) for start, size in sizes]
    frames = timed([*connection.open(), *(part for part in parts for _ in range(2))])

    assert (NAME, True) == host_of(feed(frames))


def test_lab_cases_have_no_more(feed: Feeder) -> None:
    """The lab's own request and answer: the method and the name."""
    slices = feed(http(FLOW))

    assert [b"POST"] == method_of(slices)
    assert (NAME, True) == host_of(slices)


@pytest.mark.parametrize("cut", [1, 7, 9, 40, 120])
def test_searched_bytes_do_not_stay_in_the_row(gate: NativeGate, feed: Feeder, cut: int) -> None:
    """A row is memory that the process can read: of a head that was searched, no path and no cookie stays in it."""
    secret = b"/se-cret?" + bytes(filled(FLOW, 64)) + b" HTTP/1.1\r\nCookie: " + bytes(filled(FLOW, 64))
    feed(timed(sent(b"GET " + secret, (cut,))))

    window = int(gate.table._rows["window"][0])
    kept = window.to_bytes(8, "big").lstrip(b"\0") + window.to_bytes(8, "little").rstrip(b"\0")
    assert b"" == kept or b"\n" in kept


def test_head_cut_inside_the_word_leaves_only_the_word(gate: NativeGate, feed: Feeder) -> None:
    """What may begin "Host:" is kept over a segment's end, and nothing before it."""
    feed(timed(sent(b"GET /path HTTP/1.1\r\nHo")))

    assert b"\nho" == int(gate.table._rows["window"][0]).to_bytes(8, "big").lstrip(b"\0")
