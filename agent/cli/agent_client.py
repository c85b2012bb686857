"""The URL of an agent, and who asks -> what the agent shows now, over HTTP or HTTPS."""

import base64
import netrc
import ssl
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from agent.cli.outcome import FailedError, UsageError
from agent.now import Now
from agent.now_document import NotADocumentError, read

TIMEOUT_S: Final = 10.0
"""For a connection, and for each part of an answer: as long as Prometheus gives a scrape."""
MAX_ANSWER_BYTES: Final = 4 << 20
"""A hundred times what an agent sends; whatever is longer is no agent's."""
MAX_USER_FILE_BYTES: Final = 4_096
"""A name and a password, with room."""
MAX_SHOWN: Final = 200
"""Characters of an answer's text that an error repeats."""
DEFAULT_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Place:
    """Where an agent listens."""

    secure: bool
    host: str
    port: int
    path: str
    """Of the document, with the prefix that a proxy may have put before it."""

    @property
    def local(self) -> bool:
        """Whether it is this machine, so that nothing crosses a network."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.secure else 'http'}://{host}:{self.port}"


def place_of(url: str) -> Place:
    """The place that a URL names; without a scheme it is http.

    Raises:
        UsageError: It is no URL of an agent, or holds a password, which others could read in the list of processes.
    """
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host, port = parts.hostname, parts.port
        (host or "").encode("idna"), parts.path.encode("ascii")  # as they would be asked for
    except ValueError as error:
        raise UsageError(f"{url!r} is not a URL: {error}") from error
    if parts.scheme not in DEFAULT_PORTS or not host or not url.isprintable() or " " in url:
        raise UsageError(f"{url!r} is not a URL such as http://127.0.0.1:10484/ or https://tap.example.org:10484/")
    if parts.username is not None or parts.password is not None:
        raise UsageError("a URL is no place for a password: others see it; --user-file or --netrc read one from a file")
    path = f"{parts.path.rstrip('/')}/now.json"
    return Place(parts.scheme == "https", host, DEFAULT_PORTS[parts.scheme] if port is None else port, path)


def user_of_file(path: Path) -> str:
    """The first line of a file, NAME:PASSWORD.

    Raises:
        UsageError: It has no such line.
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        line = file.read(MAX_USER_FILE_BYTES).split(b"\n", 1)[0].rstrip(b"\r")
    try:
        user = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: the first line is not text in UTF-8") from error
    if not user.partition(":")[0] or ":" not in user:
        raise UsageError(f"{path}: the first line is to be NAME:PASSWORD")
    return user


def user_of_netrc(path: Path, host: str) -> str:
    """NAME:PASSWORD of a host in a file as curl and ftp have it (netrc(5)).

    Raises:
        UsageError: The file is wrong, or has nothing for this host.
        OSError: It cannot be read.
    """
    try:
        found = netrc.netrc(str(path)).authenticators(host)
    except netrc.NetrcParseError as error:
        raise UsageError(f"{path}:{error.lineno}: {error.msg}") from error
    if found is None:
        raise UsageError(f"{path}: there is no entry for {host}")
    return f"{found[0]}:{found[2]}"


def tls(ca_file: Path | None, certificate: Path | None, key: Path | None) -> ssl.SSLContext:
    """What a connection is protected by: the agent's certificate is checked, always.

    Args:
        ca_file: Authorities to trust in place of the system's.
        certificate: To show where the agent asks for one.
        key: Of the certificate, where it is not in the same file.

    Raises:
        UsageError: A file is not what it should be.
        OSError: It cannot be read.
    """
    context = ssl.create_default_context(cafile=None)
    try:
        if ca_file:
            context = ssl.create_default_context(cafile=ca_file)
        if certificate:
            context.load_cert_chain(certificate, key, password=_no_password)
    except ssl.SSLError as error:
        files = ", ".join(str(path) for path in (ca_file, certificate, key) if path)
        raise UsageError(f"{files}: no certificates in PEM, or a key that does not fit: {error.reason}") from error
    return context


def ask(place: Place, *, context: ssl.SSLContext | None, user: str | None) -> Now:
    """Ask once.

    Args:
        place: Where.
        context: For https.
        user: NAME:PASSWORD, sent as the agent asks for it (RFC 7617).

    Raises:
        FailedError: There is no answer, or it is not an agent's; the text says what to do.
    """
    headers = {"Accept": "application/json", "Connection": "close"}
    if user is not None:
        headers["Authorization"] = f"Basic {base64.b64encode(user.encode()).decode()}"
    connection = (
        HTTPSConnection(place.host, place.port, timeout=TIMEOUT_S, context=context)
        if place.secure
        else HTTPConnection(place.host, place.port, timeout=TIMEOUT_S)
    )
    try:
        connection.request("GET", place.path, headers=headers)
        with connection.getresponse() as answer:
            status, body = answer.status, answer.read(MAX_ANSWER_BYTES + 1)
    except ssl.SSLCertVerificationError as error:
        raise FailedError(f"{place}: {error.verify_message}; --ca-file names whom to trust") from error
    except ssl.SSLError as error:
        raise FailedError(f"{place}: {_why_no_tls(error.reason or str(error))}") from error
    except ConnectionRefusedError as error:
        raise FailedError(f"{place}: nothing listens there; is the agent running?") from error
    except HTTPException as error:
        raise FailedError(f"{place}: no HTTP; is it https:// there? ({type(error).__name__})") from error
    except OSError as error:  # no such host, no route, a reset, a time-out: in its own words
        raise FailedError(f"{place}: {error.strerror or error}") from error
    finally:
        connection.close()
    if status != 200:
        raise FailedError(f"{place}: {_why(status, body, user)}")
    if len(body) > MAX_ANSWER_BYTES:
        raise FailedError(f"{place}: the answer is longer than {MAX_ANSWER_BYTES:,} bytes, so it is not an agent's")
    try:
        return read(body)
    except NotADocumentError as error:
        raise FailedError(f"{place}{place.path}: not what an agent answers: {error}") from error


def _why_no_tls(reason: str) -> str:
    """What OpenSSL's word for a handshake that failed means, and what to do about it.

    An alert (RFC 8446 section 6.2) is the agent's. Before TLS 1.3 there is none of its own for a missing certificate.
    """
    if reason.endswith(("ALERT_CERTIFICATE_REQUIRED", "ALERT_HANDSHAKE_FAILURE")):
        return f"it asks for a certificate: --cert ({reason})"
    if "_ALERT_" in reason and reason.endswith(("_CA", "_CERTIFICATE", "_CERTIFICATE_EXPIRED")):
        return f"it refuses the certificate of --cert ({reason})"
    return f"no TLS ({reason}); is it http:// there?"


def _why(status: int, body: bytes, user: str | None) -> str:
    """What a refusal means, and what to do about it."""
    said = "".join(character for character in body.decode("utf-8", "replace") if character.isprintable())[:MAX_SHOWN]
    known = {
        401: "it asks for a user: --user-file or --netrc"
        if user is None
        else "it knows no such user, or another password",
        403: f"refused: {said}",
        404: "no /now.json there: another program, or an older agent",
        503: said,
    }
    return known.get(status, f"status {status}: {said}")


def _no_password() -> bytes:
    """For a key that is encrypted: OpenSSL would ask on the terminal otherwise, in the middle of the screen."""
    return b""
