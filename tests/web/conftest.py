"""A real listener on 127.0.0.1, on a loop in a thread of its own, for tests that talk to it over sockets."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

import pytest
import uvloop
from prometheus_client.parser import text_string_to_metric_families

from agent.flow import Account, Evidence, FlowClass
from agent.snapshot import ClassCounts, Counts, GateTotals, Snapshot
from agent.verdict import Verdict
from agent.web import Listener, serve
from tests.web.issued import Authority, authority

Serve = Callable[..., Listener]
Ask = Callable[..., tuple[HTTPResponse, bytes]]
Write = Callable[[str], Path]


@pytest.fixture
def snapshot() -> Snapshot:
    """Two classes, one of them with a name that would be markup if it were not escaped."""
    videos = FlowClass("students", "youtube", "video_streaming", "quic", Evidence.QUIC, Account.PERSONAL)
    rogue = FlowClass("staff", "<script>alert(1)</script>", "retail", "tls", Evidence.SNI, Account.BOARD)
    return Snapshot(
        time_ns=1_795_248_000_000_000_000,
        gate=GateTotals("process", seen_packets=60, seen_bytes=60_000, settled_packets=60, settled_bytes=60_000),
        classes=(
            ClassCounts(videos, Verdict.PROHIBITED, Counts(2, 10, 30, 4_000, 36_000, 30_000, 1_200)),
            ClassCounts(rogue, Verdict.PERMITTED, Counts(1, 5, 15, 2_000, 18_000, 15_000, 600)),
        ),
        active_flows={"video_streaming": 1},
        opened_bytes={"quic": 1_200, "tls": 600},
    )


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def start(request: pytest.FixtureRequest, snapshot: Snapshot) -> Iterator[Serve]:
    """Start listeners by calling serve() with the same arguments; each is closed at the end of the test."""
    loop = request.param()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    listeners: list[Listener] = []

    def start_one(**arguments: Any) -> Listener:
        defaults: dict[str, Any] = {"latest": lambda: snapshot, "ready": lambda: None, "port": 0}
        listener = asyncio.run_coroutine_threadsafe(serve(**(defaults | arguments)), loop).result(10)
        listeners.append(listener)
        return listener

    yield start_one
    for listener in listeners:
        asyncio.run_coroutine_threadsafe(listener.close(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


@pytest.fixture
def connect() -> Iterator[Callable[[Listener], socket.socket]]:
    """Open plain TCP connections to a listener, closed at the end of the test."""
    opened: list[socket.socket] = []

    def connect_one(listener: Listener) -> socket.socket:
        sock = socket.create_connection(("127.0.0.1", listener.port), timeout=10)
        opened.append(sock)
        return sock

    yield connect_one
    for sock in opened:
        sock.close()


@pytest.fixture
def ask() -> Ask:
    """Make one request on a connection of its own."""

    def ask_one(
        listener: Listener, method: str, path: str, headers: dict[str, str] | None = None, body: bytes | None = None
    ) -> tuple[HTTPResponse, bytes]:
        with closing(HTTPConnection("127.0.0.1", listener.port, timeout=10)) as client:
            client.request(method, path, body, headers or {})
            response = client.getresponse()
            return response, response.read()

    return ask_one


@pytest.fixture
def read_all() -> Callable[[socket.socket], bytes]:
    """Read until the other side closes; a reset counts as an end, and is seen in what is returned."""

    def read(sock: socket.socket) -> bytes:
        parts = []
        try:
            while part := sock.recv(65536):
                parts.append(part)
        except ConnectionResetError:
            parts.append(b"[reset]")
        return b"".join(parts)

    return read


@pytest.fixture
def limit_met(ask: Ask) -> Callable[[Listener, str], float]:
    """How often a limit was met, as /metrics says."""

    def count(listener: Listener, name: str) -> float:
        _, body = ask(listener, "GET", "/metrics")
        samples = [sample for family in text_string_to_metric_families(body.decode()) for sample in family.samples]
        (value,) = [sample.value for sample in samples if sample.labels == {"limit": name}]
        return value

    return count


@pytest.fixture
def ca(tmp_path: Path) -> Authority:
    """A CA in a folder of its own, with a server's certificate (server.pem) and a client's (client.pem)."""
    made = authority(tmp_path / "pki")
    made.issue("server", server=True)
    made.issue("client")
    return made


@pytest.fixture
def write(ca: Authority) -> Write:
    """Write web.yml beside the certificates, as if it had been there for long."""

    def write_it(text: str) -> Path:
        path = ca.folder / "web.yml"
        path.write_text(text)
        return path

    return write_it
