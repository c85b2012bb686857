"""Words of the web: a request and a response, without the wire around them."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass

TEXT = "text/plain; charset=utf-8"

SECURITY_HEADERS = (
    (
        "Content-Security-Policy",
        (
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cache-Control", "no-store"),
)
"""Sent with every answer: the page needs nothing from elsewhere, and nobody else's page may use it."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request whose body has been read and thrown away; no route has a use for one."""

    method: str
    target: str
    """As sent (RFC 9112 section 3.2)."""
    headers: Mapping[str, str]
    """Names in lower case; a name that was sent several times has its values joined by commas."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end of a connection, as far as TLS has told."""

    context: ssl.SSLContext | None = None
    """Under which it was let in; None over plain HTTP."""
    names: frozenset[str] = frozenset()
    """Alternative names in the client's certificate, which has been verified if there is one."""


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer. Content-Length, Date and Connection are the connection's business."""

    status: int
    body: bytes
    content_type: str = TEXT
    headers: tuple[tuple[str, str], ...] = ()


def plain(status: int, text: str, *headers: tuple[str, str]) -> Response:
    """One line of text for people."""
    return Response(status, f"{text}\n".encode(), TEXT, headers)
