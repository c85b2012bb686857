"""Tests of reading DNS messages: against dpkt, by the examples of RFC 9460, cut everywhere, and hostile."""

import random
import socket

import dpkt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.facts import DnsMessage, DnsRecord
from agent.wire.cursor import Malformed
from agent.wire.dns import MAX_ANSWERS, MAX_QUESTIONS, parse, stream_messages
from tests.wire.build import block, message, name, record

A, CNAME, AAAA, SVCB, HTTPS = 1, 5, 28, 64, 65
OWNER = b"\xc0\x0c"
"""A pointer to the question's name."""
HERE, THERE = bytes([192, 0, 2, 1]), bytes([198, 51, 100, 7])
SIX = bytes.fromhex("20010db8000000000000000000000001")

CHAIN = message(
    [name("WWW.Example.com")],
    [
        record(OWNER, CNAME, b"\x03cdn\xc0\x10", 300),
        record(b"\xc0\x2d", A, HERE),
        record(b"\xc0\x2d", A, THERE),
        record(b"\xc0\x2d", AAAA, SIX),
    ],
)


def one(answer: bytes) -> DnsRecord | None:
    """The only record read from an answer about x.example, if it is read."""
    read = parse(message([name("x.example")], [answer]))
    assert read is not None
    return read.answers[0] if read.answers else None


def test_query() -> None:
    """A query holds its question, in lower case, and no answers."""
    expected = DnsMessage(response=False, rcode=0, questions=(b"www.example.com",), answers=())

    assert expected == parse(message([name("WWW.Example.com")]))


def test_chain_of_aliases() -> None:
    """Aliases and addresses with their owners, through pointers into names that themselves hold pointers."""
    cdn = b"cdn.example.com"
    expected = DnsMessage(
        response=True,
        rcode=0,
        questions=(b"www.example.com",),
        answers=(
            DnsRecord(b"www.example.com", CNAME, 300, target=cdn),
            DnsRecord(cdn, A, 60, HERE),
            DnsRecord(cdn, A, 60, THERE),
            DnsRecord(cdn, AAAA, 60, SIX),
        ),
    )

    assert expected == parse(CHAIN)


def test_no_such_name() -> None:
    """The response code is kept (RFC 1035 section 4.1.1: 3, the name does not exist)."""
    read = parse(message([name("no.example")], flags=0x8183))

    assert DnsMessage(response=True, rcode=3, questions=(b"no.example",), answers=()) == read


def test_multicast() -> None:
    """The top bit of a class is not part of it (RFC 6762); an answer without question is one."""
    read = parse(message([], [record(name("printer.local"), A, HERE, class_=0x8001)], flags=0x8400))

    assert read is not None
    assert (DnsRecord(b"printer.local", A, 60, HERE),) == read.answers


def test_every_cut() -> None:
    """A message cut in its question needs more; later, it gives the whole records before the cut."""
    whole = parse(CHAIN)
    assert whole is not None
    question_end = 12 + len(name("www.example.com")) + 4
    counts = []
    for cut in range(len(CHAIN) + 1):
        read = parse(CHAIN[:cut])
        assert (read is None) == (cut < question_end)
        if read is not None:
            assert whole.answers[: len(read.answers)] == read.answers
            counts.append(len(read.answers))

    assert (sorted(counts), 0, 4) == (counts, counts[0], counts[-1])


def test_followed_by_noise() -> None:
    """Bytes after the counted records change nothing."""
    assert parse(CHAIN) == parse(CHAIN + b"\xc0\x00 and noise")


@pytest.mark.parametrize(
    "answer",
    [
        record(OWNER, A, HERE + b"x"),
        record(OWNER, AAAA, HERE),
        record(OWNER, A, HERE, class_=3),  # Chaos
        record(OWNER, 16, b"\x04text"),
        record(b"\x05a b c\x00", A, HERE),
        record(b"\x03a.b\x00", A, HERE),  # a dot inside a label would make another name
        record(b"\x00", A, HERE),
        record(OWNER, CNAME, b"\x02\xff\xfe\x00"),
        record(OWNER, CNAME, name("a.example") + b"x"),
        record(OWNER, SVCB, b"\x00\x01\x02\xff\xfe\x00"),
    ],
)
def test_records_passed_over(answer: bytes) -> None:
    """Other types and classes, wrong sizes and names with odd bytes are left out; what follows is read."""
    assert one(answer) is None
    read = parse(message([name("x.example")], [answer, record(OWNER, A, HERE)]))
    assert read is not None
    assert [HERE] == [found.address for found in read.answers]


def test_odd_question() -> None:
    """A question whose name holds odd bytes, or is the root, is left out of the names asked for."""
    read = parse(message([b"\x04a\x00\r\n\x00", b"\x00", name("good.example")]))

    assert read is not None
    assert (b"good.example",) == read.questions


@pytest.mark.parametrize(
    ("rdata", "expected"),
    [
        # RFC 9460 appendix D.1 and D.2: alias mode; service mode with "." as target; a target and a port
        ("000003666f6f076578616d706c6503636f6d00", DnsRecord(b"x.example", HTTPS, 60, target=b"foo.example.com")),
        ("000100", DnsRecord(b"x.example", HTTPS, 60)),
        (
            "001003666f6f076578616d706c6503636f6d00000300020035",
            DnsRecord(b"x.example", HTTPS, 60, target=b"foo.example.com"),
        ),
        # two IPv6 hints
        (
            "000103666f6f076578616d706c6503636f6d000006002020010db800000000000000000000000120010db8000000000000000000530001",
            DnsRecord(
                b"x.example",
                HTTPS,
                60,
                target=b"foo.example.com",
                hints=(SIX, bytes.fromhex("20010db8000000000000000000530001")),
            ),
        ),
        # mandatory, alpn and an IPv4 hint
        (
            "001003666f6f076578616d706c65036f726700000000040001000400010009026832 0568332d3139000400 04c0000201",
            DnsRecord(b"x.example", HTTPS, 60, target=b"foo.example.org", hints=(HERE,)),
        ),
    ],
)
def test_examples_of_rfc_9460(rdata: str, expected: DnsRecord) -> None:
    """The wire examples of RFC 9460 appendix D."""
    assert expected == one(record(OWNER, HTTPS, bytes.fromhex(rdata)))


def ech_config(public_name: bytes, version: int = 0xFE0D) -> bytes:
    """An ECHConfig (RFC 9849 section 4)."""
    contents = b"\x07\x00\x20" + block(2, b"k" * 32) + block(2, b"\x00\x01\x00\x01") + b"\x00" + block(1, public_name)
    return version.to_bytes(2) + block(2, contents + block(2, b""))


@pytest.mark.parametrize(
    ("ech", "expected"),
    [
        (block(2, ech_config(b"Cover.example")), b"cover.example"),
        (block(2, ech_config(b"old.example", 0xFE0A) + ech_config(b"cover.example")), b"cover.example"),
        (block(2, ech_config(b"old.example", 0xFE0A)), b""),
        (block(2, ech_config(b"\xff\xfe")), b""),
        (block(2, ech_config(b"cover.example")[:20]), b""),
        (b"\xff\xff", b""),
        (b"", b""),
    ],
)
def test_public_name(ech: bytes, expected: bytes) -> None:
    """The outer name of the first ECHConfig of the version that RFC 9849 defines; broken lists lose only that."""
    found = one(record(OWNER, HTTPS, b"\x00\x01\x00" + b"\x00\x04" + block(2, HERE) + b"\x00\x05" + block(2, ech)))

    assert DnsRecord(b"x.example", HTTPS, 60, hints=(HERE,), public_name=expected) == found


@pytest.mark.parametrize(
    "data",
    [
        message([b"\xc0\x0c"]),  # points at itself
        message([b"\x01a\xc0\x0c"]),  # at its own start
        message([b"\xc0\x20" + bytes(40)]),  # forward
        message([b"\x40" + b"a" * 64 + b"\x00"]),  # a label of an unknown kind
        message([b"".join(block(1, b"a" * 63) for _ in range(4)) + b"\x00"]),  # 257 bytes
        message([name("x.example")] * (MAX_QUESTIONS + 1)),
        message([name("x.example")], [record(OWNER, CNAME, b"\xc0\xff")]),
        message([name("x.example")], [record(OWNER, HTTPS, b"\x00\x01\x00\x00\x04\x00\x05abcd")]),
    ],
)
def test_malformed(data: bytes) -> None:
    """Names that loop, point forward or are too long, unknown labels and lying parameters are Malformed."""
    with pytest.raises(Malformed):
        parse(data)


def test_long_chain_of_pointers() -> None:
    """Names that each add a label and point at the last are read up to 255 bytes, each once."""
    first = len(message([name("x.example")]))
    answers, target = [], 12
    at = first
    for _ in range(100):
        owner = b"\x01a" + (0xC000 | target).to_bytes(2)
        answers.append(record(owner, A, HERE))
        target, at = at, at + len(answers[-1])
    whole = parse(message([name("x.example")], answers))

    assert whole is not None
    assert (100, b"a." * 100 + b"x.example") == (len(whole.answers), whole.answers[-1].name)
    answers += [record(b"\x3f" + b"b" * 63 + (0xC000 | target).to_bytes(2), A, HERE)]
    with pytest.raises(Malformed):
        parse(message([name("x.example")], answers))


def test_pointers_to_pointers() -> None:
    """Thousands of pointers in a row, each to the one before, lead to the name; many records may end there."""
    data = bytearray(message([name("x.example")], [b""] * MAX_ANSWERS))
    data += record(b"\x00", 16, b"".join((0xC000 | at).to_bytes(2) for at in (12, *range(len(data) + 11, 16_000, 2))))
    last = (0xC000 | (len(data) - 2)).to_bytes(2)
    read = parse(bytes(data) + record(last, A, HERE) * (MAX_ANSWERS - 1))

    assert read is not None
    assert {(b"x.example", HERE)} == {(found.name, found.address) for found in read.answers}
    assert MAX_ANSWERS - 1 == len(read.answers)


def test_limits() -> None:
    """MAX_QUESTIONS are read, and of the answers the first MAX_ANSWERS."""
    read = parse(message([name("x.example")] * MAX_QUESTIONS, [record(OWNER, A, HERE)] * (MAX_ANSWERS + 9)))

    assert read is not None
    assert (MAX_QUESTIONS, MAX_ANSWERS) == (len(read.questions), len(read.answers))


def test_lying_counts() -> None:
    """Counts beyond what the message holds give what there is."""
    data = bytearray(CHAIN)
    data[6:8] = b"\xff\xff"
    read = parse(bytes(data))

    assert read is not None
    assert 4 == len(read.answers)


LABELS = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_", min_size=1, max_size=20)
NAMES = st.lists(LABELS, min_size=1, max_size=5).map(".".join)


@given(NAMES, st.lists(st.tuples(NAMES, st.sampled_from([A, AAAA, CNAME]), st.integers(0, 1 << 31)), max_size=6))
def test_as_dpkt_reads_it(question: str, answers: list[tuple[str, int, int]]) -> None:
    """On well-formed messages that dpkt packs, with its compression, we read what dpkt reads."""
    packed = dpkt.dns.DNS(qr=1, qd=[dpkt.dns.DNS.Q(name=question)])
    for owner, kind, ttl_s in answers:
        rr = dpkt.dns.DNS.RR(name=owner, type=kind, ttl=ttl_s)
        if kind == CNAME:
            rr.cname = question
        elif kind == A:
            rr.ip = HERE
        else:
            rr.ip6 = SIX
        packed.an.append(rr)
    data = bytes(packed)
    oracle = dpkt.dns.DNS(data)
    read = parse(data)

    assert read is not None
    assert [asked.name.encode() for asked in oracle.qd] == list(read.questions)
    assert [
        (
            rr.name.encode(),
            rr.type,
            rr.ttl,
            rr.cname.encode() if rr.type == CNAME else socket.inet_ntop(*address(rr)).encode(),
        )
        for rr in oracle.an
    ] == [
        (
            found.name,
            found.kind,
            found.ttl_s,
            found.target or socket.inet_ntop(FAMILY[len(found.address)], found.address).encode(),
        )
        for found in read.answers
    ]


FAMILY = {4: socket.AF_INET, 16: socket.AF_INET6}


def address(rr: dpkt.dns.DNS.RR) -> tuple[int, bytes]:
    """Family and bytes of dpkt's address record."""
    raw = bytes(rr.ip if rr.type == A else rr.ip6)
    return FAMILY[len(raw)], raw


def test_noise() -> None:
    """Changed and cut messages only ever give a value, None or Malformed."""
    dice = random.Random(1035)
    good = CHAIN + record(OWNER, HTTPS, b"\x00\x01\x00\x00\x05" + block(2, block(2, ech_config(b"c.example"))))
    good = good[:6] + b"\x00\x05" + good[8:]
    seen: set[type[object]] = set()
    for _ in range(6000):
        data = bytearray(good)
        for _ in range(dice.randrange(1, 4)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        try:
            seen.add(type(parse(bytes(data[: dice.randrange(len(data) + 1)]))))
        except Malformed:
            seen.add(Malformed)

    assert {DnsMessage, type(None), Malformed} == seen


def test_stream() -> None:
    """Messages with their lengths before them; the rest of a stream waits for more at every cut."""
    stream = block(2, CHAIN) + block(2, message([name("x.example")]))
    both = [CHAIN, message([name("x.example")])]
    first = 2 + len(CHAIN)
    for cut in range(len(stream) + 1):
        expected = 0 if cut < first else 1 if cut < len(stream) else 2
        assert (both[:expected], (0, first, len(stream))[expected]) == stream_messages(stream, cut)


def test_stream_of_something_else() -> None:
    """A length too small for a header is Malformed."""
    with pytest.raises(Malformed):
        stream_messages(b"\x00\x05hello", 7)
