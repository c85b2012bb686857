"""A request, and who asks -> the site's answer, or why there is none for them."""

import asyncio
from base64 import b64decode
from collections import Counter
from collections.abc import Callable

from agent.web.message import Peer, Request, Response, plain
from agent.web.pace import Bucket
from agent.web.passwords import Passwords, TooManyChecksError
from agent.web.protection import Protection
from agent.web.web_config import RateLimit

REASONS = ("plain_http", "handshake", "client_certificate", "client_name", "password", "rate_limit")
"""Why clients are turned away: they spoke no TLS, or not ours; the certificate, or the names in it; the rest."""

CHALLENGE = ("WWW-Authenticate", 'Basic realm="Hallwatch", charset="UTF-8"')
"""RFC 7617 section 2."""


class Guard:
    """Stands before a site, and asks each request what the web configuration wants of it."""

    def __init__(
        self,
        answer: Callable[[Request], Response],
        *,
        protection: Callable[[], Protection],
        passwords: Passwords,
        refused: Counter[str],
        now_s: Callable[[], float],
    ) -> None:
        """
        Args:
            answer: The site's, for those who may have it.
            protection: What is asked for now.
            passwords: Checks them.
            refused: Counts who was turned away, under REASONS.
            now_s: A clock that does not go back, in seconds.
        """
        self._answer = answer
        self._protection = protection
        self._passwords = passwords
        self._refused = refused
        self._now_s = now_s
        self._rate: RateLimit | None = None
        self._bucket: Bucket | None = None
        self._coming: set[asyncio.Task[Response]] = set()
        """Answers that wait for a check; whoever asked may cancel its own."""

    def answer(self, request: Request, peer: Peer) -> Response | asyncio.Future[Response] | None:
        """The answer, now or as soon as a password has been checked; None to end the connection without one.

        It is ended so when TLS is another than at its beginning. Clients ask again then, over a new connection
        (RFC 9112 section 9.3.1).
        """
        now = self._protection()
        if now.context is not peer.context:
            return None
        if not self._in_time(now.config.rate_limit):
            return self._turned_away("rate_limit", plain(429, "Too many requests.", ("Retry-After", "1")))
        allowed = frozenset() if now.config.tls is None else now.config.tls.allowed_names
        if allowed and not allowed & peer.names:
            return self._turned_away("client_name", plain(403, "Your certificate bears none of the names let in here."))
        if not now.config.users:
            return self._answer(request)
        given = _credentials(request.headers.get("authorization", ""))
        if given is None:  # how every browser begins; nothing has been tried, so nobody is turned away
            return _unauthorized()
        try:
            right = self._passwords.check(now.config.users, *given)
        except TooManyChecksError:
            return plain(503, "Too many passwords are being checked.", ("Retry-After", "5"))
        if isinstance(right, bool):
            return self._answer(request) if right else self._wrong_password()
        coming = asyncio.get_running_loop().create_task(self._answer_when(right, request))
        self._coming.add(coming)
        coming.add_done_callback(self._coming.discard)
        return coming

    async def close(self) -> None:
        """Give up all checks, and the answers that wait for them."""
        given_up = tuple(self._coming)
        for coming in given_up:
            coming.cancel()
        await asyncio.gather(*given_up, return_exceptions=True)
        await self._passwords.close()

    async def _answer_when(self, right: asyncio.Task[bool], request: Request) -> Response:
        # Several connections may wait for one check.
        return self._answer(request) if await asyncio.shield(right) else self._wrong_password()

    def _wrong_password(self) -> Response:
        return self._turned_away("password", _unauthorized())

    def _turned_away(self, reason: str, response: Response) -> Response:
        self._refused[reason] += 1
        return response

    def _in_time(self, rate: RateLimit | None) -> bool:
        if rate != self._rate:
            self._rate = rate
            self._bucket = None if rate is None else Bucket(interval_s=rate.interval_s, burst=rate.burst)
        return self._bucket is None or self._bucket.take(self._now_s())


def _unauthorized() -> Response:
    return plain(401, "A user and a password are asked for here.", CHALLENGE)


def _credentials(header: str) -> tuple[str, bytes] | None:
    """User and password of an Authorization header (RFC 7617 section 2); None when it holds none."""
    scheme, _, encoded = header.strip().partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = b64decode(encoded.strip(), validate=True).partition(b":")
        return (user.decode(), password) if colon else None
    except ValueError:  # no base64, or no UTF-8 in it
        return None
