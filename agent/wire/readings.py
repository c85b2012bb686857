"""Slices of one flow's introduction, put in order -> facts. One class for each row of the table of what is opened.

A reading is fed until it returns facts. It keeps only bytes the gate opened, at most `max_bytes` of each stream, and is
dropped with them as soon as the introduction is read.
"""

from typing import Protocol

from agent.facts import Facts, Unread
from agent.flow import Direction, Slice, SliceFlag, SliceKind
from agent.wire import banner, dns, dtls, gquic, http, quic, tls
from agent.wire.cursor import Malformed
from agent.wire.opening import Opening
from agent.wire.pieces import Pieces

_NOTHING: tuple[Facts, ...] = ()
# As plain integers, see handshake.py.
_TO_SERVER = int(Direction.TO_SERVER)
_FRAGMENT = int(SliceFlag.FRAGMENT)


class Reading(Protocol):
    """An introduction that has begun."""

    protocol: str
    done: bool
    """Nothing more can be learned, though nothing was."""

    def feed(self, s: Slice, payload_bytes: int, /) -> tuple[Facts, ...]:
        """What the slice completes; `payload_bytes` is the whole packet's, for banners. Raises Malformed."""

    def finish(self) -> Facts | None:
        """The best that can be said when nothing more comes. Raises Malformed."""

    def kept_bytes(self) -> int:
        """Memory in use."""


class TlsReading:
    """Segments -> stream -> records -> handshake bytes -> ClientHello; each step goes on where it stopped."""

    __slots__ = ("_handshake", "_next_record", "_stream", "done", "protocol")

    def __init__(self, max_bytes: int) -> None:
        self.protocol = "tls"
        self.done = False
        self._stream = Pieces(max_bytes)
        self._next_record = 0
        self._handshake = bytearray()

    def feed(self, s: Slice, _payload_bytes: int) -> tuple[Facts, ...]:
        stream = self._stream
        if s.direction != _TO_SERVER or not stream.add(s.offset, s.data):
            return _NOTHING
        self._next_record = tls.pull_records(stream.data, self._next_record, stream.known, self._handshake)
        hello = tls.read_hello(self._handshake)
        return _NOTHING if hello is None else (hello,)

    def finish(self) -> Facts:
        cut = bytes(self._stream.data[self._next_record + tls.RECORD_HEADER_BYTES : self._stream.known])
        hello = tls.read_partial(bytes(self._handshake) + cut)
        return hello or Unread("tls", "too_large" if self._stream.met_limit else "incomplete")

    def kept_bytes(self) -> int:
        return len(self._stream) + len(self._handshake)


class _Datagrams:
    """IP fragments -> the datagram so far."""

    __slots__ = ("_fragments", "_max_bytes")

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._fragments: Pieces | None = None

    def join(self, s: Slice) -> bytes:
        """The slice's datagram from its start, as far as it is known; b"" when its start is not."""
        if s.offset == 0:
            self._fragments = None
            if not s.flags & _FRAGMENT:
                return s.data
        if self._fragments is None:
            self._fragments = Pieces(self._max_bytes)
        self._fragments.add(s.offset, s.data)
        return self._fragments.head()

    def kept_bytes(self) -> int:
        return 0 if self._fragments is None else len(self._fragments)


class DtlsReading:
    """Datagrams -> fragments of a ClientHello -> ClientHello. A hello of a later message_seq replaces the one begun."""

    __slots__ = ("_body", "_datagrams", "_length", "_max_bytes", "_message_seq", "done", "protocol")

    def __init__(self, max_bytes: int) -> None:
        self.protocol = "dtls"
        self.done = False
        self._max_bytes = max_bytes
        self._datagrams = _Datagrams(max_bytes)
        self._message_seq = -1
        self._length = 0
        self._body = Pieces(max_bytes)

    def feed(self, s: Slice, _payload_bytes: int) -> tuple[Facts, ...]:
        if s.direction != _TO_SERVER:
            return _NOTHING
        for fragment in dtls.pull_fragments(self._datagrams.join(s)):
            if fragment.message_seq > self._message_seq:
                self._message_seq = fragment.message_seq
                self._length = fragment.length
                self._body = Pieces(self._max_bytes)
            if (fragment.message_seq, fragment.length) != (self._message_seq, self._length):
                continue
            self._body.add(fragment.offset, fragment.data)
            if self._body.known >= self._length:
                hello = tls.read_hello(dtls.as_handshake(self._length, self._body.head()), "dtls", cookie=True)
                return _NOTHING if hello is None else (hello,)
        return _NOTHING

    def finish(self) -> Facts:
        hello = tls.read_partial(dtls.as_handshake(self._length, self._body.head()), "dtls", cookie=True)
        return hello or Unread("dtls", "too_large" if self._body.met_limit else "incomplete")

    def kept_bytes(self) -> int:
        return len(self._body) + self._datagrams.kept_bytes()


class QuicReading:
    """Datagrams -> Initial packets -> CRYPTO pieces -> ClientHello."""

    __slots__ = ("_crypto", "_datagrams", "_max_bytes", "_opener", "_version", "done", "protocol")

    def __init__(self, max_bytes: int) -> None:
        self.protocol = "quic"
        self.done = False
        self._max_bytes = max_bytes
        self._datagrams = _Datagrams(max_bytes)
        self._opener = quic.Opener()
        self._version = 0
        self._crypto = Pieces(max_bytes)

    def feed(self, s: Slice, _payload_bytes: int) -> tuple[Facts, ...]:
        if s.direction != _TO_SERVER:
            return _NOTHING
        datagram = self._datagrams.join(s)
        hello = gquic.read_datagram(datagram)
        if hello is not None:
            return (hello,)
        for packet in quic.pull_packets(datagram):
            frames = self._opener.open(packet)
            if frames is None:
                continue
            if packet.version != self._version:
                if self._version:  # version negotiation starts the handshake again
                    self._crypto = Pieces(self._max_bytes)
                self._version = packet.version
            grew = False
            for offset, data in quic.joined(quic.pull_crypto(frames, packet.version)):
                grew |= self._crypto.add(offset, data)
            hello = quic.read_handshake(self._crypto.head(), packet.version) if grew else None
            if hello is not None:
                return (hello,)
        return _NOTHING

    def finish(self) -> Facts:
        hello = quic.read_partial(self._crypto.head(), self._version)
        if hello is not None:
            return hello
        if self._crypto.met_limit:
            return Unread("quic", "too_large")
        return Unread("quic", "undecryptable" if self._opener.sealed and not self._version else "incomplete")

    def kept_bytes(self) -> int:
        return len(self._crypto) + self._datagrams.kept_bytes() + self._opener.kept_bytes()


class DnsFragmentsReading:
    """IP fragments of one DNS message at a time; each makes the message longer, so each gives what is known by then."""

    __slots__ = ("_datagrams", "done", "protocol")

    def __init__(self, max_bytes: int) -> None:
        self.protocol = "dns"
        self.done = False
        self._datagrams = _Datagrams(max_bytes)

    def feed(self, s: Slice, _payload_bytes: int) -> tuple[Facts, ...]:
        message = dns.parse(self._datagrams.join(s))
        return _NOTHING if message is None else (message,)

    def finish(self) -> None:
        return None

    def kept_bytes(self) -> int:
        return self._datagrams.kept_bytes()


class DnsTcpReading:
    """Segments -> a stream of messages in each direction -> DnsMessage, one or several at a time."""

    __slots__ = ("_streams", "done", "protocol")

    def __init__(self, max_bytes: int) -> None:
        self.protocol = "dns"
        self.done = False
        self._streams = (Pieces(max_bytes), Pieces(max_bytes))

    def feed(self, s: Slice, _payload_bytes: int) -> tuple[Facts, ...]:
        stream = self._streams[s.direction]
        facts: tuple[Facts, ...] = _NOTHING
        if stream.add(s.offset, s.data):
            messages, end = dns.stream_messages(stream.data, stream.known)
            stream.drop(end)
            facts = tuple(read_dns_message(message) for message in messages)
        if stream.met_limit:
            facts += (Unread("dns", "too_large"),)
        return facts

    def finish(self) -> Facts | None:
        return Unread("dns", "incomplete") if any(self._streams) else None

    def kept_bytes(self) -> int:
        return sum(len(stream) for stream in self._streams)


class HttpReading:
    """The method, then the pieces of the Host value -> HttpRequest."""

    __slots__ = ("_host", "_max_bytes", "_method", "done", "protocol")

    def __init__(self, max_bytes: int) -> None:
        self.protocol = "http"
        self.done = False
        self._max_bytes = max_bytes
        self._method = b""
        self._host = b""

    def feed(self, s: Slice, _payload_bytes: int) -> tuple[Facts, ...]:
        if s.kind == SliceKind.HTTP_METHOD:
            self._method += s.data[: http.MAX_METHOD_BYTES]
            return _NOTHING
        self._host += s.data[: max(0, self._max_bytes - len(self._host))]
        return (http.read_request(self._method, self._host),) if s.flags & SliceFlag.END else _NOTHING

    def finish(self) -> Facts:
        if self._host:
            return Unread("http", "incomplete")
        return http.read_request(self._method, None)

    def kept_bytes(self) -> int:
        return len(self._method) + len(self._host)


class BannerReading:
    """The first packet each way -> Banner, by one of them or by both."""

    __slots__ = ("_client_port", "_first", "_ip_protocol", "_server_port", "done", "protocol")

    def __init__(self, ip_protocol: int, client_port: int, server_port: int) -> None:
        self.protocol = "banner"
        self.done = False
        self._ip_protocol = ip_protocol
        self._client_port = client_port
        self._server_port = server_port
        self._first: dict[int, bytes] = {}

    def feed(self, s: Slice, payload_bytes: int) -> tuple[Facts, ...]:
        direction, data = s.direction, s.data
        if direction in self._first:
            return _NOTHING
        opening = Opening(data, max(payload_bytes, len(data)), self._client_port, self._server_port, direction)
        found = banner.read_opening(opening, self._ip_protocol)
        self._first[direction] = data
        if len(self._first) == 2:
            self.done = True
            if found is None:
                client, server = self._first[Direction.TO_SERVER], self._first[Direction.TO_CLIENT]
                found = banner.read_both(client, server, self._ip_protocol)
        return _NOTHING if found is None else (found,)

    def finish(self) -> None:
        return None

    def kept_bytes(self) -> int:
        return sum(map(len, self._first.values()))


def read_dns_message(message: bytes) -> Facts:
    """The message, or why it could not be read; other messages of the flow may be read all the same."""
    try:
        return dns.parse(message) or Unread("dns", "incomplete")
    except Malformed:
        return Unread("dns", "malformed")


READINGS: dict[
    int, type[TlsReading | DtlsReading | QuicReading | DnsFragmentsReading | DnsTcpReading | HttpReading]
] = {
    SliceKind.TLS: TlsReading,
    SliceKind.DTLS: DtlsReading,
    SliceKind.QUIC: QuicReading,
    SliceKind.DNS: DnsFragmentsReading,
    SliceKind.DNS_TCP: DnsTcpReading,
    SliceKind.HTTP_METHOD: HttpReading,
    SliceKind.HTTP_HOST: HttpReading,
}
"""What reads each kind of slice; BannerReading, which wants to know ports, reads the rest."""
