"""A service and an amount of data -> what browser and server say to each other over TLS, QUIC, HTTP and DNS."""

import random
from collections.abc import Sequence

from scapy.layers.http import HTTP, HTTPRequest, HTTPResponse
from scapy.packet import Raw

from agent.flow import Direction
from agent.lab import names, quic
from agent.lab.canary import canary, filled
from agent.lab.frames import Dialogue, Line
from agent.lab.hellos import CHROME, TLS12_CLIENT, Browser, client_hello, records, sealed_records, server_flight

TO_SERVER, TO_CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT

MAX_QUIC_DATAGRAM_BYTES = 1330
"""Protected part of a 1-RTT datagram, as Chrome's."""


def tls(
    rng: random.Random,
    flow_number: int,
    server_name: str | None,
    sizes: Sequence[int],
    *,
    browser: Browser = CHROME,
    encrypted: bool = False,
) -> Dialogue:
    """A handshake, then `sizes` bytes of application data, up and down in turn."""
    hello = client_hello(rng, server_name, browser=browser, encrypted=encrypted)
    yield Line(TO_SERVER, records(hello))
    yield Line(TO_CLIENT, server_flight(rng, flow_number, tls13=browser.tls13))
    yield Line(TO_SERVER, b"\x14\x03\x03\x00\x01\x01" + sealed_records(flow_number, 53))
    for index, size in enumerate(sizes):
        yield Line(Direction(index % 2), sealed_records(flow_number, size))


def anonymous_tls(rng: random.Random, flow_number: int, sizes: Sequence[int]) -> Dialogue:
    """TLS of a client that gives no server_name, as to an address without a name."""
    return tls(rng, flow_number, None, sizes, browser=TLS12_CLIENT)


def quic_connection(
    rng: random.Random,
    flow_number: int,
    server_name: str,
    sizes: Sequence[int],
    *,
    browser: Browser = CHROME,
    version: int = quic.VERSION_1,
) -> Dialogue:
    """Initials with a ClientHello, the server's flight, then `sizes` bytes of 1-RTT datagrams, up and down in turn.

    A hello with a post-quantum share fills two datagrams; the CRYPTO pieces are shuffled as Chrome does. The server's
    Initial really holds a ServerHello; all else is opaque, and marked.
    """
    connection = quic.Connection(version, client_id=b"", server_id=rng.randbytes(8))
    parameters = quic.transport_parameters(rng, connection.client_id)
    hello = client_hello(rng, server_name, browser=browser, alpn=("h3",), quic_parameters=parameters)
    datagrams = 2 if len(hello) > 1000 else rng.choice((1, 1, 2))
    for datagram in quic.client_initials(
        connection, quic.scattered(rng, hello, datagrams=datagrams, count=rng.randrange(2, 7))
    ):
        yield Line(TO_SERVER, datagram)
    shake = server_flight(rng, flow_number)[5:127]
    reply = quic.initial(connection, 0, b"\x02\0\0\0\0" + quic.crypto_frames([(0, shake)]), side="server")
    yield Line(TO_CLIENT, reply + quic.opaque_long(connection, "handshake", filled(flow_number, 1000), side="server"))
    yield Line(TO_SERVER, quic.opaque_long(connection, "handshake", filled(flow_number, 80)))
    for index, size in enumerate(sizes):
        side = ("client", "server")[index % 2]
        for start in range(0, size, MAX_QUIC_DATAGRAM_BYTES):
            body = filled(flow_number, min(MAX_QUIC_DATAGRAM_BYTES, max(32, size - start)))
            yield Line(Direction(index % 2), quic.short(connection, body, side=side))


def http(rng: random.Random, flow_number: int, host: str, sizes: Sequence[int]) -> Dialogue:
    """A request and response for each pair of `sizes`; path, cookies and bodies are marked, Host is not."""
    mark = canary(flow_number)
    for up, down in zip(sizes[::2], sizes[1::2], strict=False):
        yield Line(TO_SERVER, http_request(flow_number, host, body_bytes=up if rng.random() < 0.3 else 0))
        head = HTTPResponse(
            Server=mark,
            Date=mark,  # scapy would put the present time here
            Content_Type=b"text/html",
            Content_Length=b"%d" % down,
            Set_Cookie=b"s=" + mark,
        )
        yield Line(TO_CLIENT, bytes(HTTP() / head / Raw(filled(flow_number, down))))


def http_request(flow_number: int, host: str, *, body_bytes: int = 0, cookie_bytes: int = 160) -> bytes:
    """A GET, or a POST when there is a body; Cookie comes before Host, as scapy orders headers by name."""
    request = HTTPRequest(
        Method=b"POST" if body_bytes else b"GET",
        Path=b"/" + canary(flow_number) + b"/?q=" + canary(flow_number),
        Cookie=b"session=" + filled(flow_number, cookie_bytes),
        Host=host.encode(),
        User_Agent=b"Mozilla/5.0 (" + filled(flow_number, 64) + b")",
    )
    return bytes(HTTP() / request / Raw(filled(flow_number, body_bytes)))


def look_up(
    rng: random.Random, name: str, kind: str, addresses: Sequence[bytes], *, alias: str | None = None, ech: bytes = b""
) -> Dialogue:
    """A DNS query and its answer."""
    identifier = rng.randrange(2**16)
    yield Line(TO_SERVER, names.query(identifier, name, kind))
    yield Line(TO_CLIENT, names.answer(identifier, name, kind, addresses, alias=alias, ech=ech))
