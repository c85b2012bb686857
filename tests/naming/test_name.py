"""Tests of naming: facts in, the best name and its evidence out."""

import pytest

from agent.facts import Banner, ClientHello, DnsMessage, DnsRecord, Facts, HttpRequest, Unread
from agent.flow import Evidence, Place
from agent.naming.book import AddressBook
from agent.naming.name import LINK_PROTOCOLS, TRANSPORTS, Name, find_name, transport

ANN, BOB, SERVER = b"\x0a\x14\0\1", b"\x0a\x14\0\2", b"\xc6\x12\0\1"
NOW_NS = 1_795_437_000_000_000_000
TCP = Place(ANN, SERVER, 20, 0x0800, 6)
OUTER, INNER, SITE = b"public.example", b"inner.example", b"site.example"


def hello(server_name: bytes | None, *, protocol: str = "tls", encrypted: bool = False) -> ClientHello:
    """A ClientHello."""
    return ClientHello(protocol, server_name, (), encrypted)


def book_of(*, client: bytes | None = None, name: bytes = INNER, public_name: bytes = b"") -> AddressBook:
    """A book in which DNS told `client` that SERVER is `name`, or which is empty but for an outer name."""
    book = AddressBook()
    answers = [DnsRecord(name, 65, 600, public_name=public_name)] if public_name else []
    answers += [DnsRecord(name, 1, 600, address=SERVER)] if client else []
    book.learn(client or ANN, DnsMessage(True, 0, (name,), tuple(answers)), NOW_NS)
    return book


def find(facts: Facts | None, book: AddressBook | None = None, place: Place = TCP) -> Name:
    """The name under a policy that knows one outer name and one telling protocol."""
    return find_name(
        *(facts, place, AddressBook() if book is None else book, NOW_NS),
        is_public_name=lambda name: name == b"configured.example",
        is_site=lambda name: name in (b"configured.example", SITE),
        is_known_protocol=lambda protocol: protocol == "bittorrent",
    )


@pytest.mark.parametrize(
    ("protocol", "evidence"), [("tls", Evidence.SNI), ("dtls", Evidence.SNI), ("quic", Evidence.QUIC)]
)
def test_server_name(protocol: str, evidence: Evidence) -> None:
    """server_name beats whatever DNS said; it is shown in lower case and without a final dot."""
    found = find(hello(b"WWW.Example.COM.", protocol=protocol), book_of(client=ANN))

    assert Name(b"www.example.com", evidence, protocol) == found


def test_hello_without_a_name() -> None:
    """DNS tells, by what the client or anyone was answered; otherwise TLS is all that is known."""
    assert Name(INNER, Evidence.DNS, "tls") == find(hello(None), book_of(client=ANN))
    assert Name(INNER, Evidence.DNS, "quic") == find(hello(None, protocol="quic"), book_of(client=BOB))
    assert Name(None, Evidence.PROTOCOL, "tls") == find(hello(None))


def test_grease_is_no_encrypted_hello() -> None:
    """An encrypted_client_hello extension beside a name that is no outer name hides nothing (RFC 9849 section 6.2)."""
    assert Name(b"www.example.com", Evidence.SNI, "tls") == find(hello(b"www.example.com", encrypted=True))


@pytest.mark.parametrize("name", [b"configured.example", OUTER])
@pytest.mark.parametrize("protocol", ["tls", "quic"])
def test_encrypted_hello(name: bytes, protocol: str) -> None:
    """An outer name, known from the catalogue or from DNS, is told as such."""
    book = book_of(public_name=OUTER)

    assert Name(name, Evidence.ECH, protocol) == find(hello(name.upper(), protocol=protocol, encrypted=True), book)


def test_an_outer_name_without_the_extension() -> None:
    """Who really visits the outer name's own site is named by it."""
    assert Name(OUTER, Evidence.SNI, "tls") == find(hello(OUTER), book_of(public_name=OUTER))


def test_encrypted_hello_and_the_clients_own_answer() -> None:
    """What this client was given the address for is the name that it hides."""
    book = book_of(client=ANN, public_name=OUTER)

    assert Name(INNER, Evidence.DNS, "tls") == find(hello(OUTER, encrypted=True), book)


def test_encrypted_hello_and_the_answer_of_another() -> None:
    """Behind one address of a provider are thousands of sites: what another client asked for tells nothing."""
    book = book_of(client=BOB, public_name=OUTER)

    assert Name(OUTER, Evidence.ECH, "tls") == find(hello(OUTER, encrypted=True), book)


@pytest.mark.parametrize("client", [ANN, BOB])
def test_a_site_that_dns_calls_an_outer_name(client: bytes) -> None:
    """Anyone can have DNS say that a known site's name is an outer one: it renames no flow to that site."""
    book = book_of(client=client, public_name=SITE)

    assert Name(SITE, Evidence.SNI, "tls") == find(hello(SITE, encrypted=True), book)
    assert Name(SITE, Evidence.QUIC, "quic") == find(hello(SITE, protocol="quic", encrypted=True), book)


def test_encrypted_hello_to_the_outer_name_itself() -> None:
    """A client that asked for the outer name is not said to be named by DNS."""
    book = book_of(client=ANN, name=OUTER, public_name=OUTER)

    assert Name(OUTER, Evidence.ECH, "tls") == find(hello(OUTER, encrypted=True), book)


def test_host() -> None:
    """The Host line beats the book."""
    request = HttpRequest(b"GET", b"www.example.com")

    assert Name(b"www.example.com", Evidence.HOST, "http") == find(request, book_of(client=ANN))


@pytest.mark.parametrize("literal", [b"198.18.0.1", b"2001:db8::1", b"1"])
def test_host_is_an_address(literal: bytes) -> None:
    """An address literal names nothing, so the book is better; without one it is all there is."""
    request = HttpRequest(b"GET", literal)

    assert Name(INNER, Evidence.DNS, "http") == find(request, book_of(client=ANN))
    assert Name(literal, Evidence.HOST, "http") == find(request)


@pytest.mark.parametrize("name", [b"1.example", b"10.0.0.x", b"xn--80ak6aa92e.com"])
def test_host_looks_like_an_address(name: bytes) -> None:
    """Digits in a name make it no address."""
    assert Name(name, Evidence.HOST, "http") == find(HttpRequest(b"GET", name), book_of(client=ANN))


def test_request_without_a_host() -> None:
    """The book names it; otherwise HTTP is what is known."""
    assert Name(INNER, Evidence.DNS, "http") == find(HttpRequest(b"GET", None), book_of(client=ANN))
    assert Name(None, Evidence.PROTOCOL, "http") == find(HttpRequest(b"GET", None))


def test_dns() -> None:
    """A resolver's flow is DNS, whatever names its address was given for."""
    assert Name(None, Evidence.PROTOCOL, "dns") == find(DnsMessage(False, 0, (b"x.example",), ()), book_of(client=ANN))


def test_banner() -> None:
    """A protocol that tells the application needs no name; another is named by the book where it can be."""
    book = book_of(client=ANN)

    assert Name(None, Evidence.PROTOCOL, "bittorrent") == find(Banner("bittorrent"), book)
    assert Name(INNER, Evidence.DNS, "ssh") == find(Banner("ssh"), book)
    assert Name(None, Evidence.PROTOCOL, "ssh") == find(Banner("ssh"))


@pytest.mark.parametrize("reason", ["malformed", "incomplete", "too_large", "undecryptable"])
def test_unread(reason: str) -> None:
    """An introduction that could not be read leaves its protocol and the book."""
    assert Name(INNER, Evidence.DNS, "quic") == find(Unread("quic", reason), book_of(client=ANN))
    assert Name(None, Evidence.NONE, "quic") == find(Unread("quic", reason))


@pytest.mark.parametrize(
    ("place", "protocol"),
    [
        (TCP, "tcp"),
        (TCP._replace(ip_protocol=17), "udp"),
        (TCP._replace(ethertype=0x86DD, ip_protocol=58), "icmp6"),
        (TCP._replace(ip_protocol=132), "sctp"),
        (TCP._replace(ip_protocol=253), "ip"),
    ],
)
def test_nothing_was_said(place: Place, protocol: str) -> None:
    """Without facts the book names; without that the protocol's number is all there is."""
    assert protocol == transport(place)
    assert Name(INNER, Evidence.DNS, protocol) == find(None, book_of(client=ANN), place)
    assert Name(None, Evidence.NONE, protocol) == find(None, None, place)


@pytest.mark.parametrize(
    ("ethertype", "protocol"), [(0x0806, "arp"), (0x88CC, "lldp"), (0x0001, "llc"), (0xBEEF, "link")]
)
def test_frames_without_ip(ethertype: int, protocol: str) -> None:
    """The EtherType tells; there is no address to look up."""
    place = Place(b"", b"", None, ethertype, 0)

    assert protocol == transport(place)
    assert Name(None, Evidence.NONE, protocol) == find(None, book_of(client=ANN), place)


def test_a_transport_that_tells() -> None:
    """A protocol of IP itself may tell the application, as ESP does."""
    place = TCP._replace(ip_protocol=50)
    found = find_name(
        *(None, place, AddressBook(), NOW_NS),
        is_public_name=lambda _name: False,
        is_site=lambda _name: False,
        is_known_protocol=lambda protocol: protocol == "esp",
    )

    assert Name(None, Evidence.PROTOCOL, "esp") == found


def test_the_book_is_asked_of_its_time() -> None:
    """An answer that had expired when the flow was seen names nothing."""
    book = book_of(client=ANN)
    late = find_name(
        *(None, TCP, book, NOW_NS + 601 * 1_000_000_000),
        is_public_name=lambda _name: False,
        is_site=lambda _name: False,
        is_known_protocol=lambda _protocol: False,
    )

    assert Name(None, Evidence.NONE, "tcp") == late


def test_protocol_names_are_labels() -> None:
    """What becomes a label is short, in lower case, and each number has a name of its own."""
    for table in (TRANSPORTS, LINK_PROTOCOLS):
        assert all(name.isalnum() and name == name.lower() for name in table.values())
        assert len(table) == len(set(table.values()))
