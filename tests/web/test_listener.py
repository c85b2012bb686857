"""The listening socket: who is let in, and how it ends."""

import asyncio
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException, HTTPResponse

import pytest

from agent.snapshot import Snapshot
from agent.web import Listener, serve
from agent.web.connection import Limits

Start = Callable[..., Listener]
Ask = Callable[..., tuple[HTTPResponse, bytes]]
Connect = Callable[[Listener], socket.socket]
ReadAll = Callable[[socket.socket], bytes]
LimitMet = Callable[[Listener, str], float]


def test_the_longest_idle_client_makes_way(start: Start, connect: Connect, ask: Ask, read_all: ReadAll) -> None:
    """When all connections are taken, idle ones cannot keep a scraper out."""
    listener = start(limits=Limits(max_connections=4))
    idle = [connect(listener) for _ in range(4)]
    for sock in idle:  # each is known to be accepted once it has been answered
        sock.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: h\r\n\r\n")
        assert sock.recv(65536).startswith(b"HTTP/1.1 200 ")
    assert 200 == ask(listener, "GET", "/metrics")[0].status
    assert b"" == read_all(idle[0])
    idle[3].sendall(b"GET /-/healthy HTTP/1.1\r\nHost: h\r\n\r\n")
    assert idle[3].recv(65536).startswith(b"HTTP/1.1 200 ")


def test_newcomers_are_refused_when_all_are_busy(
    start: Start, connect: Connect, read_all: ReadAll, limit_met: LimitMet
) -> None:
    """While every connection is in the middle of a request, the next is told 503; afterwards all is well and counted."""
    listener = start(limits=Limits(max_connections=3))
    busy = [connect(listener) for _ in range(3)]
    for sock in busy:
        sock.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: h\r\n")
    time.sleep(0.2)
    assert b"HTTP/1.1 503 Service Unavailable" == read_all(connect(listener)).split(b"\r\n")[0]
    for sock in busy:
        sock.sendall(b"Connection: close\r\n\r\n")
        assert read_all(sock).startswith(b"HTTP/1.1 200 ")
    assert 1 <= limit_met(listener, "web_connections")


def test_many_clients_at_once(start: Start, ask: Ask) -> None:
    """Hundreds of clients, more than may be connected, do not break it."""
    listener = start(limits=Limits(max_connections=8))

    def scrape(_: int) -> int | None:
        try:
            return ask(listener, "GET", "/metrics")[0].status
        except (ConnectionError, HTTPException):
            return None  # made way for a newcomer

    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(scrape, range(400)))
    assert answers.count(200) >= 1
    assert set(answers) <= {200, 503, None}
    assert 200 == ask(listener, "GET", "/metrics")[0].status


def test_a_clean_end(snapshot: Snapshot) -> None:
    """close() frees the port and ends every connection, whatever state it is in."""

    async def live_and_die() -> int:
        listener = await serve(latest=lambda: snapshot, ready=lambda: None, port=0)
        readers = []
        for beginning in (b"", b"GET / HTT", b"GET /-/healthy HTTP/1.1\r\nHost: h\r\n\r\n"):
            reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
            writer.write(beginning)
            readers.append((reader, writer))
        await asyncio.sleep(0.05)
        port = listener.port
        await listener.close()
        for reader, writer in readers:
            await asyncio.wait_for(reader.read(), 5)
            writer.close()
        return port

    port = asyncio.run(live_and_die())
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)


def test_a_taken_port_is_an_error(start: Start) -> None:
    """Two listeners cannot share a port: OSError, for the caller to explain."""
    listener = start()
    with pytest.raises(OSError, match="address already in use"):
        start(port=listener.port)
