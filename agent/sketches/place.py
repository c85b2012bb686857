"""redis://, rediss:// or unix:// -> where the store is. A password has no place in it: a command line is no secret."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

FORMS: Final = "redis://HOST:PORT/0, rediss://HOST:PORT/0 (TLS) or unix:///PATH"
DEFAULT_PORT: Final = 6379

_MAX_DATABASE: Final = 65_535


class PlaceError(ValueError):
    """The URL cannot be used; str() says why, without repeating it: somebody may have put a password there."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a store is, and as whom to speak to it. Its password comes by another way."""

    user: str | None = None
    host: str = ""
    port: int = 0
    path: str = ""
    """Of a Unix socket; then there is neither host nor port."""
    tls: bool = False
    database: int = 0

    def __str__(self) -> str:
        """For people and for the log: without the user."""
        scheme = "unix" if self.path else "rediss" if self.tls else "redis"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{self.path or f'{host}:{self.port}/{self.database}'}"


def place_of(url: str) -> Place:
    """Reads a URL as the Redis documents have it (scheme "redis" of the IANA registry of URI schemes).

    Raises:
        PlaceError: it is none.
    """
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname or ""
        host.encode("idna")
    except ValueError as error:
        raise PlaceError(f"this is no URL of a Redis, such as {FORMS}") from error
    if parts.password is not None:
        raise PlaceError(
            "everyone on the machine could read a password here: put it into a file, --devices.password-file"
        )
    user = unquote(parts.username or "") or None
    if parts.query or parts.fragment:
        raise PlaceError('nothing may follow the path: leave out what begins with "?" or "#"')
    if parts.scheme == "unix" and not host and parts.path.strip("/"):
        return Place(path=unquote(parts.path), user=user)
    if parts.scheme not in {"redis", "rediss"} or not host:
        raise PlaceError(f"this is no URL of a Redis, such as {FORMS}")
    database = parts.path.strip("/") or "0"
    if not database.isdecimal() or int(database[:6]) > _MAX_DATABASE:
        raise PlaceError("after the address stands the number of a database, such as /0")
    return Place(
        host=host,
        port=DEFAULT_PORT if port is None else port,
        tls=parts.scheme == "rediss",
        database=int(database),
        user=user,
    )
