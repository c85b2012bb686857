"""Which address shows what, without sockets."""

import gzip
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from agent.history import History
from agent.metrics import ReloadState, SnapshotCollector, new_registry
from agent.notice.check import Standing
from agent.notice.files import read_standing
from agent.now_document import read
from agent.policy.policy import load
from agent.shipped import shipped_rules
from agent.snapshot import Snapshot
from agent.web import ReloadRefusedError, Site
from agent.web.message import Request, Response
from agent.web.papers import Papers

POLICY = load(shipped_rules())
PAPERS = Papers(POLICY, 5.0, read_standing(shipped_rules(), POLICY, district=None))


def site(
    latest: Callable[[], Snapshot | None],
    ready: Callable[[], str | None] = lambda: None,
    reload: Callable[[], str] | None = None,
    **more: Any,
) -> Site:
    registry = new_registry(SnapshotCollector(latest))
    return Site(latest=latest, ready=ready, reload=reload, registry=registry, **more)


def ask(shown: Site, target: str, method: str = "GET", headers: dict[str, str] | None = None) -> Response:
    return shown.answer(Request(method, target, headers or {}))


def test_metrics_in_both_formats(snapshot: Snapshot) -> None:
    """A scraper gets text 0.0.4 unless it accepts OpenMetrics, and each parses as what it says it is."""
    shown = site(lambda: snapshot)
    response = ask(shown, "/metrics")
    assert (200, "text/plain; version=0.0.4; charset=utf-8") == (response.status, response.content_type)
    assert "hallwatch_flows" in {family.name for family in parse_text(response.body.decode())}
    prometheus = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.4"
    response = ask(shown, "/metrics", headers={"accept": prometheus})
    assert response.content_type.startswith("application/openmetrics-text; version=1.0.0")
    assert "hallwatch_flows" in {family.name for family in parse_openmetrics(response.body.decode())}


@pytest.mark.parametrize(
    "accept",
    ["application/openmetrics-text; version=x.y", "application/openmetrics-text;q=0", ";;;,,=", "*/*", "text/html"],
)
def test_odd_accept_headers_are_answered(snapshot: Snapshot, accept: str) -> None:
    """No Accept header, however odd, costs a scrape."""
    response = ask(site(lambda: snapshot), "/metrics", headers={"accept": accept})
    assert (200, True) == (response.status, b"hallwatch_flows_total" in response.body)


def test_gzip_when_asked(snapshot: Snapshot) -> None:
    """The body is compressed for who accepts gzip, and not for who refuses it with q=0."""
    shown = site(lambda: snapshot)
    packed = ask(shown, "/metrics", headers={"accept-encoding": "br, gzip;q=0.9"})
    assert ("Content-Encoding", "gzip") in packed.headers
    assert b"hallwatch_flows_total" in gzip.decompress(packed.body)
    refused = ask(shown, "/metrics", headers={"accept-encoding": "gzip;q=0.0"})
    assert ("Content-Encoding", "gzip") not in refused.headers
    assert b"hallwatch_flows_total" in refused.body


def test_unknown_paths_and_methods(snapshot: Snapshot) -> None:
    """404 for what is not there, 405 with Allow for what cannot be done."""
    shown = site(lambda: snapshot)
    assert 404 == ask(shown, "/../../etc/passwd").status
    assert 404 == ask(shown, "/-/reload", "POST").status  # not offered without a reload callable
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"):
        response = ask(shown, "/metrics", method)
        assert (405, (("Allow", "GET, HEAD"),)) == (response.status, response.headers)


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("http://127.0.0.1:10484/-/healthy", 200),
        ("HTTP://[::1]:10484/-/healthy?now", 200),
        ("/-/healthy?now=1", 200),
        ("http://127.0.0.1", 404),
        ("*", 404),
        ("", 404),
    ],
)
def test_forms_of_target(snapshot: Snapshot, target: str, status: int) -> None:
    """A server must accept the absolute form (RFC 9112 section 3.2.2), and may see any other."""
    assert status == ask(site(lambda: snapshot), target).status


def test_readiness() -> None:
    """503 with the reason until ready; healthy all the while; the page says it too."""
    reasons: list[str | None] = ["no packets <yet>"]
    shown = site(lambda: None, lambda: reasons[-1])
    response = ask(shown, "/-/ready")
    assert (503, b"not ready: no packets <yet>\n") == (response.status, response.body)
    assert b"Not ready: no packets &lt;yet&gt;" in ask(shown, "/").body
    assert 200 == ask(shown, "/-/healthy").status
    assert b"hallwatch_build_info" in ask(shown, "/metrics").body
    reasons.append(None)
    response = ask(shown, "/-/ready")
    assert (200, b"ready\n") == (response.status, response.body)


def test_reload(snapshot: Snapshot) -> None:
    """POST reloads and says what came of it; GET and a web page's POST do not."""
    calls: list[int] = []

    def reload() -> str:
        calls.append(1)
        if len(calls) > 1:
            raise ReloadRefusedError("rules.yaml:3: no such category")
        return "loaded 12 rules"

    shown = site(lambda: snapshot, reload=reload)
    response = ask(shown, "/-/reload")
    assert (405, (("Allow", "POST"),)) == (response.status, response.headers)
    assert 403 == ask(shown, "/-/reload", "POST", {"origin": "https://elsewhere.example"}).status
    assert [] == calls
    response = ask(shown, "/-/reload", "POST")
    assert (200, b"loaded 12 rules\n") == (response.status, response.body)
    response = ask(shown, "/-/reload", "POST")
    assert (500, b"not reloaded: rules.yaml:3: no such category\n") == (response.status, response.body)


def test_now(snapshot: Snapshot) -> None:
    """The JSON document is that of now_document, with what the daemon and the listener know."""
    history = History()
    history.add(replace(snapshot, time_ns=snapshot.time_ns - 2_000_000_000, classes=()))
    history.add(snapshot)
    shown = site(
        lambda: snapshot,
        lambda: "tap0 is down",
        history=history,
        papers=lambda: PAPERS,
        reload_state=lambda: ReloadState(successful=False, last_success_s=5.0),
        limits_met=lambda: {"web_connections": 4},
    )
    response = ask(shown, "/now.json")
    now = read(response.body)
    assert (200, "application/json") == (response.status, response.content_type)
    assert ("tap0 is down", 2.0, 30_000.0) == (now.waiting, now.span_s, now.bytes_per_s)
    assert now.policy is not None
    assert (False, 5.0) == (now.policy.reloaded, now.policy.loaded_s)
    assert {"web_connections": 4} == now.limits
    assert "YouTube" == now.applications[0].title


def test_now_before_anything_was_counted() -> None:
    """There is no document yet, and the reason is told."""
    response = ask(site(lambda: None, lambda: "no packet has been judged yet"), "/now.json")
    assert (503, b"not ready: no packet has been judged yet\n") == (response.status, response.body)


def test_notice_and_coverage(snapshot: Snapshot) -> None:
    """Both are of the policy in force; the notice's style has an address of its own, which it names."""
    shown = site(lambda: snapshot, papers=lambda: PAPERS)
    notice, coverage = ask(shown, "/notice"), ask(shown, "/coverage")
    assert (200, 200) == (notice.status, coverage.status)
    assert b"Example High School" in notice.body
    assert b'href="notice.css"' in notice.body
    assert ("text/css; charset=utf-8", True) == (
        ask(shown, "/notice.css").content_type,
        b"@page" in ask(shown, "/notice.css").body,
    )
    assert b"all that no rule speaks of" in coverage.body
    assert b"Example Public Schools" in ask(shown, "/").body


def test_a_reload_shows_at_once(snapshot: Snapshot) -> None:
    """The papers are asked for at each snapshot, so that the page tells of the rules that judge."""
    current = [PAPERS]
    times = iter(range(100))
    shown = site(lambda: replace(snapshot, time_ns=next(times)), papers=lambda: current[-1])
    assert b"Example High School" in ask(shown, "/notice").body
    unreadable = Standing(None, None, "premises.yaml:3: no", is_true=False, is_posted=False)
    current.append(replace(PAPERS, standing=unreadable))
    response = ask(shown, "/notice")
    assert (404, b"premises.yaml:3: no\n") == (response.status, response.body)


@pytest.mark.parametrize("target", ["/notice", "/coverage"])
def test_without_papers(snapshot: Snapshot, target: str) -> None:
    """A site that is told of no policy says so."""
    assert 404 == ask(site(lambda: snapshot), target).status


@pytest.mark.parametrize("target", ["/", "/metrics", "/now.json"])
def test_one_rendering_per_snapshot(snapshot: Snapshot, target: str) -> None:
    """An answer is made once for each snapshot, however many ask, and anew when the counts change."""
    current = [snapshot]
    shown = site(lambda: current[-1])
    first = ask(shown, target)
    assert ask(shown, target) is first
    assert ask(shown, target, headers={"accept-encoding": "gzip"}) is not first
    current.append(replace(snapshot, classes=()))
    assert ask(shown, target).body != first.body


def test_nothing_is_kept_before_the_first_snapshot() -> None:
    """While there is no snapshot every scrape is fresh: there is no identity to keep it under."""
    shown = site(lambda: None)
    assert ask(shown, "/metrics") is not ask(shown, "/metrics")
