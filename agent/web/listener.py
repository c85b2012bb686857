"""A host and a port -> a listening socket that shows the newest snapshot (routes in site.py), to whom guard.py lets."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from agent.history import History
from agent.log import EventLog
from agent.metrics import ReloadState, SnapshotCollector, new_registry
from agent.snapshot import Snapshot
from agent.web import passwords
from agent.web.connection import LIMIT_NAMES as CONNECTION_LIMIT_NAMES
from agent.web.connection import Connection, Limits, Phase
from agent.web.guard import REASONS, Guard
from agent.web.message import Request, Response
from agent.web.pace import Bucket
from agent.web.papers import Papers
from agent.web.passwords import Passwords
from agent.web.protection import Protection, ProtectionFile
from agent.web.site import Site
from agent.web.tls_stream import TlsStream
from agent.web.web_metrics import ProtectionCollector

HANDSHAKES_BURST = 64
"""As many as there may be connections: all clients may come back at once."""
HANDSHAKE_INTERVAL_S = 0.02
"""Fifty handshakes a second at most in the long run; each costs some 1 ms of CPU (RSA 2048) that naming waits for."""


_WAITS_FOR_THE_CLIENT = frozenset({Phase.IDLE, Phase.HANDSHAKE})
"""Whoever is waited for may be sent away for another: with silence alone nobody keeps a scraper out."""
LIMIT_NAMES = (*CONNECTION_LIMIT_NAMES, *passwords.LIMIT_NAMES, "web_handshakes")


class Listener:
    """A listening socket and its clients."""

    def __init__(
        self,
        answer: Callable[[Request], Response],
        *,
        limits: Limits,
        met: Counter[str],
        refused: Counter[str],
        protection: Callable[[], Protection] = Protection,
    ) -> None:
        """
        Args:
            answer: Makes the response to those who may have it.
            limits: What a client may ask for.
            met: Counts limits met.
            refused: Counts who was turned away, under guard.REASONS.
            protection: What is asked of clients now; nothing unless told otherwise.
        """
        loop = asyncio.get_running_loop()
        self._now_s = loop.time
        self._passwords = Passwords(met)
        self._guard = Guard(
            answer, protection=protection, passwords=self._passwords, refused=refused, now_s=self._now_s
        )
        self._protection = protection
        self._handshakes = Bucket(interval_s=HANDSHAKE_INTERVAL_S, burst=HANDSHAKES_BURST)
        self._limits = limits
        self._met = met
        self._refused = refused
        self._log = EventLog("hallwatch.web")
        self._server: asyncio.Server | None = None
        self._open: dict[Connection, None] = {}
        """In order of arrival, which decides where the loop's clock, of milliseconds in uvloop, cannot."""
        self._emptied = asyncio.Event()
        self._emptied.set()

    async def start(self, host: str, port: int) -> None:
        """Listen; port 0 takes any free one.

        Raises:
            OSError: The address cannot be listened on.
        """
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connection, host, port)

    @property
    def addresses(self) -> tuple[tuple[str, int], ...]:
        """Host and port of each socket listened on: several when a name has several addresses."""
        assert self._server is not None
        return tuple(sock.getsockname()[:2] for sock in self._server.sockets)

    @property
    def port(self) -> int:
        """The port of the first socket."""
        return self.addresses[0][1]

    @property
    def url(self) -> str:
        host, port = self.addresses[0]
        scheme = "http" if self._protection().context is None else "https"
        return f"{scheme}://[{host}]:{port}/" if ":" in host else f"{scheme}://{host}:{port}/"

    async def close(self) -> None:
        """Stop listening, let answers under way go out within the linger time, and end every connection."""
        if self._server is not None:
            self._server.close()
        await self._guard.close()
        for connection in tuple(self._open):
            connection.close()
        try:
            await asyncio.wait_for(self._emptied.wait(), self._limits.linger_s)
        except TimeoutError:
            for connection in tuple(self._open):
                connection.abort()
            await self._emptied.wait()

    def _connection(self) -> Connection:
        context = self._protection().context
        return Connection(
            answer=self._guard.answer,
            admit=self._admit,
            gone=self._gone,
            headers=lambda: self._protection().config.headers,
            tls=None if context is None else TlsStream(context),
            limits=self._limits,
            met=self._met,
            refused=self._refused,
            log=self._log,
        )

    def _admit(self, newcomer: Connection) -> bool:
        """Find room for a newcomer; when all is taken, the client that has been idle longest makes way for it."""
        if newcomer.phase is Phase.HANDSHAKE and not self._handshakes.take(self._now_s()):
            self._met["web_handshakes"] += 1
            self._open[newcomer] = None
            self._emptied.clear()
            return False
        full = len(self._open) >= self._limits.max_connections
        idle = [connection for connection in self._open if connection.phase in _WAITS_FOR_THE_CLIENT]
        self._open[newcomer] = None
        self._emptied.clear()
        if full:
            self._met["web_connections"] += 1
        if full and idle:
            min(idle, key=lambda connection: connection.since).close()
        return not full or bool(idle)

    def _gone(self, connection: Connection) -> None:
        self._open.pop(connection, None)
        if not self._open:
            self._emptied.set()


async def serve(
    *,
    latest: Callable[[], Snapshot | None],
    ready: Callable[[], str | None],
    reload: Callable[[], str] | None = None,
    reload_state: Callable[[], ReloadState] | None = None,
    history: History | None = None,
    papers: Callable[[], Papers] | None = None,
    known_limits: Sequence[str] = (),
    host: str = "127.0.0.1",
    port: int,
    limits: Limits | None = None,
    web_config: Path | None = None,
) -> Listener:
    """Start to listen, on the running loop.

    Args:
        latest: The newest snapshot, or None before the first one; called at each request, so it must be cheap. The
            answers made from one snapshot are kept until it returns another one.
        ready: None when counting, else the reason why not (yet).
        reload: Loads the rules anew and says what came of it, or raises ReloadRefusedError. None: there is no
            POST /-/reload.
        reload_state: For the page, and the metrics hallwatch_config_*.
        history: For the page: of the snapshots, by whoever makes them.
        papers: For the page, /notice and /coverage: of the policy in force.
        known_limits: Names that Snapshot.limits may hold, so that their series start at 0.
        host: Name or address to listen on.
        port: 0 takes any free one; see Listener.port.
        limits: What a client may ask for.
        web_config: A file in the exporter-toolkit's format; without it there is plain HTTP for everybody.

    Raises:
        OSError: The address cannot be listened on.
        WebConfigError: The file cannot be used.
    """
    met = Counter(dict.fromkeys(LIMIT_NAMES, 0))
    refused = Counter(dict.fromkeys(REASONS, 0))
    collector = SnapshotCollector(
        latest, reload_state=reload_state, known_limits=known_limits, other_limits=lambda: met
    )
    registry = new_registry(collector)
    protection: Callable[[], Protection] = Protection
    if web_config is not None:
        file = ProtectionFile(web_config, EventLog("hallwatch.web"))
        protection = file.current
        registry.register(
            ProtectionCollector(state=lambda: file.state, runs_out_s=lambda: file.current().runs_out_s, refused=refused)
        )
    site = Site(
        latest=latest,
        ready=ready,
        reload=reload,
        registry=registry,
        history=history,
        papers=papers,
        reload_state=reload_state,
        limits_met=lambda: met,
    )
    listener = Listener(site.answer, limits=limits or Limits(), met=met, refused=refused, protection=protection)
    await listener.start(host, port)
    return listener
