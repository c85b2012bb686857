"""Request -> response: which address shows what. No sockets here; see connection.py."""

import gzip
import re
from collections.abc import Callable
from importlib import resources

from prometheus_client.registry import CollectorRegistry

from agent.metrics import OPENMETRICS, accepts, exposition
from agent.snapshot import Snapshot
from agent.web import page
from agent.web.message import Request, Response, plain

MIN_GZIP_BYTES = 1024
"""Below this a packet is sent either way, and compressing only costs time."""

Handler = Callable[[Request], Response]


class ReloadRefusedError(Exception):
    """The new rules are not fit for use and the old ones stay in force; the text says why, for people."""


class Site:
    """Answers requests from the newest snapshot."""

    def __init__(
        self,
        *,
        latest: Callable[[], Snapshot | None],
        ready: Callable[[], str | None],
        reload: Callable[[], str] | None,
        registry: CollectorRegistry,
    ) -> None:
        """
        Args:
            latest: The newest snapshot, or None before the first one.
            ready: None when counting, else the reason why not (yet).
            reload: Loads the rules anew and says what came of it, or raises ReloadRefusedError. None: no such address.
            registry: What /metrics shows.
        """
        self._latest = latest
        self._ready = ready
        self._reload = reload
        self._registry = registry
        self._renderings = _Renderings()
        self._routes: dict[str, dict[str, Handler]] = {
            "/": {"GET": self._page},
            "/page.css": {"GET": _file("page.css", "text/css; charset=utf-8")},
            "/page.js": {"GET": _file("page.js", "text/javascript; charset=utf-8")},
            "/icon.svg": {"GET": _file("icon.svg", "image/svg+xml")},
            "/metrics": {"GET": self._metrics},
            "/-/healthy": {"GET": _healthy},
            "/-/ready": {"GET": self._readiness},
        }
        if reload is not None:
            self._routes["/-/reload"] = {"POST": self._reloaded}

    def answer(self, request: Request) -> Response:
        """The answer to a request; for HEAD it has the body that GET would get, for the caller to leave out."""
        handlers = self._routes.get(_path(request.target))
        if handlers is None:
            return plain(404, "There is nothing here. Try / or /metrics.")
        handler = handlers.get("GET" if request.method == "HEAD" else request.method)
        if handler is None:
            allowed = ", ".join(["GET, HEAD"] if "GET" in handlers else handlers)
            return plain(405, f"This address answers {allowed} only.", ("Allow", allowed))
        return handler(request)

    def _page(self, request: Request) -> Response:
        snapshot, waiting = self._latest(), self._ready()
        compress = accepts(request.headers.get("accept-encoding", ""), "gzip")
        return self._renderings.get(
            snapshot,
            ("page", waiting, compress),
            lambda: _packed(
                Response(200, page.render(snapshot, waiting), "text/html; charset=utf-8"), compress=compress
            ),
        )

    def _metrics(self, request: Request) -> Response:
        openmetrics = accepts(request.headers.get("accept", ""), OPENMETRICS)
        compress = accepts(request.headers.get("accept-encoding", ""), "gzip")

        def render() -> Response:
            body, content_type = exposition(self._registry, openmetrics=openmetrics)
            return _packed(Response(200, body, content_type), compress=compress)

        return self._renderings.get(self._latest(), ("metrics", openmetrics, compress), render)

    def _readiness(self, _request: Request) -> Response:
        waiting = self._ready()
        return plain(200, "ready") if waiting is None else plain(503, f"not ready: {waiting}")

    def _reloaded(self, request: Request) -> Response:
        # A browser names the page a POST came from (RFC 6454 section 7); an administrator's curl does not. So no page
        # that someone happens to visit can make the daemon reload.
        if "origin" in request.headers:
            return plain(403, "A reload cannot be asked for from a web page.")
        assert self._reload is not None
        try:
            return plain(200, self._reload())
        except ReloadRefusedError as error:
            return plain(500, f"not reloaded: {error}")


class _Renderings:
    """Answers already made from one snapshot: a second scraper costs nothing until the counts change."""

    def __init__(self) -> None:
        self._snapshot: Snapshot | None = None
        self._made: dict[tuple[object, ...], Response] = {}

    def get(self, snapshot: Snapshot | None, key: tuple[object, ...], make: Callable[[], Response]) -> Response:
        """The answer under `key`, made now if this snapshot has none. Before the first snapshot nothing is kept.

        What is kept is bounded: two encodings and two formats of one snapshot, and its page.
        """
        if snapshot is None:
            return make()
        if snapshot is not self._snapshot:
            self._snapshot = snapshot
            self._made.clear()
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]


def _healthy(_request: Request) -> Response:
    return plain(200, "healthy")


def _file(name: str, content_type: str) -> Handler:
    """Shows a file of this package, read once."""
    response = Response(200, resources.files(__package__).joinpath(name).read_bytes(), content_type)
    return lambda _request: response


def _packed(response: Response, *, compress: bool) -> Response:
    """The response as the client takes it, compressed if that is worth while."""
    vary = ("Vary", "Accept, Accept-Encoding")
    if not compress or len(response.body) < MIN_GZIP_BYTES:
        return Response(response.status, response.body, response.content_type, (*response.headers, vary))
    body = gzip.compress(response.body, compresslevel=5, mtime=0)
    packed = (*response.headers, vary, ("Content-Encoding", "gzip"))
    return Response(response.status, body, response.content_type, packed)


def _path(target: str) -> str:
    """The path of a target in origin form or absolute form (RFC 9112 section 3.2); "" for any other."""
    matched = re.match(r"(?:https?://[^/?#]*)?(/[^?#]*)", target, re.IGNORECASE)
    return matched[1] if matched else ""
