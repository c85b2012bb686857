"""Who gets the site's answer, and what the others get."""

import asyncio
from base64 import b64encode
from collections import Counter
from dataclasses import replace

import pytest

from agent.policy.problems import Mark, Problems
from agent.web.guard import Guard
from agent.web.message import Peer, Request, Response, plain
from agent.web.passwords import MAX_WAITING, Passwords, hashed
from agent.web.protection import Protection
from agent.web.tls_context import new_context
from agent.web.web_config import ClientAuth, NamedFile, RateLimit, Tls, WebConfig
from tests.web.issued import Authority

USERS = {"prometheus": hashed(b"correct horse", 4)}
OPEN = Protection()


class Stage:
    """A guard whose protection and clock are set by the test."""

    def __init__(self, protection: Protection) -> None:
        self.protection = protection
        self.now_s = 0.0
        self.refused: Counter[str] = Counter()
        self.asked: list[str] = []
        self.passwords = Passwords(Counter())
        self.guard = Guard(
            self._site,
            protection=lambda: self.protection,
            passwords=self.passwords,
            refused=self.refused,
            now_s=lambda: self.now_s,
        )

    def _site(self, request: Request) -> Response:
        self.asked.append(request.target)
        return plain(200, "counts")

    async def ask(self, authorization: str | None = None, peer: Peer | None = None) -> Response | None:
        headers = {} if authorization is None else {"authorization": authorization}
        answer = self.guard.answer(Request("GET", "/metrics", headers), peer or Peer(self.protection.context))
        return await answer if isinstance(answer, asyncio.Future) else answer


def status(response: Response | None) -> int | None:
    """The status of a response; None for none."""
    return None if response is None else response.status


def basic(user: str, password: str) -> str:
    """An Authorization header."""
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


def test_nobody_is_asked_without_a_configuration() -> None:
    """The site answers."""

    async def story() -> None:
        assert 200 == status(await Stage(OPEN).ask())

    asyncio.run(story())


def test_users() -> None:
    """No credentials, wrong ones, right ones at once and afterwards; then the same user is taken away."""

    async def story() -> None:
        stage = Stage(Protection(WebConfig(users=USERS)))
        first = await stage.ask()
        assert first is not None
        assert (401, 'Basic realm="Hallwatch", charset="UTF-8"') == (
            first.status,
            dict(first.headers)["WWW-Authenticate"],
        )
        assert {} == stage.refused  # it only asked what is wanted here
        for wrong in (("prometheus", "x"), ("nobody", "correct horse"), ("prometheus", "")):
            assert 401 == status(await stage.ask(basic(*wrong)))
        assert {"password": 3} == stage.refused
        assert [] == stage.asked
        for scheme in ("Basic", "basic", "BASIC "):
            right = basic("prometheus", "correct horse").replace("Basic", scheme)
            assert 200 == status(await stage.ask(right))
        stage.protection = Protection(WebConfig(users={"other": USERS["prometheus"]}))
        assert 401 == status(await stage.ask(basic("prometheus", "correct horse")))

    asyncio.run(story())


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic",
        "Basic !",
        "Bearer abc",
        "Basic " + b64encode(b"no colon").decode(),
        "Basic /w==",
        "Basic é",
        "Basic OjE=, Basic OjE=",
    ],
)
def test_headers_that_are_none(header: str) -> None:
    """They are asked for credentials again; no check is spent on them."""

    async def story() -> None:
        stage = Stage(Protection(WebConfig(users=USERS)))
        await stage.passwords.close()  # a check would raise
        assert 401 == status(await stage.ask(header))

    asyncio.run(story())


def test_too_many_checks() -> None:
    """Whoever comes while many are being checked is told to come back."""

    async def story() -> None:
        stage = Stage(Protection(WebConfig(users=USERS)))
        asked = [asyncio.create_task(stage.ask(basic("prometheus", str(number)))) for number in range(MAX_WAITING + 1)]
        answers = [status(await one) for one in asked]
        assert (MAX_WAITING, 1) == (answers.count(401), answers.count(503))

    asyncio.run(story())


def test_names_in_certificates(ca: Authority) -> None:
    """One of the allowed names is enough; none is a 403; and it holds from the next request on."""
    files = [NamedFile(ca.folder / name, Mark("web.yml", 1)) for name in ("server.pem", "server.key", "ca.pem")]
    tls = Tls(files[0], files[1], ClientAuth.REQUIRE, files[2], frozenset({"prometheus", "10.0.9.3"}))
    made = new_context(tls, Problems())
    assert made is not None
    context = made[0]

    async def story() -> None:
        stage = Stage(Protection(WebConfig(tls), context))
        assert 200 == status(await stage.ask(peer=Peer(context, frozenset({"a", "prometheus"}))))
        for names in (frozenset[str](), frozenset({"a"})):
            assert 403 == status(await stage.ask(peer=Peer(context, names)))
        assert {"client_name": 2} == stage.refused
        stage.protection = Protection(WebConfig(replace(tls, allowed_names=frozenset({"a"}))), context)
        assert 403 == status(await stage.ask(peer=Peer(context, frozenset({"prometheus"}))))

    asyncio.run(story())


def test_tls_that_is_another_now(ca: Authority) -> None:
    """Who came in under another TLS, or none, is sent away without an answer."""
    files = [NamedFile(ca.folder / name, Mark("web.yml", 1)) for name in ("server.pem", "server.key")]
    contexts = [made[0] for _ in range(2) if (made := new_context(Tls(files[0], files[1]), Problems()))]

    async def story() -> None:
        stage = Stage(Protection(context=contexts[0]))
        assert 200 == status(await stage.ask(peer=Peer(contexts[0])))
        for peer in (Peer(contexts[1]), Peer(None)):
            assert None is await stage.ask(peer=peer)
        stage.protection = OPEN
        assert None is await stage.ask(peer=Peer(contexts[0]))

    asyncio.run(story())


def test_a_rate() -> None:
    """A burst, then one an interval; a new rate begins with a full burst."""

    async def story() -> None:
        stage = Stage(Protection(WebConfig(rate_limit=RateLimit(2.0, 2))))
        assert [200, 200, 429] == [status(await stage.ask()) for _ in range(3)]
        stage.now_s = 2.5
        assert [200, 429] == [status(await stage.ask()) for _ in range(2)]
        assert {"rate_limit": 2} == stage.refused
        stage.protection = Protection(WebConfig(rate_limit=RateLimit(2.0, 1)))
        assert [200, 429] == [status(await stage.ask()) for _ in range(2)]
        stage.protection = OPEN
        assert [200] * 5 == [status(await stage.ask()) for _ in range(5)]

    asyncio.run(story())


def test_paths_are_all_the_same() -> None:
    """Whether the daemon is well is not for everybody either, as with the exporter-toolkit."""

    async def story() -> None:
        stage = Stage(Protection(WebConfig(users=USERS)))
        for path in ("/", "/metrics", "/-/healthy", "/-/ready", "/-/reload", "/nowhere"):
            answer = stage.guard.answer(Request("GET", path, {}), Peer())
            assert isinstance(answer, Response)
            assert 401 == answer.status

    asyncio.run(story())
