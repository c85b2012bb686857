"""One HTTP connection over a real socket: what it answers, and what it withstands."""

import asyncio
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from http.client import HTTPResponse

import pytest

from agent.snapshot import Snapshot
from agent.web import Listener
from agent.web.connection import Limits

Start = Callable[..., Listener]
Ask = Callable[..., tuple[HTTPResponse, bytes]]
Connect = Callable[[Listener], socket.socket]
ReadAll = Callable[[socket.socket], bytes]
LimitMet = Callable[[Listener, str], float]


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/now.json",
        "/metrics",
        "/-/healthy",
        "/-/ready",
        "/page.css",
        "/page.js",
        "/notice.css",
        "/icon.svg",
        "/favicon.ico",
    ],
)
def test_head_has_the_headers_of_get(start: Start, path: str, ask: Ask) -> None:
    """HEAD answers as GET does, without the body."""
    listener = start()
    got, body = ask(listener, "GET", path)
    head, nothing = ask(listener, "HEAD", path)
    assert (200, b"") == (head.status, nothing)
    assert got.getheader("Content-Type") == head.getheader("Content-Type")
    if path != "/metrics":  # process_* metrics differ from one rendering to the next
        assert str(len(body)) == head.getheader("Content-Length")


@pytest.mark.parametrize("path", ["/", "/metrics", "/nowhere"])
def test_every_answer_has_the_security_headers(start: Start, path: str, ask: Ask) -> None:
    """The policy forbids everything from elsewhere, on errors too."""
    response, _ = ask(start(), "GET", path)
    assert str(response.getheader("Content-Security-Policy")).startswith("default-src 'none';")
    assert "nosniff" == response.getheader("X-Content-Type-Options")
    assert "no-store" == response.getheader("Cache-Control")


def test_a_defect_is_a_500_without_details(start: Start, caplog: pytest.LogCaptureFixture, ask: Ask) -> None:
    """What a route raises is logged with its traceback, kept from the client, and the next request is answered."""

    def broken() -> str | None:
        raise RuntimeError("secret detail")

    listener = start(ready=broken)
    response, body = ask(listener, "GET", "/-/ready")
    assert (500, False) == (response.status, b"secret" in body)
    assert "secret detail" in caplog.text
    assert 200 == ask(listener, "GET", "/-/healthy")[0].status


def test_keep_alive_and_pipelining(start: Start, connect: Connect, read_all: ReadAll) -> None:
    """Requests on one connection are answered in order, and HTTP/1.0 or Connection: close end it."""
    sock = connect(start())
    sock.sendall(
        b"GET /-/healthy HTTP/1.1\r\nHost: h\r\n\r\n"
        b"GET /-/ready HTTP/1.1\r\nHost: h\r\n\r\n"
        b"GET /nowhere HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    )
    answers = read_all(sock)
    assert [b"healthy", b"ready", b"There is nothing here. Try / or /metrics."] == [
        part.split(b"\r\n\r\n")[1].split(b"\n")[0] for part in answers.split(b"HTTP/1.1 ")[1:]
    ]


def test_pipelined_requests_take_turns(start: Start, connect: Connect, read_all: ReadAll) -> None:
    """Between two requests of one segment the loop does what else there is to do, so no client holds up the capture."""
    elsewhere: list[int] = []
    done_before: list[int] = []

    def reload() -> str:
        done_before.append(len(elsewhere))
        asyncio.get_running_loop().call_soon(elsewhere.append, 0)
        return "rules loaded"

    client = connect(start(reload=reload))
    request = b"POST /-/reload HTTP/1.1\r\nHost: h\r\n"
    client.sendall((request + b"\r\n") * 3 + request + b"Connection: close\r\n\r\n")
    assert 4 == read_all(client).count(b"\r\n\r\nrules loaded\n")
    assert [0, 1, 2, 3] == done_before


def test_pipelined_requests_and_then_a_half_close(start: Start, connect: Connect, read_all: ReadAll) -> None:
    """Whoever has asked for much and says no more gets all of its answers."""
    client = connect(start())
    client.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: h\r\n\r\n" * 50)
    client.shutdown(socket.SHUT_WR)
    assert 50 == read_all(client).count(b"\r\n\r\nhealthy\n")


@pytest.mark.parametrize("cut", [1, 7, 20])
def test_requests_in_pieces(start: Start, connect: Connect, cut: int, read_all: ReadAll) -> None:
    """A request may arrive in pieces of any size."""
    sock = connect(start())
    request = b"POST /-/healthy HTTP/1.0\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
    for at in range(0, len(request), cut):
        sock.sendall(request[at : at + cut])
        time.sleep(0.001)
    assert read_all(sock).startswith(b"HTTP/1.1 405 ")


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS ClientHello\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",  # no Host (RFC 9112 section 3.2)
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET  /  HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : h\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: h\r\nX: a\x00b\r\n\r\n",
        b"POST /metrics HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST /metrics HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n",
        b"POST /metrics HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_bad_requests_are_answered_400_and_closed(
    start: Start, connect: Connect, request_bytes: bytes, read_all: ReadAll
) -> None:
    """What is not HTTP is told so, and nothing more is taken from that connection."""
    sock = connect(start())
    sock.sendall(request_bytes)
    answer = read_all(sock)
    assert b"HTTP/1.1 400 Bad Request" == answer.split(b"\r\n")[0]
    assert b"connection: close" in answer.lower()


@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
@pytest.mark.parametrize("piece", [1000, 200_000], ids=["in pieces", "at once"])
def test_oversize_headers(
    start: Start, connect: Connect, piece: int, method: bytes, read_all: ReadAll, limit_met: LimitMet
) -> None:
    """More headers than the limit are refused with 431 however they arrive, and counted."""
    listener = start()
    sock = connect(listener)
    request = method + b" / HTTP/1.1\r\nHost: h\r\n" + b"X-Filler: " + b"a" * 100_000 + b"\r\n\r\n"
    with suppress(ConnectionError):  # it may be refused before all is sent
        for at in range(0, len(request), piece):
            sock.sendall(request[at : at + piece])
    assert b"HTTP/1.1 431 Request Header Fields Too Large" == read_all(sock).split(b"\r\n")[0]
    assert 1 == limit_met(listener, "web_head_bytes")


def test_oversize_bodies(start: Start, ask: Ask, limit_met: LimitMet) -> None:
    """A body beyond the limit is refused with 413; one that waits for leave to send is not given it."""
    listener = start()
    assert 413 == ask(listener, "POST", "/metrics", body=b"a" * 2000)[0].status
    assert 1 == limit_met(listener, "web_body_bytes")
    assert 417 == ask(listener, "POST", "/metrics", {"Expect": "100-continue", "Content-Length": "5"})[0].status


def test_connect_and_upgrade_are_declined(start: Start, connect: Connect, ask: Ask, read_all: ReadAll) -> None:
    """The listener is no proxy, and speaks nothing but HTTP/1.1."""
    listener = start()
    sock = connect(listener)
    sock.sendall(b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n")
    assert read_all(sock).startswith(b"HTTP/1.1 404 ")
    response, _ = ask(listener, "GET", "/-/healthy", {"Connection": "Upgrade", "Upgrade": "h2c"})
    assert 200 == response.status


def test_slow_requests_are_cut_off(start: Start, connect: Connect, read_all: ReadAll, limit_met: LimitMet) -> None:
    """A request must be whole in its time, however steadily its bytes trickle (Slowloris)."""
    listener = start(limits=Limits(request_s=0.3))
    sock = connect(listener)
    sock.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n")
    for _ in range(40):
        sock.sendall(b"X-Slow: 1\r\n")
        time.sleep(0.02)
    answer = read_all(sock)
    assert b"HTTP/1.1 408 Request Timeout" == answer.split(b"\r\n")[0]
    assert 1 == limit_met(listener, "web_request_seconds")


def test_idle_connections_are_closed(start: Start, connect: Connect, read_all: ReadAll) -> None:
    """A connection that asks for nothing is closed quietly."""
    sock = connect(start(limits=Limits(idle_s=0.1)))
    assert b"" == read_all(sock)


def test_a_client_that_does_not_read(start: Start, connect: Connect, snapshot: Snapshot, limit_met: LimitMet) -> None:
    """Answers that nobody takes do not pile up: the next request waits, and the connection ends in its time."""
    many = replace(
        snapshot,
        classes=tuple(
            replace(row, flow_class=replace(row.flow_class, application=f"app{number}"))
            for number in range(2000)
            for row in snapshot.classes
        ),
    )
    rendered: list[int] = []

    def latest() -> Snapshot:
        """A new snapshot at each look, so that nothing is kept from the one before."""
        rendered.append(1)
        return replace(many, time_ns=len(rendered))

    listener = start(latest=latest, limits=Limits(answer_s=0.5))
    sock = connect(listener)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n" * 500)
    until = time.monotonic() + 20
    while not limit_met(listener, "web_answer_seconds") and time.monotonic() < until:
        time.sleep(0.1)
    assert 1 == limit_met(listener, "web_answer_seconds")
    assert len(rendered) < 200  # 500 requests, each of which looks twice
