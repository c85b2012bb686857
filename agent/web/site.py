"""Request -> response: which address shows what. No sockets here; see connection.py."""

import gzip
import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC
from importlib import resources

from prometheus_client.registry import CollectorRegistry

from agent import now_document
from agent.history import History
from agent.metrics import OPENMETRICS, ReloadState, accepts, exposition
from agent.notice.page_html import STYLE
from agent.now import Now
from agent.snapshot import Snapshot
from agent.web import page
from agent.web.coverage_page import coverage_body
from agent.web.message import Request, Response, plain
from agent.web.papers import NOTICE_STYLE, Papers, why_no_notice
from agent.web.picture import picture
from agent.web.shell import shell

HTML = "text/html; charset=utf-8"
CSS = "text/css; charset=utf-8"
JSON = "application/json"

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
        history: History | None = None,
        papers: Callable[[], Papers] | None = None,
        reload_state: Callable[[], ReloadState] | None = None,
        limits_met: Callable[[], Mapping[str, int]] | None = None,
    ) -> None:
        """
        Args:
            latest: The newest snapshot, or None before the first one.
            ready: None when counting, else the reason why not (yet).
            reload: Loads the rules anew and says what came of it, or raises ReloadRefusedError. None: no such address.
            registry: What /metrics shows.
            history: Of the snapshots; whoever makes them adds to it. Without it there are no rates.
            papers: Of the policy in force. None: no notice and no coverage.
            reload_state: What became of the newest reload.
            limits_met: Those that snapshots do not tell of.
        """
        self._latest = latest
        self._ready = ready
        self._reload = reload
        self._registry = registry
        self._history = History() if history is None else history
        self._papers = papers
        self._reload_state = reload_state
        self._limits_met = limits_met
        self._renderings = _Renderings()
        self._routes: dict[str, dict[str, Handler]] = {
            "/": {"GET": self._page},
            "/now.json": {"GET": self._now_json},
            "/coverage": {"GET": self._coverage},
            "/notice": {"GET": self._notice},
            f"/{NOTICE_STYLE}": {"GET": lambda _request: Response(200, STYLE.encode(), CSS)},
            "/page.css": {"GET": _file("page.css", CSS)},
            "/page.js": {"GET": _file("page.js", "text/javascript; charset=utf-8")},
            "/icon.svg": {"GET": _file("icon.svg", "image/svg+xml")},
            "/favicon.ico": {"GET": _file("icon.svg", "image/svg+xml")},  # for pages that name none, such as the notice
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
        waiting = self._ready()
        zone = self._papers().zone if self._papers else UTC
        return self._made(
            request,
            ("page", waiting),
            lambda: Response(200, page.render(self._now(), self._history.last_hour(), waiting, zone), HTML),
        )

    def _now_json(self, request: Request) -> Response:
        def render() -> Response:
            now = self._now()
            if now is None:
                return plain(503, f"not ready: {self._ready() or 'nothing has been counted yet'}")
            return Response(200, now_document.write(now), JSON)

        return self._made(request, ("now", self._ready()), render)

    def _coverage(self, request: Request) -> Response:
        if self._papers is None:
            return plain(404, "The policy in force is not known here.")
        papers = self._papers()
        district = papers.in_force(reloaded=True).district

        def render() -> Response:
            return Response(200, shell(coverage_body(papers.policy), "Coverage", "coverage", district=district), HTML)

        return self._made(request, ("coverage",), render)

    def _notice(self, request: Request) -> Response:
        if self._papers is None:
            return plain(404, "The policy in force is not known here.")
        papers = self._papers()

        def render() -> Response:
            written = papers.notice_page(time.time_ns())
            return plain(404, why_no_notice(papers)) if written is None else Response(200, written.encode(), HTML)

        return self._made(request, ("notice",), render)

    def _now(self) -> Now | None:
        """Everything that is shown, or None before the first snapshot."""
        snapshot = self._latest()
        if snapshot is None:
            return None
        reloaded = self._reload_state().successful if self._reload_state else True
        return picture(
            snapshot,
            self._history.recent(),
            waiting=self._ready(),
            policy=self._papers().in_force(reloaded=reloaded) if self._papers else None,
            other_limits=self._limits_met() if self._limits_met else {},
            titles=self._papers().titles if self._papers else {},
        )

    def _made(self, request: Request, key: tuple[object, ...], render: Callable[[], Response]) -> Response:
        """The answer as this client takes it, made once for each snapshot."""
        compress = accepts(request.headers.get("accept-encoding", ""), "gzip")
        return self._renderings.get(self._latest(), (*key, compress), lambda: _packed(render(), compress=compress))

    def _metrics(self, request: Request) -> Response:
        openmetrics = accepts(request.headers.get("accept", ""), OPENMETRICS)
        return self._made(
            request,
            ("metrics", openmetrics),
            lambda: Response(200, *exposition(self._registry, openmetrics=openmetrics)),
        )

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

        What is kept is bounded: each page of one snapshot in two encodings, the metrics in two formats besides.
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
