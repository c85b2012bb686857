"""ClientHellos and records, read back by dpkt and by counting bytes."""

import random
import struct

import dpkt
import pytest

from agent.lab.canary import flow_numbers
from agent.lab.hellos import (
    BROWSERS,
    CHROME,
    ECH,
    FIREFOX,
    TLS12_CLIENT,
    X25519MLKEM768,
    Browser,
    client_hello,
    dtls_records,
    records,
    sealed_records,
    server_flight,
)
from agent.lab.stack import DEFAULT_MSS_BYTES


def _read(hello: bytes) -> dict[int, bytes]:
    """Extension type -> value, by dpkt."""
    message = dpkt.ssl.TLSHandshake(hello)
    assert isinstance(message.data, dpkt.ssl.TLSClientHello)
    return dict(message.data.extensions)


@pytest.mark.parametrize("browser", BROWSERS, ids=lambda browser: browser.name)
def test_dpkt_reads_the_name(browser: Browser) -> None:
    """server_name and ALPN stand in the hello as RFC 6066 and RFC 7301 lay them out; nothing in it is a canary."""
    hello = client_hello(random.Random(1), "www.example.com", browser=browser)
    extensions = _read(hello)
    assert b"\0\x12\0\0\x0fwww.example.com" == extensions[0]
    assert b"\0\x0c\x02h2\x08http/1.1" == extensions[16]
    assert browser.tls13 == (0x33 in extensions)
    assert browser.ech == (ECH in extensions)
    assert frozenset() == flow_numbers(hello)


@pytest.mark.parametrize("browser", BROWSERS, ids=lambda browser: browser.name)
def test_the_head_is_what_dpkt_counts(browser: Browser) -> None:
    """Cipher suites, compression and session identifier are where they belong."""
    message = dpkt.ssl.TLSHandshake(client_hello(random.Random(1), None, browser=browser)).data
    codes = [suite.code for suite in message.ciphersuites]
    assert list(browser.ciphers) == codes[1 if browser.grease else 0 :]
    assert 32 == len(message.session_id)
    assert 0 not in dict(message.extensions)


def test_a_post_quantum_hello_does_not_fit_a_segment() -> None:
    """The share has 1216 bytes, so the hello spans two segments; without it, one is enough."""
    hello = client_hello(random.Random(1), "www.example.com", browser=CHROME)
    assert struct.pack("!HH", X25519MLKEM768, 1216) in _read(hello)[0x33]
    assert DEFAULT_MSS_BYTES < len(hello) < 2 * DEFAULT_MSS_BYTES
    assert len(client_hello(random.Random(1), "www.example.com", browser=TLS12_CLIENT)) < 500


def test_chrome_shuffles_and_firefox_does_not() -> None:
    """Chrome's extensions come in many orders, Firefox's in one."""
    orders = {
        browser.name: {
            tuple(_read(client_hello(random.Random(seed), "a.example", browser=browser))) for seed in range(9)
        }
        for browser in (CHROME, FIREFOX)
    }
    assert 9 == len(orders["chrome"])
    assert 1 == len(orders["firefox"])


def test_an_encrypted_hello_shows_the_outer_name_only() -> None:
    """encrypted_client_hello is of type outer, and as long as its own lengths say (RFC 9849 section 5)."""
    value = _read(client_hello(random.Random(1), "public.example", encrypted=True))[ECH]
    kind, _kdf, _aead, _identifier, key_bytes = struct.unpack("!BHHBH", value[:8])
    (sealed_bytes,) = struct.unpack("!H", value[8 + key_bytes : 10 + key_bytes])
    assert (0, 32, len(value) - 42) == (kind, key_bytes, sealed_bytes)


def test_the_same_seed_gives_the_same_hello() -> None:
    """Nothing but the random numbers handed in makes hellos differ."""
    made = [client_hello(random.Random(seed), "www.example.com") for seed in (1, 1, 2)]
    assert made[0] == made[1]
    assert made[0] != made[2]


def test_records_hold_the_message() -> None:
    """However a hello is cut into records, their fragments make it again."""
    hello = client_hello(random.Random(1), "www.example.com")
    stream, found = records(hello, cuts=(1, 4, 700)), b""
    lengths = []
    while stream:
        record = dpkt.ssl.TLSRecord(stream)
        lengths.append(record.length)
        found += record.data
        stream = stream[5 + record.length :]
    assert hello == found
    assert [1, 3, 696, len(hello) - 700] == lengths


@pytest.mark.parametrize("datagrams", [1, 3])
def test_dtls_fragments_hold_the_message(datagrams: int) -> None:
    """Fragments join to a body of the length each one gives; a cookie's length follows the session identifier."""
    hello = client_hello(random.Random(1), "www.example.com", browser=TLS12_CLIENT)
    body, total = b"", 0
    for number, datagram in enumerate(dtls_records(hello, datagrams)):
        kind, version, sequence, length = struct.unpack("!BHQH", datagram[:13])
        assert (22, 0xFEFD, number, len(datagram) - 13) == (kind, version, sequence, length)
        message = datagram[13:]
        assert len(body) == int.from_bytes(message[6:9], "big")
        body += message[12:]
        assert len(message) - 12 == int.from_bytes(message[9:12], "big")
        total = int.from_bytes(message[1:4], "big")
    assert len(body) == total
    assert hello[6:71] + b"\0" + hello[71:] == body[2:]


@pytest.mark.parametrize("tls13", [True, False])
def test_the_server_marks_everything(tls13: bool) -> None:
    """The server's flight is a ServerHello of right lengths, and every 256 bytes of it are marked."""
    flight = server_flight(random.Random(1), 5, tls13=tls13)
    record = dpkt.ssl.TLSRecord(flight)
    assert 2 == record.data[0]
    assert record.length - 4 == int.from_bytes(record.data[1:4], "big")
    assert {frozenset({5})} == {flow_numbers(flight[at : at + 256]) for at in range(0, len(flight) - 256, 16)}


def test_sealed_records_are_filled() -> None:
    """Records stay within 2**14 bytes, and any 64 bytes of them hold a whole canary."""
    stream = sealed_records(9, 40_000)
    assert 40_000 + 3 * 5 == len(stream)
    assert {frozenset({9})} == {flow_numbers(stream[at : at + 64]) for at in range(len(stream) - 64)}
