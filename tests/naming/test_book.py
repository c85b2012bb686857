"""Tests of the address book: what DNS answers teach, for whom, and for how long."""

from itertools import pairwise

import pytest

from agent.facts import DnsMessage, DnsRecord
from agent.naming.book import MAX_CHAIN, MAX_LIFE_S, MAX_PUBLIC_NAMES, MIN_LIFE_S, AddressBook

ANN, BOB = b"\x0a\x14\0\1", b"\x0a\x14\0\2"
SERVER, OTHER, SIX = b"\xc6\x12\0\1", b"\xc6\x12\0\2", b"\x20\x01\x0d\xb8" + bytes(12)
SECOND_NS = 1_000_000_000
NOW_NS = 1_795_437_000 * SECOND_NS

A, CNAME, AAAA, SVCB, HTTPS = 1, 5, 28, 64, 65


def record(name: bytes, *, address: bytes = SERVER, kind: int = A, ttl_s: int = 600) -> DnsRecord:
    """An address record."""
    return DnsRecord(name, kind, ttl_s, address=address)


def alias(name: bytes, target: bytes) -> DnsRecord:
    """A CNAME record."""
    return DnsRecord(name, CNAME, 600, target=target)


def answer(*answers: DnsRecord, asked: bytes = b"www.example.com", response: bool = True) -> DnsMessage:
    """A DNS message."""
    return DnsMessage(response, 0, (asked,), answers)


@pytest.fixture
def book() -> AddressBook:
    """Returns an empty book."""
    return AddressBook()


def test_an_answer_names_its_addresses(book: AddressBook) -> None:
    """Every A and AAAA record of the name that was asked for is written down."""
    book.learn(ANN, answer(record(b"www.example.com"), record(b"www.example.com", address=SIX, kind=AAAA)), NOW_NS)

    assert [b"www.example.com"] * 2 == [book.look_up(ANN, address, NOW_NS) for address in (SERVER, SIX)]
    assert None is book.look_up(ANN, OTHER, NOW_NS)
    assert 2 == len(book)


def test_the_client_comes_first(book: AddressBook) -> None:
    """Two names share an address: each client meant the one that it asked for; a third gets the latest."""
    book.learn(ANN, answer(record(b"a.example"), asked=b"a.example"), NOW_NS)
    book.learn(BOB, answer(record(b"b.example"), asked=b"b.example"), NOW_NS)

    names = [book.look_up(client, SERVER, NOW_NS) for client in (ANN, BOB, b"\x0a\x14\0\3")]

    assert [b"a.example", b"b.example", b"b.example"] == names


def test_its_own_answer_only(book: AddressBook) -> None:
    """look_up_own does not fall back on what others were told."""
    book.learn(ANN, answer(record(b"www.example.com")), NOW_NS)

    assert b"www.example.com" == book.look_up_own(ANN, SERVER, NOW_NS)
    assert None is book.look_up_own(BOB, SERVER, NOW_NS)


def test_the_latest_answer_counts(book: AddressBook) -> None:
    """A client that asks for another name at the same address means that one from then on."""
    book.learn(ANN, answer(record(b"a.example"), asked=b"a.example"), NOW_NS)
    book.learn(ANN, answer(record(b"b.example"), asked=b"b.example"), NOW_NS)

    assert b"b.example" == book.look_up(ANN, SERVER, NOW_NS)


def test_the_name_asked_for_is_kept_not_its_alias(book: AddressBook) -> None:
    """Along a chain of CNAMEs the client meant the first name."""
    book.learn(
        ANN,
        answer(
            alias(b"www.example.com", b"edge.cdn.example"),
            alias(b"edge.cdn.example", b"pop7.cdn.example"),
            record(b"pop7.cdn.example"),
        ),
        NOW_NS,
    )

    assert b"www.example.com" == book.look_up(ANN, SERVER, NOW_NS)


def test_a_chain_in_any_order(book: AddressBook) -> None:
    """Servers may put the address before the CNAMEs that lead to it."""
    book.learn(
        ANN, answer(record(b"c.example"), alias(b"b.example", b"c.example"), alias(b"www.example.com", b"b.example")), 0
    )

    assert b"www.example.com" == book.look_up(ANN, SERVER, 0)


def test_records_that_nobody_asked_for(book: AddressBook) -> None:
    """An address of a name that the question does not lead to teaches nothing, lest an answer plant names."""
    book.learn(ANN, answer(record(b"bank.example"), alias(b"x.example", b"bank.example")), NOW_NS)

    assert None is book.look_up(ANN, SERVER, NOW_NS)
    assert 0 == len(book)


@pytest.mark.parametrize(("links", "expected"), [(MAX_CHAIN, b"n0.example"), (MAX_CHAIN + 1, None)])
def test_chains_are_followed_so_far(book: AddressBook, links: int, expected: bytes | None) -> None:
    """A chain of MAX_CHAIN links is followed to its end, a longer one is not."""
    names = [b"n%d.example" % i for i in range(links + 1)]
    chain = [alias(name, target) for name, target in pairwise(names)]
    book.learn(ANN, answer(*chain, record(names[-1]), asked=names[0]), NOW_NS)

    assert expected == book.look_up(ANN, SERVER, NOW_NS)


def test_a_chain_that_bites_its_tail(book: AddressBook) -> None:
    """CNAMEs in a circle end; what is reached on the way counts."""
    book.learn(
        ANN,
        answer(alias(b"www.example.com", b"b.example"), alias(b"b.example", b"www.example.com"), record(b"b.example")),
        NOW_NS,
    )

    assert b"www.example.com" == book.look_up(ANN, SERVER, NOW_NS)


@pytest.mark.parametrize("kind", [HTTPS, SVCB])
def test_hints_are_addresses(book: AddressBook, kind: int) -> None:
    """ipv4hint and ipv6hint of a service record name addresses as A and AAAA do (RFC 9460 section 7.3)."""
    book.learn(ANN, answer(DnsRecord(b"www.example.com", kind, 60, hints=(SERVER, SIX))), NOW_NS)

    assert [b"www.example.com"] * 2 == [book.look_up(ANN, address, NOW_NS) for address in (SERVER, SIX)]


def test_a_service_record_leads_to_its_target(book: AddressBook) -> None:
    """Addresses of an HTTPS record's target are the name's own."""
    service = DnsRecord(b"www.example.com", HTTPS, 60, target=b"svc.example")
    book.learn(ANN, answer(service, record(b"svc.example")), NOW_NS)

    assert b"www.example.com" == book.look_up(ANN, SERVER, NOW_NS)


def test_outer_names_are_known(book: AddressBook) -> None:
    """public_name of an ECH configuration is remembered as such, and no other name is."""
    service = DnsRecord(b"www.example.com", HTTPS, 60, public_name=b"public.example")
    book.learn(ANN, answer(service), NOW_NS)

    assert [True, False] == [book.is_public_name(name) for name in (b"public.example", b"www.example.com")]


def test_outer_names_have_a_limit(book: AddressBook) -> None:
    """Beyond MAX_PUBLIC_NAMES new outer names are not kept, and counted; known ones stay known."""
    for i in range(MAX_PUBLIC_NAMES + 5):
        service = DnsRecord(b"www.example.com", HTTPS, 60, public_name=b"p%d.example" % i)
        book.learn(ANN, answer(service), NOW_NS)
    book.learn(ANN, answer(DnsRecord(b"www.example.com", HTTPS, 60, public_name=b"p0.example")), NOW_NS)

    assert [True, True, False] == [
        book.is_public_name(b"p%d.example" % i) for i in (0, MAX_PUBLIC_NAMES - 1, MAX_PUBLIC_NAMES)
    ]
    assert 5 == book.limits_met["book_public_names"]


@pytest.mark.parametrize(
    ("ttl_s", "life_s"),
    [(0, MIN_LIFE_S), (MIN_LIFE_S - 1, MIN_LIFE_S), (3600, 3600), (MAX_LIFE_S + 1, MAX_LIFE_S), (2**31, MAX_LIFE_S)],
)
def test_answers_live_as_long_as_their_ttl(book: AddressBook, ttl_s: int, life_s: int) -> None:
    """A TTL is stretched to five minutes and cut to a day; at its last nanosecond the name still counts."""
    book.learn(ANN, answer(record(b"www.example.com", ttl_s=ttl_s)), NOW_NS)
    until_ns = NOW_NS + life_s * SECOND_NS

    for look_up in (book.look_up, book.look_up_own):
        assert [b"www.example.com", None] == [look_up(ANN, SERVER, now_ns) for now_ns in (until_ns, until_ns + 1)]


def test_what_others_were_told_lately(book: AddressBook) -> None:
    """When a client's own answer has grown old, the fresh one of another is better than none."""
    book.learn(ANN, answer(record(b"a.example"), asked=b"a.example"), NOW_NS)
    later_ns = NOW_NS + 700 * SECOND_NS
    book.learn(BOB, answer(record(b"b.example"), asked=b"b.example"), later_ns)

    assert b"b.example" == book.look_up(ANN, SERVER, later_ns)
    assert None is book.look_up_own(ANN, SERVER, later_ns)


@pytest.mark.parametrize(
    "message",
    [
        answer(record(b"www.example.com"), response=False),
        answer(),
        DnsMessage(True, 3, (b"www.example.com",), ()),
        DnsMessage(True, 0, (), (record(b"www.example.com"),)),
        answer(record(b"www.example.com", address=b"")),
        answer(DnsRecord(b"www.example.com", 16, 60, address=SERVER)),
    ],
    ids=["query", "no answers", "no such name", "no question", "no address", "TXT"],
)
def test_messages_that_teach_nothing(book: AddressBook, message: DnsMessage) -> None:
    """Queries, empty answers, answers without a question and records that are no addresses leave the book as it was."""
    book.learn(ANN, message, NOW_NS)

    assert 0 == len(book)
    assert None is book.look_up(ANN, SERVER, NOW_NS)


def test_the_oldest_answer_makes_room() -> None:
    """A full book forgets what was written longest ago, counts it, and does not grow."""
    book = AddressBook(max_entries=2)
    for i in (1, 2):
        book.learn(ANN, answer(record(b"www.example.com", address=bytes([i]) * 4)), NOW_NS)
    book.learn(ANN, answer(record(b"www.example.com", address=b"\1" * 4)), NOW_NS)  # the first is fresh again
    assert 0 == book.limits_met["book_entries"]
    book.learn(ANN, answer(record(b"www.example.com", address=b"\3" * 4)), NOW_NS)

    found = [book.look_up(ANN, bytes([i]) * 4, NOW_NS) is not None for i in (1, 2, 3)]

    assert [True, False, True] == found
    assert 2 == len(book)
    assert 2 == book.limits_met["book_entries"]  # one of each book


def test_both_books_have_a_limit() -> None:
    """Many clients at few addresses fill the first book only; the second still knows the latest name."""
    book = AddressBook(max_entries=3)
    for i in range(10):
        book.learn(bytes([i]) * 4, answer(record(b"n%d.example" % i), asked=b"n%d.example" % i), NOW_NS)

    assert 3 == len(book)
    assert 7 == book.limits_met["book_entries"]
    assert None is book.look_up_own(b"\0" * 4, SERVER, NOW_NS)
    assert b"n9.example" == book.look_up(b"\0" * 4, SERVER, NOW_NS)


def test_nothing_is_held_for_longer_than_its_time() -> None:
    """What is over is dropped, and not only no longer told: by client, by address, and outer names."""
    book, day_ns = AddressBook(), MAX_LIFE_S * SECOND_NS
    hinted = DnsRecord(b"a.example", HTTPS, 600, public_name=b"outer.example")
    book.learn(ANN, answer(record(b"a.example", ttl_s=10 * MAX_LIFE_S), hinted, asked=b"a.example"), NOW_NS)
    book.learn(BOB, answer(record(b"b.example", address=OTHER), asked=b"b.example"), NOW_NS)

    book.forget(NOW_NS + day_ns)
    assert b"a.example" == book.look_up(ANN, SERVER, NOW_NS + day_ns)
    assert book.is_public_name(b"outer.example")

    book.forget(NOW_NS + day_ns + 1)
    assert 0 == len(book)
    assert None is book.look_up(ANN, OTHER, NOW_NS)
    assert not book.is_public_name(b"outer.example")
    assert 0 == sum(book.limits_met.values())


def test_an_answer_that_was_given_again_is_held_on(book: AddressBook) -> None:
    """Its day begins with the newest answer."""
    book.learn(ANN, answer(record(b"a.example", ttl_s=MIN_LIFE_S), asked=b"a.example"), NOW_NS)
    later_ns = NOW_NS + MIN_LIFE_S * SECOND_NS
    book.learn(ANN, answer(record(b"a.example", ttl_s=MIN_LIFE_S), asked=b"a.example"), later_ns)

    book.forget(later_ns + 1)

    assert b"a.example" == book.look_up_own(ANN, SERVER, later_ns + 1)
