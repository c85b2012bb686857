"""Bytes of one TCP connection -> requests, and their responses -> bytes, by way of h11 and, where it is spoken, TLS."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from enum import Enum
from http import HTTPStatus
from typing import cast

import h11

from agent.log import EventLog
from agent.web.message import SECURITY_HEADERS, Peer, Request, Response, plain
from agent.web.tls_stream import NotTlsError, TlsError, TlsStream


@dataclass(frozen=True, slots=True)
class Limits:
    """What a client may ask of the listener. Each but `idle_s` is counted under LIMIT_NAMES when it is met."""

    max_connections: int = 64
    """A few Prometheus servers hold one each and a browser six; more is a mistake or an attack."""
    max_head_bytes: int = 16 * 1024
    """Request line and headers. nginx 8 KiB by default, h11 16 KiB, Node 16 KiB."""
    max_body_bytes: int = 1024
    """No route reads a body; one that is small is taken so that the connection can go on."""
    idle_s: float = 120.0
    """Between requests. Longer than the usual scrape interval (1 min), so that Prometheus keeps its connection."""
    request_s: float = 10.0
    """From a request's first byte to its last. Prometheus itself gives up a scrape after 10 s."""
    handshake_s: float = 10.0
    """For a TLS handshake, which takes a round trip or two. As long as for a request."""
    check_s: float = 10.0
    """For a password to be checked. Nobody who scrapes waits longer."""
    answer_s: float = 30.0
    """For a client to take its answer once the socket's buffer is full."""
    linger_s: float = 2.0
    """After a refusal, for its text to arrive: closing at once on unread input resets the connection."""


LIMIT_NAMES = (
    *("web_connections", "web_head_bytes", "web_body_bytes", "web_request_seconds", "web_answer_seconds"),
    *("web_handshake_seconds", "web_check_seconds"),
)


class Phase(Enum):
    """What a connection waits for."""

    HANDSHAKE = "handshake"
    """The client, to do its part of a TLS handshake."""
    IDLE = "idle"
    """The first byte of a request."""
    READING = "reading"
    """The rest of it."""
    CHECKING = "checking"
    """Its answer, which takes a while to make; nothing is read meanwhile."""
    WRITING = "writing"
    """The client, to take what it asked for."""
    CLOSING = "closing"
    """Nothing: its last answer is on the way."""


class Connection(asyncio.Protocol):
    """One client. Requests are answered in order, one at a time, and none is read before the last one is taken."""

    def __init__(
        self,
        *,
        answer: Callable[[Request, Peer], Response | asyncio.Future[Response] | None],
        admit: Callable[["Connection"], bool],
        gone: Callable[["Connection"], None],
        headers: Callable[[], tuple[tuple[str, str], ...]],
        tls: TlsStream | None,
        limits: Limits,
        met: Counter[str],
        refused: Counter[str],
        log: EventLog,
    ) -> None:
        """
        Args:
            answer: Makes the response, at once or later; None ends the connection without one. What it raises is logged
                and becomes a 500 without details.
            admit: Asked once, when the connection is made: whether there is room.
            gone: Told once, when the connection has ended, admitted or not.
            headers: Sent with every answer, in place of our own of the same name.
            tls: What turns the bytes of this connection into what is said in it; None over plain HTTP.
            met: Counts limits met, under LIMIT_NAMES.
            refused: Counts clients that do not speak our TLS, under guard.REASONS.
        """
        self._answer = answer
        self._admit = admit
        self._gone = gone
        self._headers = headers
        self._tls = tls
        self._peer = Peer(None if tls is None else tls.context)
        self._limits = limits
        self._met = met
        self._refused = refused
        self._log = log
        self._loop = asyncio.get_running_loop()
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=limits.max_head_bytes)
        self._request: h11.Request | None = None
        self._body_bytes = 0
        self._writable = True
        self._deadline: asyncio.TimerHandle | None = None
        self._coming: asyncio.Future[Response] | None = None
        """The answer that is waited for while CHECKING."""
        self.phase = Phase.IDLE if tls is None else Phase.HANDSHAKE
        self.since = self._loop.time()
        """When `phase` began, by the loop's clock, in seconds."""

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's does not derive from it, but offers the same
        if self._admit(self):
            self._enter(self.phase)
            return
        if self._tls is None:
            self._send(plain(503, "Too many connections."), close=True)
        self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc  # a client that goes away is its own business
        self.phase = Phase.CLOSING
        if self._deadline is not None:
            self._deadline.cancel()
        if self._coming is not None:
            self._coming.cancel()
        self._gone(self)

    def data_received(self, data: bytes) -> None:
        if self.phase is Phase.CLOSING:
            return
        if self._tls is not None:
            self._decrypt(self._tls, data)
        else:
            self._http.receive_data(data)
            self._advance()

    def eof_received(self) -> bool:
        if self.phase is Phase.HANDSHAKE:
            self._refused["handshake"] += 1
            self.close()
        elif self.phase is not Phase.CLOSING:
            self._http.receive_data(b"")
            self._advance()
        return self.phase is not Phase.CLOSING  # what it asked for before may still be on the way; we close after it

    def pause_writing(self) -> None:
        self._writable = False
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._writable = True
        self._transport.resume_reading()
        if self.phase is not Phase.CLOSING:
            self._advance()

    # What the listener calls

    def close(self) -> None:
        """End it: what has been written may still go out, for as long as a client may take for an answer."""
        self._enter(Phase.CLOSING)
        self._say_goodbye()
        self._transport.close()

    def abort(self) -> None:
        """End it at once."""
        self._transport.abort()

    # Encryption

    def _decrypt(self, tls: TlsStream, data: bytes) -> None:
        was_established = tls.established
        try:
            said = tls.receive(data)
        except NotTlsError:
            self._tls = None  # so the answer is one that the client understands
            self._refused["plain_http"] += 1
            self._refuse(HTTPStatus.BAD_REQUEST, "This port speaks HTTPS, and this was no TLS.")
            return
        except TlsError as error:
            self._refused["client_certificate" if error.is_about_certificate else "handshake"] += 1
            self.close()  # the alert that says why goes out first
            return
        self._transport.write(tls.to_send())
        if not tls.established:
            return
        if not was_established:
            self._peer = Peer(tls.context, tls.client_names())
            self._enter(Phase.IDLE)
        if said:
            self._http.receive_data(said)
        if tls.ended:
            self._http.receive_data(b"")
        if said or tls.ended:  # a part of a record is nothing yet, and buys no time
            self._advance()

    def _write(self, data: bytes) -> None:
        if self._tls is not None:
            self._tls.send(data)
            data = self._tls.to_send()
        self._transport.write(data)

    def _say_goodbye(self) -> None:
        if self._tls is not None:
            self._tls.close()
            self._transport.write(self._tls.to_send())

    # One request after another

    def _advance(self) -> None:
        while self._writable and self.phase not in {Phase.CLOSING, Phase.CHECKING}:
            try:
                event = self._http.next_event()
            except h11.RemoteProtocolError as error:
                if error.error_status_hint == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE:
                    self._met["web_head_bytes"] += 1
                self._refuse(error.error_status_hint, str(error))
                return
            if event is h11.NEED_DATA:
                break
            self._take(event)
            if type(event) is h11.EndOfMessage and self._http.trailing_data[0]:
                self._loop.call_soon(self._advance)  # a thousand reloads in one segment take turns with the capture
                break
        if self.phase in {Phase.CLOSING, Phase.CHECKING}:
            return
        if not self._writable:
            self._enter(Phase.WRITING)
        elif self._http.their_state is h11.IDLE and not self._http.trailing_data[0]:
            self._enter(Phase.IDLE)
        elif self.phase is not Phase.READING:  # its time runs from the first byte; further bytes do not extend it
            self._enter(Phase.READING)

    def _take(self, event: h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]) -> None:
        match event:
            case h11.Request():
                self._request = event
                self._body_bytes = 0
                # h11 holds an incomplete head to the limit; one that arrives in a single read it has parsed already.
                if _head_bytes(event) > self._limits.max_head_bytes:
                    self._met["web_head_bytes"] += 1
                    self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The headers are too large.")
                elif self._http.they_are_waiting_for_100_continue:
                    self._refuse(HTTPStatus.EXPECTATION_FAILED, "There is nothing here to send a body to.")
            case h11.Data():
                self._body_bytes += len(event.data)
                if self._body_bytes > self._limits.max_body_bytes:
                    self._met["web_body_bytes"] += 1
                    self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is too large.")
            case h11.EndOfMessage():
                self._respond()
            case _:  # ConnectionClosed, or PAUSED after a request that was to be the last
                self.close()

    def _respond(self) -> None:
        assert self._request is not None
        try:
            response = self._answer(_request(self._request), self._peer)
        except Exception:  # noqa: BLE001 - a defect in one page must not take the daemon down; it is logged whole
            response = self._defect()
        if response is None:
            self.close()
        elif isinstance(response, Response):
            self._answered(response)
        else:
            self._coming = response
            self._transport.pause_reading()
            self._enter(Phase.CHECKING)
            response.add_done_callback(self._has_come)

    def _has_come(self, coming: asyncio.Future[Response]) -> None:
        """Go on with an answer that was waited for."""
        self._coming = None
        try:
            response = coming.result()
        except asyncio.CancelledError:  # the client has gone or waited too long, or the listener is being closed
            if self.phase is Phase.CHECKING:
                self.close()
            return
        except Exception:  # noqa: BLE001 - as above
            response = self._defect()
        if self.phase is Phase.CHECKING:  # it may have come in the very turn of the loop in which the client went
            self._transport.resume_reading()
            self._answered(response)
            self._advance()

    def _defect(self) -> Response:
        assert self._request is not None
        self._log.defect("web_answer_failed", target=self._request.target.decode("latin-1"))
        return plain(500, "This answer could not be made; the log says why.")

    def _answered(self, response: Response) -> None:
        self._send(response)
        self._request = None
        self.phase = Phase.IDLE
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        else:
            self.close()

    def _refuse(self, status: int, reason: str) -> None:
        """Answer a request that was not fit to be read to its end, and take nothing more from this client."""
        if self._http.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            self._send(plain(status, reason), close=True)
        if self._transport.can_write_eof() and not self._transport.is_closing():
            self._enter(Phase.CLOSING, self._limits.linger_s)
            self._say_goodbye()
            self._transport.write_eof()
        else:
            self.close()

    def _send(self, response: Response, *, close: bool = False) -> None:
        asked_for = self._headers()
        replaced = {name for name, _ in asked_for}
        headers = [
            ("Content-Type", response.content_type),
            ("Content-Length", str(len(response.body))),
            ("Date", formatdate(usegmt=True)),
            *((name, value) for name, value in SECURITY_HEADERS if name not in replaced),
            *asked_for,
            *response.headers,
        ]
        if close:
            headers.append(("Connection", "close"))
        reason = HTTPStatus(response.status).phrase.encode()
        wire = self._http.send(h11.Response(status_code=response.status, headers=headers, reason=reason)) or b""
        if self._request is None or self._request.method != b"HEAD":
            wire += self._http.send(h11.Data(data=response.body)) or b""
        wire += self._http.send(h11.EndOfMessage()) or b""
        self._write(wire)

    # Time

    def _enter(self, phase: Phase, seconds: float | None = None) -> None:
        """Begin a phase and the time allowed for it."""
        if self._deadline is not None:
            self._deadline.cancel()
        self.phase, self.since = phase, self._loop.time()
        allowed = {
            Phase.HANDSHAKE: self._limits.handshake_s,
            Phase.IDLE: self._limits.idle_s,
            Phase.READING: self._limits.request_s,
            Phase.CHECKING: self._limits.check_s,
            Phase.WRITING: self._limits.answer_s,
            Phase.CLOSING: self._limits.answer_s,
        }
        self._deadline = self._loop.call_later(allowed[phase] if seconds is None else seconds, self._expired)

    def _expired(self) -> None:
        match self.phase:
            case Phase.HANDSHAKE:
                self._met["web_handshake_seconds"] += 1
                self.abort()
            case Phase.IDLE:
                self.close()
            case Phase.CHECKING:
                self._met["web_check_seconds"] += 1
                if self._coming is not None:
                    self._coming.cancel()
                self._transport.resume_reading()  # to be thrown away: unread input would reset the connection
                self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, "Checking the password took too long.")
            case Phase.READING:
                self._met["web_request_seconds"] += 1
                self._refuse(HTTPStatus.REQUEST_TIMEOUT, "The request took too long.")
            case Phase.WRITING:
                self._met["web_answer_seconds"] += 1
                self.abort()
            case Phase.CLOSING:
                self.abort()


def _request(event: h11.Request) -> Request:
    headers: dict[str, str] = {}
    for name, value in event.headers:
        key, text = name.decode("ascii"), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return Request(event.method.decode("ascii"), event.target.decode("latin-1"), headers)


def _head_bytes(event: h11.Request) -> int:
    return len(event.target) + sum(len(name) + len(value) + len(": \r\n") for name, value in event.headers)
