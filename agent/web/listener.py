"""A host and a port -> a listening socket that shows the newest snapshot (routes in site.py)."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence

from agent.history import History
from agent.log import EventLog
from agent.metrics import ReloadState, SnapshotCollector, new_registry
from agent.snapshot import Snapshot
from agent.web.connection import LIMIT_NAMES, Connection, Limits, Phase
from agent.web.message import Request, Response
from agent.web.papers import Papers
from agent.web.site import Site


class Listener:
    """A listening socket and its clients."""

    def __init__(self, answer: Callable[[Request], Response], *, limits: Limits, met: Counter[str]) -> None:
        self._answer = answer
        self._limits = limits
        self._met = met
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
        return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"

    async def close(self) -> None:
        """Stop listening, let answers under way go out within the linger time, and end every connection."""
        if self._server is not None:
            self._server.close()
        for connection in tuple(self._open):
            connection.close()
        try:
            await asyncio.wait_for(self._emptied.wait(), self._limits.linger_s)
        except TimeoutError:
            for connection in tuple(self._open):
                connection.abort()
            await self._emptied.wait()

    def _connection(self) -> Connection:
        return Connection(
            answer=self._answer,
            admit=self._admit,
            gone=self._gone,
            limits=self._limits,
            met=self._met,
            log=self._log,
        )

    def _admit(self, newcomer: Connection) -> bool:
        """Find room for a newcomer; when all is taken, the client that has been idle longest makes way for it."""
        full = len(self._open) >= self._limits.max_connections
        idle = [connection for connection in self._open if connection.phase is Phase.IDLE]
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

    Raises:
        OSError: The address cannot be listened on.
    """
    met = Counter(dict.fromkeys(LIMIT_NAMES, 0))
    collector = SnapshotCollector(
        latest, reload_state=reload_state, known_limits=known_limits, other_limits=lambda: met
    )
    site = Site(
        latest=latest,
        ready=ready,
        reload=reload,
        registry=new_registry(collector),
        history=history,
        papers=papers,
        reload_state=reload_state,
        limits_met=lambda: met,
    )
    listener = Listener(site.answer, limits=limits or Limits(), met=met)
    await listener.start(host, port)
    return listener
