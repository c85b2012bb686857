"""The rows of UDP, and DNS over TCP: QUIC Initials, a DTLS flight, DNS messages; and nothing else of such a flow."""

import random
import struct

import pytest

from agent.flow import Direction, Slice, SliceKind
from agent.gate.native import NativeGate
from agent.lab import crafted, names, quic
from agent.lab.canary import filled
from agent.lab.crafted import ends_of, timed
from agent.lab.hellos import Browser, client_hello, dtls_records
from agent.lab.stack import TcpTalk, Wire
from tests.gate.feeding import Feeder, kinds, placed

TO_SERVER, TO_CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT

FLOW = 11
CLOSED = 1
DATAGRAM_BYTES = 4096
DNS_TCP_BYTES = 16384


def talk(feed: Feeder, port: int, *said: tuple[Direction, bytes]) -> list[Slice]:
    """Feeds datagrams between a client and a server's port."""
    wire = Wire(ends_of(FLOW, port))
    return feed(timed([wire.udp(direction, data) for direction, data in said]))


def long_header(version: int, kind: int, body: bytes, *, token: bytes = b"") -> bytes:
    """A long header packet (RFC 9000 section 17.2) of a type's number; Initials have a token."""
    head = struct.pack("!BI", 0xC0 | kind << 4, version) + b"\x08SERVERID\x00"
    head += quic.varint(len(token)) + token if kind == (1 if version == quic.VERSION_2 else 0) else b""
    return head + quic.varint(len(body)) + body


INITIAL = long_header(1, 0, bytes(1200))
SEALED_QUIC = b"\x41SERVERID" + filled(FLOW, 300)

VERSIONS = {
    "1": long_header(1, 0, bytes(1200)),
    "1 with a token": long_header(1, 0, bytes(1100), token=bytes(100)),
    "2": long_header(quic.VERSION_2, 1, bytes(1200)),
    "draft 29": long_header(0xFF00001D, 0, bytes(1200)),
    "mvfst": long_header(0xFACEB002, 0, bytes(1200)),
    "T051": long_header(0x54303531, 0, bytes(1200)),
    "Q050": long_header(0x51303530, 0, bytes(1200)),
    "Q046": struct.pack("!BI", 0xC3, 0x51303436) + b"\x50SERVERID\0\0\0\1" + bytes(1200),
    "Q043": b"\x0dSERVERIDQ043" + bytes(1200),
    "Q039": b"\x0dSERVERIDQ039" + bytes(1200),
}


@pytest.mark.parametrize("version", VERSIONS)
def test_initials_are_opened(feed: Feeder, version: str) -> None:
    """Every version whose Initial can be read is opened on any port; what follows in short packets is not."""
    data = VERSIONS[version]
    for port in (443, 4434):
        slices = talk(feed, port, (TO_SERVER, data), (TO_CLIENT, SEALED_QUIC), (TO_SERVER, SEALED_QUIC))
        assert [(SliceKind.QUIC, data)] == [(one.kind, one.data) for one in slices]


@pytest.mark.parametrize("version", [0, 5, 0x0A1A2A3A, 0x51303235])
def test_other_versions_are_not(feed: Feeder, version: int) -> None:
    """Version negotiation, reserved and unknown versions are "anything else"."""
    slices = talk(feed, 443, (TO_SERVER, long_header(version, 0, bytes(64) + filled(FLOW, 300))))

    assert [(SliceKind.BANNER, 64)] == [(one.kind, len(one.data)) for one in slices]


def test_six_initials(feed: Feeder) -> None:
    """Six Initial datagrams are opened, retransmissions counted; the seventh closes the flow."""
    assert [SliceKind.QUIC] * 6 == kinds(talk(feed, 443, *[(TO_SERVER, INITIAL)] * 6))
    assert not CLOSED & int(feed.gate.table._rows["flags"][0])

    assert [] == talk(feed, 443, (TO_SERVER, long_header(1, 0, filled(FLOW, 1200))))
    assert CLOSED & int(feed.gate.table._rows["flags"][0])
    assert [] == talk(feed, 443, (TO_SERVER, INITIAL))


@pytest.mark.parametrize("kind", [1, 2, 3])
def test_other_long_packets(feed: Feeder, kind: int) -> None:
    """0-RTT, Handshake and Retry packets are not opened, before, between or after the Initials."""
    other = (TO_SERVER, long_header(1, kind, filled(FLOW, 300)))

    assert [INITIAL] * 2 == [
        one.data for one in talk(feed, 443, other, (TO_SERVER, INITIAL), other, (TO_SERVER, INITIAL), other)
    ]


@pytest.mark.parametrize("kind", ["0rtt", "handshake"])
@pytest.mark.parametrize("version", [quic.VERSION_1, quic.VERSION_2])
@pytest.mark.parametrize("initials", [1, 2])
def test_coalesced_packets(feed: Feeder, kind: str, version: int, initials: int) -> None:
    """Of a datagram, the Initials are opened; other packets behind them stay closed (RFC 9000 section 12.2)."""
    connection = quic.Connection(version, client_id=b"", server_id=b"SERVERID")
    first = b"".join(quic.initial(connection, number, b"\x01" + bytes(500)) for number in range(initials))
    rest = quic.opaque_long(connection, kind, filled(FLOW, 300))

    assert [first] == [one.data for one in talk(feed, 443, (TO_SERVER, first + rest))]


def test_short_packet_behind_an_initial(feed: Feeder) -> None:
    """A 1-RTT packet behind an Initial stays closed too."""
    assert [INITIAL] == [one.data for one in talk(feed, 443, (TO_SERVER, INITIAL + SEALED_QUIC))]


def test_server_initials(feed: Feeder) -> None:
    """The server's Initial is never opened, not even when it is the first that is seen of the flow."""
    server = (TO_CLIENT, long_header(1, 0, filled(FLOW, 1200)))

    assert [INITIAL] == [one.data for one in talk(feed, 443, server, (TO_SERVER, INITIAL), server)]


@pytest.mark.parametrize(
    ("size", "opened"),
    [(DATAGRAM_BYTES - 1, DATAGRAM_BYTES - 1), (DATAGRAM_BYTES, DATAGRAM_BYTES), (DATAGRAM_BYTES + 1, DATAGRAM_BYTES)],
)
def test_jumbo_initial(feed: Feeder, size: int, opened: int) -> None:
    """Of one datagram, 4 KiB are opened."""
    data = long_header(1, 0, bytes(size - 18))
    assert size == len(data)

    assert [data[:opened]] == [one.data for one in talk(feed, 443, (TO_SERVER, data))]


# ---- DTLS


def flight(datagrams: int) -> list[bytes]:
    """A ClientHello in so many datagrams."""
    browser = Browser("dtls client", tls13=False)
    return dtls_records(client_hello(random.Random(1), crafted.NAME, browser=browser, alpn=()), datagrams)


SEALED_DTLS = b"\x17\xfe\xfd\0\1\0\0\0\0\0\1\1\0" + filled(FLOW, 256)
HELLO_VERIFY = b"\x16\xfe\xff\0\0\0\0\0\0\0\0\0\x2f\x03\0\0\x23" + filled(FLOW, 43)


def test_dtls_flight(feed: Feeder) -> None:
    """Hello, and again with its cookie: the client's datagrams are opened, the server's and the sealed ones are not."""
    (hello,) = flight(1)
    said = [(TO_SERVER, hello), (TO_CLIENT, HELLO_VERIFY), (TO_SERVER, hello), (TO_CLIENT, SEALED_DTLS)]

    slices = talk(feed, 4433, *said, (TO_SERVER, SEALED_DTLS))
    assert [(SliceKind.DTLS, hello)] * 2 == [(one.kind, one.data) for one in slices]


def test_four_dtls_datagrams(feed: Feeder) -> None:
    """Four datagrams are opened; the fifth closes the flow."""
    assert [SliceKind.DTLS] * 4 == kinds(talk(feed, 4433, *((TO_SERVER, one) for one in flight(2) * 2)))
    assert not CLOSED & int(feed.gate.table._rows["flags"][0])

    assert [] == talk(feed, 4433, (TO_SERVER, flight(1)[0]))
    assert CLOSED & int(feed.gate.table._rows["flags"][0])


def test_dtls_of_another_kind(feed: Feeder) -> None:
    """A record of a later epoch, or of another handshake message, is "anything else"."""
    (hello,) = flight(1)
    epoch = hello[:3] + b"\0\1" + hello[5:64] + filled(FLOW, 100)

    assert [(SliceKind.BANNER, epoch[:64])] == [(one.kind, one.data) for one in talk(feed, 4433, (TO_SERVER, epoch))]


def test_dtls_server_first(feed: Feeder) -> None:
    """A server's datagram that looks like a hello stays closed, also when it is the first that is seen."""
    (hello,) = flight(1)
    slices = talk(feed, 443, (TO_CLIENT, hello + filled(FLOW, 50)), (TO_SERVER, hello), (TO_CLIENT, hello))

    assert [(TO_SERVER, SliceKind.DTLS)] == [(one.direction, one.kind) for one in slices]


# ---- DNS


def question(size: int) -> bytes:
    """A message of so many bytes that begins like a query."""
    head = names.query(7, crafted.NAME, "A")
    return head + bytes(size - len(head))


@pytest.mark.parametrize("port", [53, 5353, 5355])
def test_dns_both_ways(feed: Feeder, port: int) -> None:
    """DNS, mDNS and LLMNR messages are opened, each packet's, both ways, for as long as the flow lasts."""
    said = [(Direction(index % 2), question(100 + index)) for index in range(20)]
    slices = talk(feed, port, *said)

    assert said == [(one.direction, one.data) for one in slices]
    assert {SliceKind.DNS} == set(kinds(slices))


@pytest.mark.parametrize("size", [DATAGRAM_BYTES - 1, DATAGRAM_BYTES, DATAGRAM_BYTES + 1, 9000])
def test_dns_datagram_limit(feed: Feeder, size: int) -> None:
    """Of one message, 4 KiB are opened."""
    assert [question(size)[:DATAGRAM_BYTES]] == [one.data for one in talk(feed, 53, (TO_SERVER, question(size)))]


def test_dns_port_without_dns(feed: Feeder) -> None:
    """What is no DNS on its port is "anything else"; on a DNS flow it stays closed."""
    other = bytes(64) + filled(FLOW, 200)
    assert [(SliceKind.BANNER, other[:64])] == [(one.kind, one.data) for one in talk(feed, 53, (TO_SERVER, other))]
    feed.remove(feed.live())

    slices = talk(feed, 53, (TO_SERVER, question(60)), (TO_CLIENT, filled(FLOW, 200)), (TO_CLIENT, question(61)))
    assert [question(60), question(61)] == [one.data for one in slices]


def test_dns_elsewhere(feed: Feeder) -> None:
    """A DNS message on another port is "anything else"."""
    message = question(64) + filled(FLOW, 100)

    assert [(SliceKind.BANNER, message[:64])] == [
        (one.kind, one.data) for one in talk(feed, 5300, (TO_SERVER, message))
    ]


def test_dns_over_tcp(feed: Feeder) -> None:
    """The lab's look-ups over TCP are opened whole, both ways, though each message is cut within its length."""
    slices = feed(crafted.dns_over_tcp())

    assert {SliceKind.DNS_TCP} == set(kinds(slices))
    for direction in (TO_SERVER, TO_CLIENT):
        start, stream = placed(slices, direction)
        assert 0 == start
        length = int.from_bytes(stream[:2], "big")
        assert int.from_bytes(stream[2 + length : 4 + length], "big") + length + 4 == len(stream)


@pytest.mark.parametrize("cut", [1400, 5000, DNS_TCP_BYTES - 1, DNS_TCP_BYTES, DNS_TCP_BYTES + 1])
def test_dns_over_tcp_limit(feed: Feeder, cut: int) -> None:
    """Each way, the first 16 KiB of the stream are opened."""
    connection = TcpTalk(Wire(ends_of(FLOW, 53)), mss_bytes=60_000)
    stream = names.over_tcp(question(DNS_TCP_BYTES - 2)) + filled(FLOW, 3000)
    packets = list(connection.open())
    for direction in (TO_SERVER, TO_CLIENT):
        packets += connection.send(direction, stream, (cut,))

    slices = feed(timed(packets))
    assert (0, stream[:DNS_TCP_BYTES]) == placed(slices, TO_SERVER)
    assert (0, stream[:DNS_TCP_BYTES]) == placed(slices, TO_CLIENT)


@pytest.mark.parametrize("first", [b"\x00\x07", b"HELLO!!", b"\xff\xff" + bytes(30), b"\x00\x20" + b"\xff" * 20])
def test_a_port_is_not_believed(feed: Feeder, first: bytes) -> None:
    """On port 53, a beginning that is no DNS message opens nothing of what follows."""
    connection = TcpTalk(Wire(ends_of(FLOW, 53)))
    packets = [*connection.open(), *connection.send(TO_SERVER, first)]
    packets += connection.send(TO_SERVER, filled(FLOW, 1200))
    packets += connection.send(TO_CLIENT, bytes(64) + filled(FLOW, 1200))

    assert SliceKind.DNS_TCP not in kinds(feed(timed(packets)))


def test_what_follows_a_message_has_to_be_one(feed: Feeder) -> None:
    """Behind a whole message, what does not begin like another stays closed, in the same segment and after it."""
    connection = TcpTalk(Wire(ends_of(FLOW, 53)))
    message = names.over_tcp(question(200))
    packets = [*connection.open(), *connection.send(TO_SERVER, message + filled(FLOW, 300))]
    packets += connection.send(TO_SERVER, filled(FLOW, 1200))

    assert (0, message) == placed(feed(timed(packets)), TO_SERVER)


def test_no_dns_over_tcp(feed: Feeder) -> None:
    """What does not look like DNS on its port is "anything else" when the first segment can tell."""
    connection = TcpTalk(Wire(ends_of(FLOW, 53)))
    stream = bytes(64) + filled(FLOW, 3000)
    slices = feed(timed([*connection.open(), *connection.send(TO_SERVER, stream)]))

    assert [(SliceKind.BANNER, stream[:64])] == [(one.kind, one.data) for one in slices]


def test_queries_are_opened_only_for_who_asks() -> None:
    """An answer repeats its question: a gate that is not asked for queries opens the answers, and nothing else."""
    gate = NativeGate(max_flows=16, queries=False)
    opened = [one for frame in crafted.dns() for one in gate.feed(frame.data, time_ns=frame.time_ns).slices]
    gate.close()

    assert {(SliceKind.DNS, TO_CLIENT)} == {(one.kind, one.direction) for one in opened}
