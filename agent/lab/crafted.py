"""Names of corner cases -> short captures, for tests of the gate and of all that reads after it.

Every builder returns whole flows as lists of frames, one millisecond apart. What must stay closed holds the canary of
the flow's number; the addresses follow from that number too. CASES has every builder under its name.
"""

import random
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from agent.flow import Direction, Endpoints
from agent.lab import banners, envelopes, names, quic
from agent.lab.canary import filled
from agent.lab.cuts import pieces
from agent.lab.dialogues import http_request, look_up, quic_connection
from agent.lab.flows import over_tcp, over_udp
from agent.lab.frames import Dialogue, Frame, Line, Packet
from agent.lab.hellos import CHROME, Browser, client_hello, dtls_records, records, sealed_records, server_flight
from agent.lab.stack import DEFAULT_MSS_BYTES, TcpTalk, Wire, fragments

TO_SERVER, TO_CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT

START_NS = 1_795_437_000_000_000_000
STEP_NS = 1_000_000

NAME = "www.crafted.example"
"""The name in every hello and Host line."""

BODY_NAME = b"body.crafted.example"
"""A name that stands in a request's body, and must never be read."""


def ends_of(flow_number: int, server_port: int, *, ipv6: bool = False) -> Endpoints:
    """The ends of a crafted flow."""
    last = (flow_number + 1).to_bytes(2, "big")
    if ipv6:
        client, server = b"\xfd\x48\x57\x57" + bytes(10) + last, b"\x20\x01\x0d\xb8" + bytes(10) + last
    else:
        client, server = b"\x0a\x14" + last, b"\xc6\x12" + last
    return Endpoints(client, 50_000 + flow_number % 10_000, server, server_port)


def timed(packets: Iterable[Packet], start_ns: int = START_NS) -> list[Frame]:
    """The packets as frames, STEP_NS apart."""
    return [Frame(start_ns + index * STEP_NS, packet.data) for index, packet in enumerate(packets)]


def tls(
    flow_number: int = 1,
    *,
    cuts: Iterable[int] = (),
    record_cuts: Iterable[int] = (),
    order: Sequence[int] | None = None,
    overlap_bytes: int = 0,
    repeats: int = 1,
    midstream: bool = False,
    initial_sequences: tuple[int, int] = (1000, 2000),
    ipv6: bool = False,
    vlan: int | None = None,
    port: int = 443,
    browser: Browser = CHROME,
) -> list[Frame]:
    """A TLS connection whose ClientHello is cut up.

    Args:
        flow_number: for addresses and canary.
        cuts: positions in the hello's records where a new segment begins, besides those that the MSS asks for.
        record_cuts: positions in the hello's message where a new record begins.
        order: the segments of the hello are sent in this order; left out, in their own.
        overlap_bytes: every segment of the hello repeats so many bytes of the next one.
        repeats: how often each segment of the hello is sent.
        midstream: the three-way handshake is missing.
        initial_sequences: sequence numbers of the two SYNs.
        ipv6: over IPv6.
        vlan: 802.1Q tag, or none.
        port: the server's.
        browser: whose hello.
    """
    rng = random.Random(flow_number)
    talk = TcpTalk(Wire(ends_of(flow_number, port, ipv6=ipv6), vlan=vlan), initial_sequences=initial_sequences)
    hello = records(client_hello(rng, NAME, browser=browser), record_cuts)
    packets = [] if midstream else list(talk.open())
    parts = pieces(hello, {*cuts, *range(0, len(hello), DEFAULT_MSS_BYTES)})
    for index in order if order is not None else range(len(parts)):
        start, piece = parts[index]
        overlap = hello[start + len(piece) :][:overlap_bytes]
        packets += [talk.at(TO_SERVER, start, piece + overlap) for _ in range(repeats)]
    talk.skip(TO_SERVER, len(hello))
    packets += talk.send(TO_CLIENT, server_flight(rng, flow_number))
    packets += talk.send(TO_SERVER, sealed_records(flow_number, 500))
    packets += talk.send(TO_CLIENT, sealed_records(flow_number, 5000))
    packets += talk.close()
    return timed(packets)


def tls_tiny_segments(flow_number: int = 2) -> list[Frame]:
    """A hello without a post-quantum share, one byte in each segment."""
    return tls(flow_number, cuts=range(600), browser=Browser("small"))


def tls_met_after_hello(flow_number: int = 3) -> list[Frame]:
    """A connection of which only sealed records are seen: nothing may be opened."""
    lines = iter(
        [Line(TO_CLIENT, sealed_records(flow_number, 3000)), Line(TO_SERVER, sealed_records(flow_number, 300))]
    )
    return timed(over_tcp(random.Random(flow_number), ends_of(flow_number, 443), None, lines, midstream=True))


def port_reused(flow_number: int = 4) -> list[Frame]:
    """Two connections with the same ends, one after the other: a new SYN begins a new flow."""
    first = tls(flow_number)
    return first + [
        frame._replace(time_ns=frame.time_ns + len(first) * STEP_NS)
        for frame in tls(flow_number, initial_sequences=(900_000, 800_000))
    ]


def http(flow_number: int = 5, *, request: bytes | None = None, cuts: Iterable[int] = ()) -> list[Frame]:
    """An HTTP/1 request, by default a POST with a body, cut at the given positions, and a response."""
    if request is None:
        request = http_request(flow_number, NAME, body_bytes=400)
    talk = TcpTalk(Wire(ends_of(flow_number, 80)))
    packets = [*talk.open(), *talk.send(TO_SERVER, request, cuts)]
    packets += talk.send(TO_CLIENT, b"HTTP/1.1 200 OK\r\nServer: " + filled(flow_number, 64) + b"\r\n\r\n")
    packets += talk.close()
    return timed(packets)


def http_cut_in_host(flow_number: int = 6) -> list[Frame]:
    """A request cut within the word "Host" and within the name."""
    request = http_request(flow_number, NAME, body_bytes=400)
    place = request.index(b"\r\nHost: ")
    return http(flow_number, request=request, cuts=(place + 4, place + 13))


def http_tiny_segments(flow_number: int = 7) -> list[Frame]:
    """A request with one byte in each segment."""
    return http(flow_number, cuts=range(2000))


def http_late_host(flow_number: int = 8) -> list[Frame]:
    """Cookies push Host beyond the first 2 KiB: it must not be found."""
    return http(flow_number, request=http_request(flow_number, NAME, cookie_bytes=3000))


def http_host_in_body(flow_number: int = 9) -> list[Frame]:
    """A request without Host whose body has a line that begins so: it must not be found."""
    body = b"\r\nHost: " + BODY_NAME + b"\r\n" + filled(flow_number, 300)
    head = b"POST /" + filled(flow_number, 64) + b" HTTP/1.0\r\nContent-Length: %d\r\n\r\n" % len(body)
    return http(flow_number, request=head + body)


def http_body_first(flow_number: int = 10) -> list[Frame]:
    """The segment with the body overtakes the one with the request: it must not be opened as a banner."""
    request = http_request(flow_number, NAME, body_bytes=400)
    talk = TcpTalk(Wire(ends_of(flow_number, 80)))
    head_bytes = request.index(b"\r\n\r\n") + 4
    body = talk.at(TO_SERVER, head_bytes, request[head_bytes:])
    return timed([*talk.open(), body, talk.at(TO_SERVER, 0, request[:head_bytes])])


def quic_flow(
    flow_number: int = 11, *, version: int = quic.VERSION_1, order: Sequence[int] | None = None
) -> list[Frame]:
    """A QUIC connection whose hello takes two datagrams; `order` is that of its first packets."""
    lines = quic_connection(random.Random(flow_number), flow_number, NAME, [200, 4000], version=version)
    packets = list(over_udp(ends_of(flow_number, 443), None, lines))
    if order is not None:
        packets[: len(order)] = [packets[index] for index in order]
    return timed(packets)


def quic_coalesced(flow_number: int = 12) -> list[Frame]:
    """The datagrams with the Initials go on with a 0-RTT packet (RFC 9000 section 12.2), which must stay closed."""
    rng = random.Random(flow_number)
    connection = quic.Connection(quic.VERSION_1, client_id=b"", server_id=rng.randbytes(8))
    hello = client_hello(rng, NAME, alpn=("h3",), quic_parameters=quic.transport_parameters(rng, b""))
    wire = Wire(ends_of(flow_number, 443))
    packets = []
    for number, piece in enumerate((hello[:900], hello[900:])):
        first = quic.initial(connection, number, quic.crypto_frames([(900 * number, piece)]))
        packets.append(wire.udp(TO_SERVER, first + quic.opaque_long(connection, "0rtt", filled(flow_number, 300))))
    return timed(packets)


def quic_fragmented(flow_number: int = 13, *, order: Sequence[int] = (0, 1, 2)) -> list[Frame]:
    """Every datagram of the hello arrives in three IP fragments, in the given order."""
    lines = list(quic_connection(random.Random(flow_number), flow_number, NAME, [200]))
    packets = list(over_udp(ends_of(flow_number, 443), None, iter(lines)))
    made: list[Packet] = []
    for packet in packets[:2]:
        parts = fragments(packet, 512)
        made += [parts[index] for index in order]
    return timed([*made, *packets[2:]])


def dtls(flow_number: int = 14, *, datagrams: int = 1) -> list[Frame]:
    """A DTLS ClientHello in so many datagrams, the server's answer and sealed records."""
    rng = random.Random(flow_number)
    hello = client_hello(rng, NAME, browser=Browser("dtls client", tls13=False), alpn=())
    wire = Wire(ends_of(flow_number, 4433))
    packets = [wire.udp(TO_SERVER, datagram) for datagram in dtls_records(hello, datagrams)]
    sealed = b"\x17\xfe\xfd\0\1\0\0\0\0\0\1\1\0" + filled(flow_number, 256)
    return timed([*packets, wire.udp(TO_CLIENT, b"\x16" + sealed[1:]), wire.udp(TO_SERVER, sealed)])


def dns(flow_number: int = 15, *, kind: str = "HTTPS") -> list[Frame]:
    """A look-up over UDP, by way of an alias; HTTPS answers have hints and an ECH configuration."""
    return timed(over_udp(ends_of(flow_number, 53), None, _look_up(flow_number, kind)))


def dns_over_tcp(flow_number: int = 16, *, cuts: Sequence[int] = (1, 9)) -> list[Frame]:
    """Two look-ups over one TCP connection; every message is cut, by default within its length and its header."""
    talk = TcpTalk(Wire(ends_of(flow_number, 53)))
    packets = list(talk.open())
    for kind in ("A", "HTTPS"):
        for line in _look_up(flow_number, kind):
            packets += talk.send(line.speaker, names.over_tcp(line.data), cuts)
    return timed([*packets, *talk.close()])


def dns_fragmented(flow_number: int = 17, *, order: Sequence[int] = (0, 1)) -> list[Frame]:
    """The answer arrives in IP fragments."""
    packets = list(over_udp(ends_of(flow_number, 53), None, _look_up(flow_number, "HTTPS")))
    parts = fragments(packets[1], 96)
    return timed([packets[0], *(parts[index] for index in order), *parts[len(order) :]])


def banner(flow_number: int, speaker: banners.Speaker, *, port: int, over: str) -> list[Frame]:
    """A flow of one of the protocols of banners.py over "tcp" or "udp"."""
    rng, ends = random.Random(flow_number), ends_of(flow_number, port)
    lines = speaker(rng, flow_number, [200, 3000])
    return timed(over_tcp(rng, ends, None, lines) if over == "tcp" else over_udp(ends, None, lines))


def banner_out_of_order(flow_number: int = 18) -> list[Frame]:
    """The client's second segment overtakes its first: it must not be opened."""
    talk = TcpTalk(Wire(ends_of(flow_number, 2222)))
    opening = list(talk.open())
    sealed = talk.at(TO_SERVER, 23, filled(flow_number, 300))
    return timed([*opening, sealed, talk.at(TO_SERVER, 0, b"SSH-2.0-OpenSSH_10.0\r\n\0")])


def ipv4_with_options(flow_number: int = 19) -> list[Frame]:
    """TLS over IPv4 with options in every header."""
    return envelopes.enclosed(tls(flow_number), envelopes.ipv4_options)


def ipv6_with_extensions(flow_number: int = 20) -> list[Frame]:
    """TLS over IPv6 with extension headers in every packet."""
    return envelopes.enclosed(tls(flow_number, ipv6=True), envelopes.ipv6_extensions)


def snapped(flow_number: int = 21, *, snap_bytes: int = 96) -> list[Frame]:
    """TLS as a capture with a short snap length keeps it: the hello's end is missing."""
    return envelopes.cut_short(tls(flow_number), snap_bytes)


def _look_up(flow_number: int, kind: str) -> Dialogue:
    ends = [ends_of(flow_number, 443, ipv6=ipv6).server for ipv6 in (False, True)]
    ech = names.ech_config_list("public.crafted.example", bytes(range(32))) if kind == "HTTPS" else b""
    return look_up(random.Random(flow_number), NAME, kind, ends, alias="edge.crafted.example", ech=ech)


Case = Callable[[], list[Frame]]

CASES: dict[str, Case] = {
    "tls": tls,
    "tls-cut-in-record-header": partial(tls, 30, cuts=(1, 3, 7)),
    "tls-cut-in-many": partial(tls, 31, cuts=range(100, 1600, 100)),
    "tls-reordered": partial(tls, 32, order=(1, 0)),
    "tls-reversed": partial(tls, 33, cuts=(200, 400, 800), order=(4, 3, 2, 1, 0)),
    "tls-overlapping": partial(tls, 34, cuts=(200, 400, 800), overlap_bytes=150),
    "tls-repeated": partial(tls, 35, cuts=(200,), repeats=2),
    "tls-many-records": partial(tls, 36, record_cuts=range(100, 1600, 300)),
    "tls-tiny-segments": tls_tiny_segments,
    "tls-midstream-hello": partial(tls, 37, midstream=True),
    "tls-met-after-hello": tls_met_after_hello,
    "tls-sequence-wrap": partial(tls, 38, initial_sequences=(2**32 - 700, 2**32 - 1)),
    "tls-other-port": partial(tls, 39, port=8444),
    "tls-ipv6": partial(tls, 40, ipv6=True),
    "port-reused": port_reused,
    "http": http,
    "http-cut-in-host": http_cut_in_host,
    "http-tiny-segments": http_tiny_segments,
    "http-late-host": http_late_host,
    "http-host-in-body": http_host_in_body,
    "http-body-first": http_body_first,
    "quic": quic_flow,
    "quic-v2": partial(quic_flow, 41, version=quic.VERSION_2),
    "quic-reordered": partial(quic_flow, 42, order=(1, 0)),
    "quic-coalesced": quic_coalesced,
    "quic-fragmented": quic_fragmented,
    "quic-fragments-reversed": partial(quic_fragmented, 43, order=(2, 1, 0)),
    "dtls": dtls,
    "dtls-two-datagrams": partial(dtls, 44, datagrams=2),
    "dns-a": partial(dns, 45, kind="A"),
    "dns-aaaa": partial(dns, 46, kind="AAAA"),
    "dns-https": dns,
    "dns-over-tcp": dns_over_tcp,
    "dns-fragmented": dns_fragmented,
    "dns-fragments-reversed": partial(dns_fragmented, 47, order=(1, 0)),
    "ssh": partial(banner, 48, banners.ssh, port=22, over="tcp"),
    "ftp": partial(banner, 49, banners.ftp, port=21, over="tcp"),
    "smb": partial(banner, 50, banners.smb, port=445, over="tcp"),
    "bittorrent": partial(banner, 51, banners.bittorrent, port=6881, over="tcp"),
    "bittorrent-dht": partial(banner, 52, banners.dht, port=6881, over="udp"),
    "bittorrent-utp": partial(banner, 53, banners.utp, port=6881, over="udp"),
    "ntp": partial(banner, 54, banners.ntp, port=123, over="udp"),
    "stun": partial(banner, 55, banners.stun, port=3478, over="udp"),
    "wireguard": partial(banner, 56, banners.wireguard, port=51820, over="udp"),
    "unknown-udp": partial(banner, 57, banners.unknown, port=27015, over="udp"),
    "unknown-tcp": partial(banner, 58, banners.unknown, port=27015, over="tcp"),
    "banner-out-of-order": banner_out_of_order,
    "ipv4-options": ipv4_with_options,
    "ipv6-extensions": ipv6_with_extensions,
    "snapped": snapped,
}
"""Every corner case; encapsulations are ENVELOPES around any of them."""
