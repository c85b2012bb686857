"""What holds for every row: streams are placed right, a seal is never broken, no canary of the lab gets out."""

import pytest

from agent.flow import Direction, Slice, SliceKind
from agent.gate.native import NativeGate
from agent.lab import crafted, envelopes, names
from agent.lab.canary import PREFIX, filled
from agent.lab.crafted import ends_of, timed
from agent.lab.dialogues import http_request
from agent.lab.hellos import records, sealed_records
from agent.lab.stack import ACK, PSH, SYN, TcpTalk, Wire
from tests.gate.feeding import Feeder, kinds, placed

TO_SERVER, TO_CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT

FLOW = 13
CLOSED = 1
LATCH_BYTES = 1 << 20
BODY = bytes(index % 251 for index in range(600))
HELLO = records(b"\x01" + len(BODY).to_bytes(3, "big") + BODY)
REQUEST = http_request(FLOW, "www.crafted.example")
SHUT = filled(FLOW, 200)


def talk(port: int = 443, initial: tuple[int, int] = (1000, 2000)) -> TcpTalk:
    """A connection to that port."""
    return TcpTalk(Wire(ends_of(FLOW, port)), initial_sequences=initial, mss_bytes=60_000)


def is_closed(feed: Feeder, slot: int = 0) -> bool:
    """Whether the gate has closed the flow."""
    return bool(feed.gate.table._rows["flags"][slot] & CLOSED)


# ---- The lab's corner cases


@pytest.mark.parametrize("name", crafted.CASES)
def test_lab_case(feed: Feeder, name: str) -> None:
    """Of every corner case, no canary gets out, and all is counted (both by `feed`)."""
    frames = crafted.CASES[name]()
    feed(frames)

    assert len(frames) == feed.gate.totals()["seen_packets"]
    assert 0 == feed.gate.totals()["undecodable_packets"]


@pytest.mark.parametrize("envelope", envelopes.ENVELOPES)
@pytest.mark.parametrize("name", ["tls-reordered", "tls-ipv6", "http", "quic", "dns-https", "ftp", "unknown-udp"])
def test_lab_case_in_an_envelope(feed: Feeder, name: str, envelope: str) -> None:
    """What is opened does not depend on the envelope."""
    frames = crafted.CASES[name]()
    plain = [one._replace(slot=0) for one in feed(frames)]
    feed.remove(feed.live())
    inside = feed(envelopes.enclosed(frames, envelopes.ENVELOPES[envelope]))

    assert plain == [one._replace(slot=0) for one in inside]


def test_widened_window_lets_canaries_out() -> None:
    """The control: with every window wider than it should be, the search for canaries does find them."""
    gate = NativeGate(max_flows=64, widen_bytes=4096)
    found = b"".join(one.data for frame in crafted.tls(FLOW) for one in gate.feed(frame.data, time_ns=1).slices)
    gate.close()

    assert PREFIX in found


# ---- Where a stream begins


@pytest.mark.parametrize("initial", [0, 2**32 - 1, 2**32 - 2, 2**32 - 300, 2**31 - 300, 2**31])
def test_sequence_numbers_wrap(feed: Feeder, initial: int) -> None:
    """Wherever the sequence numbers begin and wrap, offsets count from the stream's first byte."""
    connection = talk(initial=(initial, 2**32 - 1))
    slices = feed(timed([*connection.open(), *connection.send(TO_SERVER, HELLO + SHUT, (200, 400))]))

    assert [0, 200, 400] == [one.offset for one in slices]
    assert (0, HELLO) == placed(slices)


@pytest.mark.parametrize("part", [0, 100, 300, len(HELLO)])
@pytest.mark.parametrize("accepted", [True, False])
def test_data_on_syn(feed: Feeder, part: int, accepted: bool) -> None:
    """With TCP Fast Open (RFC 7413) the stream begins on the SYN, whether or not the server takes its data."""
    wire = Wire(ends_of(FLOW, 443))
    taken = part if accepted else 0
    packets = [
        wire.tcp(TO_SERVER, 1000, 0, SYN, HELLO[:part]),
        wire.tcp(TO_CLIENT, 2000, 1001 + taken, SYN | ACK),
        wire.tcp(TO_SERVER, 1001 + taken, 2001, ACK | PSH, HELLO[taken:] + SHUT),
        wire.tcp(TO_CLIENT, 2001, 1001 + len(HELLO), ACK | PSH, SHUT),
    ]

    assert (0, HELLO) == placed(feed(timed(packets)))


def test_syn_not_seen(feed: Feeder) -> None:
    """Without the client's SYN, the server's answer to it tells where both streams begin."""
    connection = talk()
    _, answer, _ = connection.open()
    late, first = connection.at(TO_SERVER, 300, HELLO[300:]), connection.at(TO_SERVER, 0, HELLO[:300])

    assert (0, HELLO) == placed(feed(timed([answer, late, first])))


def test_keep_alive_probe(feed: Feeder) -> None:
    """A probe of the byte before the stream opens nothing, and disturbs nothing."""
    connection = talk()
    probe = connection.at(TO_SERVER, -1, b"\0")
    slices = feed(timed([*connection.open(), probe, *connection.send(TO_SERVER, HELLO, (300,)), probe]))

    assert (0, HELLO) == placed(slices)
    assert not is_closed(feed)


def test_first_half_lost(feed: Feeder) -> None:
    """When the hello's beginning is lost, the server's answer ends the wait: sealed records stay closed."""
    connection = talk()
    packets = [*connection.open(), connection.at(TO_SERVER, 300, HELLO[300:])]
    connection.skip(TO_SERVER, len(HELLO))
    packets += connection.send(TO_CLIENT, sealed_records(FLOW, 3000))
    packets += connection.send(TO_SERVER, sealed_records(FLOW, 3000))

    assert (300, HELLO[300:]) == placed(feed(timed(packets)))


@pytest.mark.parametrize(("offset", "closes"), [(LATCH_BYTES - 1, False), (LATCH_BYTES, True), (2**31 - 1, True)])
def test_latch(feed: Feeder, offset: int, closes: bool) -> None:
    """A stream that is 1 MiB on is closed for good, so that wrapped sequence numbers cannot reopen it."""
    connection = talk()
    feed(timed([*connection.open(), connection.at(TO_SERVER, offset, SHUT)]))
    assert closes == is_closed(feed)

    slices = feed(timed(connection.send(TO_SERVER, HELLO)))
    assert (0, b"" if closes else HELLO) == placed(slices)


@pytest.mark.parametrize(
    ("port", "first"), [(443, HELLO), (2222, b"x"), (53, names.over_tcp(names.query(1, "a.example", "A")))]
)
def test_wrapped_stream_is_not_reopened(feed: Feeder, port: int, first: bytes) -> None:
    """After 4 GiB, the same sequence numbers come again: nothing is opened a second time."""
    connection = talk(port)
    packets = [*connection.open(), *connection.send(TO_SERVER, first)]
    packets += [connection.at(TO_SERVER, offset, SHUT) for offset in range(1 << 28, 1 << 32, 1 << 28)]
    packets += [connection.at(TO_SERVER, offset, SHUT) for offset in range(0, 3000, 200)]

    assert [first] == [one.data for one in feed(timed(packets))]


# ---- Flows whose start was not seen


MIDSTREAM = {
    "sealed records": (443, sealed_records(FLOW, 300)),
    "sealed records on another port": (4444, sealed_records(FLOW, 300)),
    "another handshake record": (443, records(b"\x10" + (200).to_bytes(3, "big") + SHUT)),
    "text": (21, SHUT),
    "one byte": (443, b"H"),
    "short, towards DNS": (53, b"HW-CANARY-"),
    "no DNS": (53, SHUT),
}


@pytest.mark.parametrize("what", MIDSTREAM)
@pytest.mark.parametrize("first", [TO_SERVER, TO_CLIENT])
def test_midstream(feed: Feeder, what: str, first: Direction) -> None:
    """Of a flow met midstream, nothing is opened, either way, then or later."""
    port, data = MIDSTREAM[what]
    connection = talk(port)
    packets = [*connection.send(first, data), *connection.send(Direction(1 - first), data)]
    packets += [*connection.send(TO_SERVER, data), *connection.send(TO_SERVER, HELLO)]

    assert [] == feed(timed(packets))
    assert is_closed(feed)


@pytest.mark.parametrize("port", [443, 4444])
def test_hello_midstream(feed: Feeder, port: int) -> None:
    """A ClientHello is a beginning, though the SYN was not seen; the server stays closed."""
    connection = talk(port)
    packets = [*connection.send(TO_SERVER, HELLO + SHUT, (300,)), *connection.send(TO_CLIENT, SHUT)]

    assert (0, HELLO) == placed(feed(timed(packets)))


def test_request_midstream(feed: Feeder) -> None:
    """So is an HTTP request."""
    connection = talk(80)
    packets = [*connection.send(TO_SERVER, REQUEST, (100,)), *connection.send(TO_CLIENT, SHUT)]

    assert [b"GET", b" www.crafted.example"] == [one.data for one in feed(timed(packets))]


# ---- Addresses that only serve personal online accounts


def personal(feed: Feeder, port: int) -> bytes:
    """Names the server's address, and returns it."""
    address = ends_of(FLOW, port).server
    assert feed.gate.add_personal(address)
    return address


@pytest.mark.parametrize(("port", "data"), [(80, REQUEST), (2222, SHUT), (21, b"U"), (443, b"USER x"), (8080, b"GET")])
def test_personal_address(feed: Feeder, port: int, data: bytes) -> None:
    """There is no HTTP row and no "anything else" row, for either side."""
    personal(feed, port)
    connection = talk(port)
    packets = [*connection.open(), *connection.send(TO_SERVER, data), *connection.send(TO_CLIENT, SHUT)]
    packets += connection.send(TO_SERVER, REQUEST)

    assert [] == feed(timed(packets))


def test_personal_server_speaks_first(feed: Feeder) -> None:
    """Its greeting stays closed; a ClientHello after it is read."""
    personal(feed, 443)
    connection = talk()
    packets = [*connection.open(), *connection.send(TO_CLIENT, SHUT), *connection.send(TO_SERVER, HELLO + SHUT)]

    assert (0, HELLO) == placed(feed(timed(packets)))


@pytest.mark.parametrize("name", ["tls-reordered", "quic", "dtls"])
def test_personal_hello(feed: Feeder, name: str) -> None:
    """There the ClientHello is read as anywhere else, over TLS, QUIC and DTLS."""
    frames = crafted.CASES[name]()
    slices = feed(frames)
    server = feed.gate.table.flow(slices[0].slot).ends.server
    feed.remove(feed.live())
    assert feed.gate.add_personal(server)

    assert slices == feed(frames)


def test_personal_datagrams(feed: Feeder) -> None:
    """A datagram that is no hello stays closed."""
    personal(feed, 27015)
    wire = Wire(ends_of(FLOW, 27015))

    assert [] == feed(timed([wire.udp(TO_SERVER, SHUT), wire.udp(TO_CLIENT, SHUT)]))


def test_address_taken_back(feed: Feeder) -> None:
    """After drop_personal, new flows are read again; those that have begun stay closed."""
    address = personal(feed, 2222)
    connection = talk(2222)
    assert [] == feed(timed([*connection.open(), *connection.send(TO_SERVER, SHUT)]))

    feed.gate.drop_personal(address)
    assert [] == feed(timed([*connection.send(TO_SERVER, SHUT), *connection.send(TO_CLIENT, SHUT)]))
    again = talk(2222, (77, 88))
    assert [SliceKind.BANNER] == kinds(feed(timed([*again.open(), *again.send(TO_SERVER, b"open")])))


# ---- Seals


SEALED_FLOWS = {
    "tls": ("tls-cut-in-many", 6),
    "tls, before its hello": ("tls-cut-in-many", 3),
    "http": ("http-cut-in-host", 5),
    "quic": ("quic", 1),
    "dtls": ("dtls-two-datagrams", 1),
    "dns": ("dns-https", 1),
    "dns over tcp": ("dns-over-tcp", 6),
    "ftp": ("ftp", 4),
    "fragments": ("quic-fragmented", 1),
}


@pytest.mark.parametrize("what", SEALED_FLOWS)
def test_sealed_flow_is_never_opened(feed: Feeder, what: str) -> None:
    """After a seal nothing is opened: not the rest, nor what is sent again, nor after the sequence numbers wrap."""
    name, before = SEALED_FLOWS[what]
    frames = crafted.CASES[name]()
    feed(frames[:before])
    (slot,) = feed.live()
    feed.gate.table.settle(slot, 37, seal=True)

    assert [] == feed(frames[before:])
    assert [] == feed(frames[3:])
    assert [slot] == [one for one in feed.live() if feed.gate.table.class_of(one) == 37]


def test_seal_holds_over_a_wrap(feed: Feeder) -> None:
    """A sealed stream stays sealed when its first sequence numbers come again after 4 GiB."""
    connection = talk()
    first: list[Slice] = feed(timed([*connection.open(), *connection.send(TO_SERVER, HELLO)]))
    assert (0, HELLO) == placed(first)
    feed.gate.table.settle(0, 5, seal=True)
    packets = [connection.at(TO_SERVER, offset, SHUT) for offset in range(0, 1 << 33, 1 << 28)]

    assert [] == feed(timed([*packets, connection.at(TO_SERVER, 0, HELLO)]))


def test_class_without_seal(feed: Feeder) -> None:
    """A class alone closes nothing: DNS flows are named and go on being read."""
    frames = crafted.dns()
    feed(frames[:1])
    feed.gate.table.settle(0, 5, seal=False)

    assert [SliceKind.DNS] == kinds(feed(frames[1:]))
