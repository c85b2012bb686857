"""Tests of the machine that keeps what has begun of every flow's introduction."""

import random
import sys

import pytest

from agent.facts import Banner, ClientHello, DnsMessage, Facts, HttpRequest, Unread
from agent.flow import Slice, SliceFlag, SliceKind
from agent.handshake import MAX_FLOW_BYTES, Handshakes
from agent.wire.dns import MAX_ANSWERS
from agent.wire.quic_keys import KEYS_BYTES
from tests.wire.build import (
    block,
    crypto,
    dtls_fragment,
    dtls_record,
    extension,
    hello,
    initial,
    message,
    name,
    record,
    records,
    sni,
)
from tests.wire.build import body as hello_body

TCP, UDP = 6, 17
CLIENT, SERVER = 0, 1
STREAM = records(hello(sni(b"www.example.com"), extension(21, bytes(100))))
EXPECTED = ClientHello("tls", b"www.example.com", (), encrypted=False)
QUERY = message([name("dns.example")])


def cut(
    kind: SliceKind, data: bytes, *, slot: int = 1, offset: int = 0, flags: int = 0, direction: int = CLIENT
) -> Slice:
    """A slice."""
    return Slice(slot, direction, kind, flags, offset, 0, data)


def fed(handshakes: Handshakes, *slices: Slice) -> list[Facts]:
    """All facts that slices of TCP flows complete."""
    return [fact for s in slices for fact in handshakes.feed(s, TCP, 50_000, 443)]


@pytest.mark.parametrize(
    ("s", "expected"),
    [
        (cut(SliceKind.TLS, STREAM), EXPECTED),
        (
            cut(SliceKind.QUIC, initial(crypto(hello(sni(b"q.example"))))),
            ClientHello("quic", b"q.example", (), encrypted=False, quic_version=1),
        ),
        (
            cut(SliceKind.DTLS, dtls_record(dtls_fragment(hello_body(sni(b"d.example"), cookie=b""), 0, 999))),
            ClientHello("dtls", b"d.example", (), encrypted=False),
        ),
        (cut(SliceKind.DNS, QUERY), DnsMessage(response=False, rcode=0, questions=(b"dns.example",), answers=())),
        (cut(SliceKind.BANNER, b"SSH-2.0-x\r\n"), Banner("ssh")),
        (cut(SliceKind.TLS, b"\x80\x2e\x01\x03\x01"), Unread("tls", "malformed")),
        (cut(SliceKind.DTLS, b"\x17" + bytes(30)), Unread("dtls", "malformed")),
        (cut(SliceKind.DNS, QUERY[:15]), Unread("dns", "incomplete")),
    ],
)
def test_one_slice(s: Slice, expected: Facts) -> None:
    """An introduction in one slice gives its fact and leaves nothing behind."""
    handshakes = Handshakes()

    assert [expected] == fed(handshakes, s)
    assert (0, 0) == (len(handshakes), handshakes.kept_bytes)


def test_pieces_of_many_flows() -> None:
    """Flows whose slices alternate do not mix, and each is gone when it is read."""
    streams = {slot: records(hello(sni(b"flow%d.example" % slot))) for slot in range(50)}
    slices = [
        cut(SliceKind.TLS, stream[at : at + 20], slot=slot, offset=at)
        for slot, stream in streams.items()
        for at in range(0, len(stream), 20)
    ]
    random.Random(50).shuffle(slices)
    handshakes = Handshakes()
    facts = fed(handshakes, *slices)

    found = sorted(fact.server_name or b"" for fact in facts if isinstance(fact, ClientHello))
    assert sorted(b"flow%d.example" % slot for slot in streams) == found
    assert (0, 0) == (len(handshakes), handshakes.kept_bytes)


def test_method_then_host() -> None:
    """A method waits for its Host value."""
    handshakes = Handshakes()

    assert [] == fed(handshakes, cut(SliceKind.HTTP_METHOD, b"GET"))
    assert 1 == len(handshakes)
    assert [HttpRequest(b"GET", b"example.com")] == fed(
        handshakes, cut(SliceKind.HTTP_HOST, b"example.com", flags=SliceFlag.END)
    )
    assert 0 == len(handshakes)


def test_dns_does_not_end_a_flow() -> None:
    """Messages of one stream come one after the other, two of them in one slice."""
    handshakes = Handshakes()
    stream = block(2, QUERY)
    counts = [
        len(fed(handshakes, cut(SliceKind.DNS_TCP, stream, offset=0))),
        len(fed(handshakes, cut(SliceKind.DNS_TCP, stream * 2, offset=len(stream)))),
        len(fed(handshakes, cut(SliceKind.DNS_TCP, stream[:5], offset=3 * len(stream)))),
    ]

    assert [1, 2, 0] == counts
    assert Unread("dns", "incomplete") == handshakes.finish(1)


def test_finish() -> None:
    """A flow that ends gives its best; one of which nothing is kept gives nothing; either is gone."""
    handshakes = Handshakes()
    fed(handshakes, cut(SliceKind.TLS, STREAM[:-10]), cut(SliceKind.TLS, STREAM[:20], slot=2))

    assert ClientHello("tls", b"www.example.com", (), encrypted=False, complete=False) == handshakes.finish(1)
    assert Unread("tls", "incomplete") == handshakes.finish(2)
    assert [None, None] == [handshakes.finish(1), handshakes.finish(3)]
    assert (0, 0) == (len(handshakes), handshakes.kept_bytes)


def test_finish_of_a_malformed_start() -> None:
    """A start that contradicts itself is malformed, not an exception."""
    handshakes = Handshakes()
    lying = hello(extension(0, b"\x00\x0c\x00\x00\xffa.example"), extension(21, bytes(100)))
    fed(handshakes, cut(SliceKind.TLS, records(lying)[:-1]))

    assert Unread("tls", "malformed") == handshakes.finish(1)


def test_forget() -> None:
    """What is forgotten is gone; forgetting nothing is nothing."""
    handshakes = Handshakes()
    fed(handshakes, cut(SliceKind.TLS, STREAM[:50]))
    handshakes.forget([1, 9])
    handshakes.forget([2])

    assert (0, 0, None) == (len(handshakes), handshakes.kept_bytes, handshakes.finish(1))


def test_slot_taken_over() -> None:
    """When a slot passes to a flow of another kind, what was kept for the old one does not matter."""
    handshakes = Handshakes()
    fed(handshakes, cut(SliceKind.HTTP_METHOD, b"GET"))

    assert [EXPECTED] == fed(handshakes, cut(SliceKind.TLS, STREAM))
    fed(handshakes, cut(SliceKind.TLS, STREAM[:50]))
    assert [] == fed(handshakes, cut(SliceKind.BANNER, b"hello", direction=SERVER))
    assert None is handshakes.finish(1)


def test_banner_of_both_directions() -> None:
    """A banner waits for the other direction, and no longer."""
    handshakes = Handshakes()
    server = cut(SliceKind.BANNER, b"220 hello\r\n", direction=SERVER)

    assert [] == fed(handshakes, server)
    assert [Banner("ftp")] == fed(handshakes, cut(SliceKind.BANNER, b"USER me\r\n"))
    assert [] == fed(handshakes, server, cut(SliceKind.BANNER, b"what?\r\n"))
    assert 0 == len(handshakes)


def test_payload_length_reaches_the_probe() -> None:
    """A probe that needs the packet's length gets it."""
    s = cut(SliceKind.BANNER, b"\x01\x00\x00\x00" + bytes(60))

    assert (Banner("wireguard"),) == Handshakes().feed(s, UDP, 50_000, 51_820, payload_len=148)


def test_max_flows() -> None:
    """A new introduction beyond max_flows is answered by its slice alone, and counted; those begun go on."""
    handshakes = Handshakes(max_flows=2)
    fed(handshakes, *[cut(SliceKind.TLS, STREAM[:50], slot=slot) for slot in (1, 2)])

    assert [Unread("tls", "incomplete")] == fed(handshakes, cut(SliceKind.TLS, STREAM[:50], slot=3))
    partial = ClientHello("tls", b"www.example.com", (), encrypted=False, complete=False)
    assert [partial] == fed(handshakes, cut(SliceKind.TLS, STREAM[:-1], slot=4))
    assert [EXPECTED] == fed(handshakes, cut(SliceKind.TLS, STREAM, slot=5))
    assert (2, {"handshake_flows": 2}) == (len(handshakes), handshakes.limits_met)
    assert [EXPECTED] == fed(handshakes, cut(SliceKind.TLS, STREAM[50:], slot=2, offset=50))


def test_max_bytes() -> None:
    """Where all introductions together would take too much, the one that grows is given up."""
    handshakes = Handshakes(max_bytes=3000)
    fed(handshakes, cut(SliceKind.TLS, STREAM[:50], slot=1))

    assert [Unread("tls", "incomplete")] == fed(handshakes, cut(SliceKind.TLS, b"\x16", slot=2, offset=2000))
    assert (1, {"handshake_bytes": 1}) == (len(handshakes), handshakes.limits_met)
    assert handshakes.kept_bytes <= 3000


def test_max_bytes_of_quic() -> None:
    """The keys of a connection count: they take more than what is kept of most hellos."""
    handshakes = Handshakes(max_bytes=100_000)
    begun = initial(crypto(hello(sni(b"www.example.com"))[:20]))
    for slot in range(100):
        handshakes.feed(cut(SliceKind.QUIC, begun, slot=slot), UDP, 50_000, 443, len(begun))

    assert 100 == len(handshakes) + handshakes.limits_met["handshake_bytes"]
    assert 20 <= len(handshakes) <= 100_000 // KEYS_BYTES


def test_max_flow_bytes() -> None:
    """A hello beyond what is opened of a flow is too large, and counted when the flow is done."""
    handshakes = Handshakes()
    large = records(hello(extension(21, bytes(9000)), extension(21, bytes(9000)), sni(b"late.example")))
    fed(handshakes, cut(SliceKind.TLS, large[:MAX_FLOW_BYTES]), cut(SliceKind.TLS, large[10_000:], offset=10_000))

    assert Unread("tls", "too_large") == handshakes.finish(1)
    assert {"handshake_flow_bytes": 1} == handshakes.limits_met


def test_many_answers() -> None:
    """A message whose answers were cut at the limit is counted."""
    handshakes = Handshakes()
    answers = [record(b"\xc0\x0c", 1, bytes(4))] * (MAX_ANSWERS + 1)
    fed(handshakes, cut(SliceKind.DNS, message([name("x.example")], answers)))

    assert {"dns_answers": 1} == handshakes.limits_met


def test_memory_comes_back() -> None:
    """After any noise in any slots, forgetting the slots leaves nothing, and the limits held on the way."""
    dice = random.Random(65)
    handshakes = Handshakes(max_flows=20, max_flow_bytes=3000, max_bytes=40_000)
    seeds = [STREAM, block(2, QUERY), initial(crypto(hello())[:-9]), b"GET", b"\x05\x01\x00"]
    for _ in range(4000):
        data = bytearray(dice.choice(seeds))
        if dice.random() < 0.5:
            data[dice.randrange(len(data))] = dice.randrange(256)
        s = Slice(
            dice.randrange(30),
            dice.randrange(2),
            dice.choice(list(SliceKind)),
            dice.randrange(4),
            dice.choice((0, dice.randrange(4000))),
            0,
            bytes(data[: dice.randrange(1, len(data) + 1)]),
        )
        handshakes.feed(s, dice.choice((TCP, UDP)), 50_000, 443, len(data))
        assert len(handshakes) <= 20
        assert handshakes.kept_bytes <= 40_000
        if dice.random() < 0.1:
            handshakes.finish(dice.randrange(30))
    handshakes.forget(range(30))

    assert (0, 0) == (len(handshakes), handshakes.kept_bytes)
    assert {"handshake_flows", "handshake_bytes"} <= set(handshakes.limits_met)


# ---- Defects of ours


def broken(*_: object) -> Facts:
    """A reader with a defect."""
    msg = "what was read"
    raise IndexError(msg)


def test_a_defect_is_raised_where_nobody_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A replay, and so every test, sees the defect itself."""
    monkeypatch.setattr("agent.handshake.read_dns_message", broken)
    handshakes = Handshakes()

    with pytest.raises(IndexError, match="what was read"):
        handshakes.feed(cut(SliceKind.DNS, QUERY), UDP, 50_000, 53)
    assert 0 == handshakes.defects


def test_a_defect_ends_nothing_where_somebody_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told of while it is handled, and counted; its flow says nothing and keeps nothing, and the others go on."""
    monkeypatch.setattr("agent.handshake.read_dns_message", broken)
    monkeypatch.setattr("agent.handshake._best", broken)
    told: list[type[BaseException] | None] = []
    handshakes = Handshakes(on_defect=lambda: told.append(sys.exc_info()[0]))

    assert [] == fed(handshakes, cut(SliceKind.DNS, QUERY), cut(SliceKind.TLS, STREAM[:9], slot=2))
    assert handshakes.finish(2) is None
    assert [EXPECTED] == fed(handshakes, cut(SliceKind.TLS, STREAM, slot=3))
    assert [IndexError, IndexError] == told
    assert (2, 0, 0) == (handshakes.defects, len(handshakes), handshakes.kept_bytes)
