"""Tests of putting one flow's introduction together, for each kind of slice."""

import itertools
import random
from collections.abc import Iterable, Sequence

import pytest

from agent.facts import Banner, ClientHello, DnsMessage, Facts, HttpRequest, Unread
from agent.flow import Slice, SliceFlag, SliceKind
from agent.wire.cursor import Malformed
from agent.wire.quic_keys import KEYS_BYTES, SALTS, V2
from agent.wire.readings import (
    READINGS,
    BannerReading,
    DnsFragmentsReading,
    DnsTcpReading,
    DtlsReading,
    HttpReading,
    QuicReading,
    Reading,
    TlsReading,
    read_dns_message,
)
from tests.wire.build import (
    alpn,
    block,
    body,
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

LIMIT = 16_384
CLIENT, SERVER = 0, 1

HELLO = hello(alpn(b"h2"), sni(b"split.example.com"), extension(21, bytes(300)))
STREAM = records(HELLO)
AT_NAME = STREAM.index(b"split")


def cut(kind: SliceKind, offset: int, data: bytes, flags: int = 0, direction: int = CLIENT) -> Slice:
    """A slice of slot 1."""
    return Slice(1, direction, kind, flags, offset, 0, data)


def tls(*pieces: tuple[int, bytes]) -> list[Slice]:
    """Slices of a TLS stream."""
    return [cut(SliceKind.TLS, offset, data) for offset, data in pieces]


def parts(stream: bytes, *cuts: int) -> list[tuple[int, bytes]]:
    """A stream cut in pieces, with their offsets."""
    return [(at, stream[at:to]) for at, to in itertools.pairwise((0, *cuts, len(stream)))]


def fed(reading: Reading, slices: Iterable[Slice]) -> list[Facts]:
    """All facts that the slices complete."""
    return [fact for s in slices for fact in reading.feed(s, len(s.data))]


def names(facts: Sequence[Facts | None]) -> list[bytes | None]:
    """The server names of the hellos among facts, which must all be hellos."""
    assert all(isinstance(fact, ClientHello) for fact in facts)
    return [fact.server_name for fact in facts if isinstance(fact, ClientHello)]


def test_tls_in_every_two_pieces() -> None:
    """A hello cut anywhere in two, in either order, is read when the second piece comes and not before."""
    for place in range(1, len(STREAM)):
        for order in (1, -1):
            reading = TlsReading(LIMIT)
            first, second = tls(*parts(STREAM, place))[::order]
            assert [] == fed(reading, [first])
            assert [b"split.example.com"] == names(fed(reading, [second]))


def test_tls_byte_by_byte_in_many_orders() -> None:
    """One-byte segments forwards, backwards and shuffled, over several records, each twice."""
    stream = records(HELLO, 100)
    pieces = parts(stream, *range(1, len(stream)))
    shuffled = pieces * 2
    random.Random(6).shuffle(shuffled)
    for order in (pieces, pieces[::-1], shuffled):
        facts = fed(TlsReading(LIMIT), tls(*order))
        assert b"split.example.com" == names(facts)[0]


def test_tls_first_bytes_win() -> None:
    """A later copy of the name with other letters does not replace the first."""
    false = STREAM.replace(b"split", b"false")
    facts = fed(TlsReading(LIMIT), tls((AT_NAME, STREAM[AT_NAME : AT_NAME + 9]), (0, false[:-1]), (0, false)))

    assert [b"split.example.com"] == names(facts)


def test_only_the_client_introduces_itself() -> None:
    """What a server sends is not read."""
    for kind in (SliceKind.TLS, SliceKind.DTLS, SliceKind.QUIC):
        assert [] == fed(READINGS[kind](LIMIT), [cut(kind, 0, STREAM, direction=SERVER)])


def test_tls_best_effort() -> None:
    """When the rest never comes, a name that is wholly there is given, marked incomplete; else the reason.

    The name may also be in whole records and the start of the next.
    """
    over_records, stream = TlsReading(LIMIT), records(HELLO, 50)
    fed(over_records, tls((0, stream[: stream.index(b".com") + 20])))
    assert [b"split.example.com"] == names([over_records.finish()])
    for end, expected in ((AT_NAME + 17, b"split.example.com"), (AT_NAME + 16, None), (3, None)):
        reading = TlsReading(LIMIT)
        fed(reading, tls((0, STREAM[:end])))
        best = reading.finish()
        if expected is None:
            assert Unread("tls", "incomplete") == best
        else:
            assert ClientHello("tls", expected, (b"h2",), encrypted=False, complete=False) == best


def test_tls_too_large() -> None:
    """A hello beyond the limit is given up, with its name when that came first."""
    large = records(hello(extension(21, bytes(9000)), extension(21, bytes(9000)), sni(b"late.example")))
    early = records(hello(sni(b"early.example"), extension(21, bytes(9000)), extension(21, bytes(9000))))
    late, soon = TlsReading(LIMIT), TlsReading(LIMIT)
    fed(late, tls(*parts(large, 9000)))
    fed(soon, tls(*parts(early, 9000)))

    assert Unread("tls", "too_large") == late.finish()
    assert [b"early.example"] == names([soon.finish()])
    assert late.kept_bytes() <= 3 * LIMIT


def test_tls_malformed_as_soon_as_known() -> None:
    """The first byte that can be of no ClientHello ends the reading."""
    reading = TlsReading(LIMIT)
    fed(reading, tls((0, b"\x16")))
    with pytest.raises(Malformed):
        fed(reading, tls((1, b"\x02")))


DTLS_BODY = body(sni(b"media.example.com"), cookie=b"")


def dtls(*fragments: bytes) -> list[Slice]:
    """Slices of DTLS datagrams, one fragment in each."""
    return [cut(SliceKind.DTLS, 0, dtls_record(fragment)) for fragment in fragments]


def test_dtls_fragments_in_any_order() -> None:
    """Overlapping fragments over three datagrams, in any order."""
    fragments = [dtls_fragment(DTLS_BODY, at, 40) for at in range(0, len(DTLS_BODY), 30)]
    for order in itertools.permutations(fragments[:4]):
        facts = fed(DtlsReading(LIMIT), dtls(*order, *fragments[4:]))
        assert [b"media.example.com"] == names(facts)


def test_dtls_second_hello() -> None:
    """A hello that answers a cookie starts anew; pieces of the first, late, do not disturb it."""
    second = body(sni(b"media.example.com"), cookie=b"c" * 20)
    slices = dtls(
        dtls_fragment(DTLS_BODY, 0, 30),
        dtls_fragment(second, 0, 50, sequence=1),
        dtls_fragment(DTLS_BODY, 30, 40),
        dtls_fragment(second, 50, 500, sequence=1),
    )

    assert [b"media.example.com"] == names(fed(DtlsReading(LIMIT), slices))


def test_dtls_best_effort() -> None:
    """The start of a hello gives its name; nothing gives the reason."""
    reading, far = DtlsReading(LIMIT), DtlsReading(LIMIT)
    fed(far, dtls(dtls_fragment(bytes(60_000), 50_000, 100)))
    long = body(sni(b"media.example.com"), extension(21, bytes(200)), cookie=b"")
    fed(reading, dtls(dtls_fragment(long, 0, 150)))

    assert [b"media.example.com"] == names([reading.finish()])
    assert Unread("dtls", "incomplete") == DtlsReading(LIMIT).finish()
    assert Unread("dtls", "too_large") == far.finish()


QUIC_HELLO = hello(sni(b"quic.example.com"), alpn(b"h3"), extension(51, bytes(2000)))


def quic(*frames: bytes) -> list[Slice]:
    """Slices of QUIC datagrams, each an Initial with the frames given."""
    return [cut(SliceKind.QUIC, 0, initial(data, number=number)) for number, data in enumerate(frames)]


def quic_pieces(*cuts: int) -> list[bytes]:
    """The hello in CRYPTO frames, cut at the places given."""
    return [crypto(data, offset) for offset, data in parts(QUIC_HELLO, *cuts)]


def test_quic_over_datagrams_in_any_order() -> None:
    """CRYPTO pieces over three datagrams, in any order, cut inside the name, with a retransmission."""
    place = QUIC_HELLO.index(b"quic.") + 3
    for order in itertools.permutations(quic_pieces(place, 1200)):
        facts = fed(QuicReading(LIMIT), quic(order[0], order[0], *order[1:]))
        assert [b"quic.example.com"] == names(facts)


def test_quic_shuffled_in_one_datagram() -> None:
    """Chrome shuffles its frames, and pads between them."""
    small = hello(sni(b"chrome.example"), alpn(b"h3"))
    frames = [crypto(data, offset) for offset, data in parts(small, 5, 40, 77, 90)]
    mixed = frames[3] + bytes(20) + frames[1] + b"\x01" + frames[4] + frames[0] + bytes(3) + frames[2]

    assert [b"chrome.example"] == names(fed(QuicReading(LIMIT), quic(mixed)))


def test_quic_first_bytes_win() -> None:
    """Overlapping CRYPTO frames with other bytes do not replace the first (RFC 9000 section 2.2 forbids them)."""
    small = hello(sni(b"first.example"), extension(21, bytes(50)))
    false = small.replace(b"first", b"false")

    assert [b"first.example"] == names(fed(QuicReading(LIMIT), quic(crypto(small[:100]), crypto(false))))


def test_quic_after_version_negotiation() -> None:
    """A hello begun in one version starts anew in the next."""
    first = quic(quic_pieces(100)[0])
    again = hello(sni(b"second.example"))
    v2 = initial(crypto(again), salt=SALTS[V2].hex(), version=V2, packet_type=1, labels=b"quicv2", key_id=b"otherone")
    [fact] = fed(QuicReading(LIMIT), [*first, cut(SliceKind.QUIC, 0, v2)])

    assert ClientHello("quic", b"second.example", (), encrypted=False, quic_version=V2) == fact


def test_quic_plain_chlo() -> None:
    """Google's QUIC before Q050 shows its CHLO in the open."""
    chlo = b"CHLO\x01\x00\x00\x00SNI\x00\x0e\x00\x00\x00www.google.com"
    datagram = b"\xc3Q046\x50" + bytes(8) + b"\x00\x00\x00\x01" + b"h" * 12 + b"\xa0\x01" + block(2, chlo)

    assert [b"www.google.com"] == names(fed(QuicReading(LIMIT), [cut(SliceKind.QUIC, 0, datagram)]))


def test_quic_ip_fragments() -> None:
    """A datagram in IP fragments is joined; the next datagram starts afresh."""
    datagram = initial(crypto(hello(sni(b"fragments.example"))))
    slices = [cut(SliceKind.QUIC, offset, data, SliceFlag.FRAGMENT) for offset, data in parts(datagram, 500, 900)]
    reading = QuicReading(LIMIT)

    assert [] == fed(reading, slices[:2])
    assert [b"fragments.example"] == names(fed(reading, slices))


def test_quic_best_effort() -> None:
    """What stays incomplete gives its name, or the reason: not all there, too far, or sealed with unknown keys."""
    begun, far, sealed = QuicReading(LIMIT), QuicReading(LIMIT), QuicReading(LIMIT)
    fed(begun, quic(quic_pieces(400)[0]))
    fed(far, quic(crypto(b"x", 1 << 61)))
    fed(sealed, [cut(SliceKind.QUIC, 0, initial(b"")[:-1] + b"\x00")])

    assert [b"quic.example.com"] == names([begun.finish()])
    assert Unread("quic", "too_large") == far.finish()
    assert Unread("quic", "undecryptable") == sealed.finish()
    assert Unread("quic", "incomplete") == QuicReading(LIMIT).finish()
    assert KEYS_BYTES == far.kept_bytes()


QUERY = message([name("dns.example")])
ANSWER = message([name("dns.example")], [record(b"\xc0\x0c", 1, bytes([192, 0, 2, 1]))] * 30)


def test_dns_messages() -> None:
    """A message, or why there is none."""
    assert isinstance(read_dns_message(QUERY), DnsMessage)
    assert Unread("dns", "incomplete") == read_dns_message(QUERY[:20])
    assert Unread("dns", "malformed") == read_dns_message(message([b"\xc0\x0c"]))


def test_dns_ip_fragments() -> None:
    """Each fragment of a message makes it longer, and what is known by then is given."""
    reading = DnsFragmentsReading(LIMIT)
    slices = [cut(SliceKind.DNS, at, data, SliceFlag.FRAGMENT) for at, data in parts(ANSWER, 10, 200)]
    facts = fed(reading, slices)

    assert [10, 30] == [len(fact.answers) for fact in facts if isinstance(fact, DnsMessage)]


def test_dns_over_tcp() -> None:
    """Messages in both directions, cut anywhere, two in one slice, out of order."""
    stream = block(2, QUERY) + block(2, QUERY)
    for place in range(1, len(stream)):
        for order in (1, -1):
            slices = [cut(SliceKind.DNS_TCP, at, data) for at, data in parts(stream, place)][::order]
            assert 2 == len(fed(DnsTcpReading(LIMIT), slices))
    reading = DnsTcpReading(LIMIT)
    both = [
        cut(SliceKind.DNS_TCP, 0, block(2, QUERY)[:9]),
        cut(SliceKind.DNS_TCP, 0, block(2, ANSWER), direction=SERVER),
        cut(SliceKind.DNS_TCP, 9, block(2, QUERY)[9:]),
    ]
    assert [True, False] == [fact.response for fact in fed(reading, both) if isinstance(fact, DnsMessage)]
    assert None is reading.finish()


def test_dns_over_tcp_goes_on_for_long() -> None:
    """What was read is dropped: a stream far longer than the limit keeps nothing."""
    stream = block(2, ANSWER)
    reading = DnsTcpReading(1024)
    facts = fed(reading, [cut(SliceKind.DNS_TCP, turn * len(stream), stream) for turn in range(50)])

    assert 50 == len(facts)
    assert 0 == reading.kept_bytes()


def test_dns_over_tcp_in_vain() -> None:
    """A message that stays incomplete, one beyond the limit, and one malformed among others."""
    reading, small, mixed = DnsTcpReading(LIMIT), DnsTcpReading(100), DnsTcpReading(LIMIT)
    fed(reading, [cut(SliceKind.DNS_TCP, 0, block(2, QUERY)[:-1])])
    stream = block(2, message([b"\xc0\x0c"])) + block(2, QUERY)

    assert Unread("dns", "incomplete") == reading.finish()
    assert [Unread("dns", "too_large")] == fed(small, [cut(SliceKind.DNS_TCP, 0, block(2, ANSWER))])
    bad, good = fed(mixed, [cut(SliceKind.DNS_TCP, 0, stream)])
    assert (Unread("dns", "malformed"), True) == (bad, isinstance(good, DnsMessage))


def http(method: bytes, *host: bytes) -> list[Slice]:
    """Slices of a request: the method, then the Host value in pieces, the last marked."""
    pieces = [cut(SliceKind.HTTP_HOST, 0, piece) for piece in host]
    if pieces:
        pieces[-1] = pieces[-1]._replace(flags=SliceFlag.END)
    return [cut(SliceKind.HTTP_METHOD, 0, method), *pieces]


def test_http() -> None:
    """The Host value may come in pieces, the last of which says so."""
    assert [HttpRequest(b"GET", b"example.com")] == fed(HttpReading(LIMIT), http(b"GET", b" Exam", b"ple.com", b":80"))
    assert [HttpRequest(b"GET", None)] == fed(HttpReading(LIMIT), http(b"GET", b""))


def test_http_without_host() -> None:
    """A request whose Host line never comes is a request; one whose value stays cut is not read."""
    bare, begun, odd = HttpReading(LIMIT), HttpReading(LIMIT), HttpReading(LIMIT)
    fed(bare, http(b"GET"))
    fed(begun, http(b"GET", b"example.c", b"om")[:2])
    fed(odd, http(b"G T"))

    assert HttpRequest(b"GET", None) == bare.finish()
    assert Unread("http", "incomplete") == begun.finish()
    with pytest.raises(Malformed):
        odd.finish()
    fed(begun, [cut(SliceKind.HTTP_METHOD, 0, b"GET" * 50), *[cut(SliceKind.HTTP_HOST, 0, b"x" * 9000)] * 9])
    assert LIMIT + 35 == begun.kept_bytes()


def banner(data: bytes, direction: int) -> Slice:
    """A slice of the first packet in a direction."""
    return cut(SliceKind.BANNER, 0, data, direction=direction)


def test_banner() -> None:
    """One direction that tells, two that only tell together, and two that do not."""
    assert [Banner("ssh")] == fed(BannerReading(6, 50_000, 22), [banner(b"SSH-2.0-x\r\n", SERVER)])
    wireguard = banner(b"\x01\x00\x00\x00" + bytes(60), CLIENT)  # 64 of its 148 bytes
    assert (Banner("wireguard"),) == BannerReading(17, 50_000, 51_820).feed(wireguard, 148)
    hello_ftp = [banner(b"220 hello\r\n", SERVER), banner(b"USER me\r\n", CLIENT)]
    assert [Banner("ftp")] == fed(BannerReading(6, 50_000, 2121), hello_ftp)
    unknown = BannerReading(6, 50_000, 2121)
    done = [(fed(unknown, [banner(b"abc", direction)]), unknown.done) for direction in (SERVER, CLIENT)]
    assert [([], False), ([], True)] == done


@pytest.mark.parametrize("kind", list(SliceKind))
def test_noise(kind: SliceKind) -> None:
    """Random slices of every kind give facts or Malformed, and never keep more than their limits."""
    dice = random.Random(int(kind))
    seeds = [STREAM, dtls_record(dtls_fragment(DTLS_BODY, 0, 60)), initial(crypto(HELLO)), block(2, QUERY), QUERY]
    for _ in range(150):
        reading: Reading = READINGS[kind](2000) if kind in READINGS else BannerReading(6, 1, 2)
        for _ in range(12):
            data = bytearray(dice.choice(seeds))
            data[dice.randrange(len(data))] = dice.randrange(256)
            at = dice.choice((0, 0, dice.randrange(3000)))
            s = cut(kind, at, bytes(data[: dice.randrange(len(data) + 1)]), dice.randrange(4), dice.randrange(2))
            try:
                reading.feed(s, len(data))
            except Malformed:
                break
            assert reading.kept_bytes() <= 3 * 2 * 2000 + 2000
        try:
            best = reading.finish()
        except Malformed:
            continue
        assert best is None or isinstance(best, ClientHello | HttpRequest | Unread)
