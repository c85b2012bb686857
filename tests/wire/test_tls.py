"""Tests of reading ClientHellos from TLS: whole, cut, in many records, and wrong."""

import random

import pytest

from agent.facts import ClientHello
from agent.wire import tls
from agent.wire.cursor import Malformed
from tests.wire.build import alpn, block, body, extension, hello, records, sni

HELLO = hello(extension(0x0A0A, b""), sni(b"www.example.com"), alpn(b"h2", b"http/1.1"), extension(43, b"\x02\x03\x04"))
EXPECTED = ClientHello("tls", b"www.example.com", (b"h2", b"http/1.1"), encrypted=False)


def read_partial_stream(data: bytes) -> ClientHello | None:
    """Returns what read_partial makes of records, the last of which may be cut."""
    handshake = bytearray()
    at = tls.pull_records(data, 0, len(data), handshake)
    return tls.read_partial(bytes(handshake) + data[at + tls.RECORD_HEADER_BYTES :])


def test_whole() -> None:
    """One record with the whole hello, and whatever follows it, is read."""
    assert EXPECTED == tls.read_stream(records(HELLO))
    assert EXPECTED == tls.read_stream(records(HELLO) + b"\x14\x03\x03\x00\x01\x01 and noise")


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 60, 100])
def test_many_records(size: int) -> None:
    """A hello cut into records of any size, inside its header or its name, is the same hello."""
    assert EXPECTED == tls.read_stream(records(HELLO, size))


@pytest.mark.parametrize("size", [7, 1 << 14])
def test_every_cut_needs_more(size: int) -> None:
    """Every true prefix of a stream needs more bytes; so does every prefix of the bare hello."""
    stream = records(HELLO, size)

    assert {None} == {tls.read_stream(stream[:cut]) for cut in range(len(stream))}
    assert {None} == {tls.read_hello(HELLO[:cut]) for cut in range(len(HELLO))}


def test_records_one_byte_at_a_time() -> None:
    """pull_records goes on where it stopped, and adds each record once."""
    stream = records(HELLO, 11)
    handshake = bytearray()
    at = 0
    for end in range(len(stream) + 1):
        at = tls.pull_records(stream, at, end, handshake)

    assert (HELLO, len(stream)) == (bytes(handshake), at)


def test_bare_handshake() -> None:
    """The bytes QUIC carries, with the protocol and version of who carried them."""
    assert ClientHello("quic", b"a.example", (), encrypted=False, quic_version=1) == tls.read_hello(
        hello(sni(b"a.example")), "quic", 1
    )


@pytest.mark.parametrize("kind", [0xFE0D, 0xFFCE])
def test_encrypted(kind: int) -> None:
    """ECH, real or GREASE, and the older ESNI are seen, wherever they stand."""
    fact = tls.read_hello(hello(extension(kind, b"\x00" * 20), sni(b"public.example")))

    assert ClientHello("tls", b"public.example", (), encrypted=True) == fact


def test_no_extensions() -> None:
    """A hello may end after its compression methods (RFC 5246 section 7.4.1.2)."""
    old = body()[:-2]

    assert ClientHello("tls", None, (), encrypted=False) == tls.read_hello(b"\x01" + block(3, old))


@pytest.mark.parametrize(
    "name", [b"", b"with space.example", b"a\x00b.example", b"a\r\nb", b"\xff\xfe", b'a"b', b"a/b", b"x" * 256]
)
def test_names_not_fit_to_use(name: bytes) -> None:
    """A hello whose server_name is no host name is still a hello, without a name."""
    assert ClientHello("tls", None, (), encrypted=False) == tls.read_hello(hello(sni(name)))


@pytest.mark.parametrize("name", [b"a_b.example", b"example.com.", b"MiXeD.example", b"x" * 255])
def test_names_as_sent(name: bytes) -> None:
    """Underscores, a final dot, capitals and length are kept."""
    fact = tls.read_hello(hello(sni(name)))

    assert fact is not None
    assert name == fact.server_name


def test_first_of_several_names() -> None:
    """Of two names in a list, and of two extensions, the first counts, even when it is not fit to use."""
    for extensions in ([sni(b"first.example", b"second.example")], [sni(b"first.example"), sni(b"second.example")]):
        fact = tls.read_hello(hello(*extensions))
        assert fact is not None
        assert b"first.example" == fact.server_name
    assert ClientHello("tls", None, (), encrypted=False) == tls.read_hello(hello(sni(b""), sni(b"second.example")))


def test_other_name_types() -> None:
    """A name that is no host_name is passed over (RFC 6066 section 3); so is an empty extension, as servers send it."""
    assert ClientHello("tls", None, (), encrypted=False) == tls.read_hello(hello(sni(b"a.example", kind=1)))
    assert ClientHello("tls", None, (), encrypted=False) == tls.read_hello(hello(extension(0, b"")))


@pytest.mark.parametrize(
    "stream",
    [
        b"\x80\x2e\x01\x03\x01",  # SSLv2-compatible hello
        b"GET / HTTP/1.1",
        b"\x16\x02\x00\x00\x05",  # not version 3
        b"\x16\x03\x01\x00\x00",  # an empty record
        b"\x16\x03\x01\x40\x01",  # 2^14 + 1 bytes
        b"\x15\x03\x01\x00\x02\x02\x28",  # an alert
        records(b"\x02\x00\x00\x01\x00"),  # a ServerHello
        records(HELLO, 40)[:45] + b"\x14\x03\x03\x00\x01\x01",  # another record inside the hello
    ],
)
def test_no_client_hello(stream: bytes) -> None:
    """What cannot become a ClientHello is Malformed at once."""
    with pytest.raises(Malformed):
        tls.read_stream(stream)


@pytest.mark.parametrize(
    "inner",
    [
        b"",
        body()[:34],
        body(sni(b"a.example"), b"\x00\x2b\x00\x01"),  # its last extension has a length and nothing more
        body(sni(b"a.example"))[:-1],  # extensions that end after the hello
        body(sni(b"a.example")) + b"\x00",  # bytes after them
        body(b"\x00\x00\x00\x20" + b"a"),  # an extension longer than all
        body(extension(0, b"\x00\x0c\x00\x00\xffa.example")),  # a name longer than its extension
        body(extension(16, b"\x00\x03\x09h2")),  # a protocol longer than its extension
        body(b"\x00"),  # half an extension
        body()[:-2] + b"\x00",  # half a length
    ],
)
def test_lying_lengths(inner: bytes) -> None:
    """A whole message whose inner lengths do not fit is Malformed."""
    with pytest.raises(Malformed):
        tls.read_hello(b"\x01" + block(3, inner))


def test_partial() -> None:
    """From the byte that ends the server_name on, a cut hello gives the name, marked as incomplete; never before."""
    whole = HELLO.index(b"www.example.com") + len(b"www.example.com")
    names = [tls.read_partial(HELLO[:cut]) for cut in range(len(HELLO))]

    assert {None} == set(names[:whole])
    assert all(fact and (fact.server_name, fact.complete) == (b"www.example.com", False) for fact in names[whole:])
    assert (b"h2", b"http/1.1") == (names[-1].alpn if names[-1] else ())


def test_partial_stream() -> None:
    """The name in a record that was cut, after whole ones."""
    stream = records(HELLO, 40)
    fact = read_partial_stream(stream[: stream.index(b".com") + 40])

    assert fact is not None
    assert b"www.example.com" == fact.server_name


def test_noise() -> None:
    """Hellos with bytes changed, and cut anywhere, only ever give a value, None or Malformed."""
    dice = random.Random(8446)
    good = records(hello(sni(b"noise.example"), alpn(b"h2"), extension(0xFE0D, b"x" * 9)), 50)
    seen: set[type[object]] = set()
    for _ in range(4000):
        stream = bytearray(good)
        for _ in range(dice.randrange(1, 5)):
            stream[dice.randrange(len(stream))] = dice.randrange(256)
        for read in (tls.read_stream, read_partial_stream):
            try:
                seen.add(type(read(bytes(stream[: dice.randrange(len(stream) + 1)]))))
            except Malformed:
                seen.add(Malformed)

    assert {ClientHello, type(None), Malformed} == seen
