"""Asking an agent: over HTTP and HTTPS, as whom, and what is said when there is no answer."""

import base64
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from agent.cli import agent_client
from agent.cli.agent_client import Place, ask, place_of, tls, user_of_file, user_of_netrc
from agent.cli.outcome import FailedError, UsageError
from agent.now_document import write
from tests.now_example import NOW

Answer = Callable[[BaseHTTPRequestHandler], tuple[int, bytes]]


@contextmanager
def serving(answer: Answer, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """A server on 127.0.0.1; its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answer(self)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            """A client that refuses the handshake is what is tested."""

    with Server(("127.0.0.1", 0), Handler) as server:
        if context:  # the handshake is made where a connection is closed when it fails
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def now(_: BaseHTTPRequestHandler) -> tuple[int, bytes]:
    return 200, write(NOW)


def at(port: int, *, secure: bool = False) -> Place:
    return place_of(f"{'https' if secure else 'http'}://127.0.0.1:{port}/")


def failure(place: Place, context: ssl.SSLContext | None = None, user: str | None = None) -> str:
    """What is said of an answer that is none."""
    with pytest.raises(FailedError) as caught:
        ask(place, context=context, user=user)
    return str(caught.value)


# ---- Where


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("http://127.0.0.1:10484/", Place(secure=False, host="127.0.0.1", port=10484, path="/now.json")),
        ("tap.example.org", Place(secure=False, host="tap.example.org", port=80, path="/now.json")),
        ("https://tap.example.org", Place(secure=True, host="tap.example.org", port=443, path="/now.json")),
        ("HTTPS://[::1]:9/north/", Place(secure=True, host="::1", port=9, path="/north/now.json")),
    ],
)
def test_places(url: str, place: Place) -> None:
    """A scheme may be left out, a port has its default, and a proxy's prefix stays."""
    assert place == place_of(url)


@pytest.mark.parametrize(
    "url",
    [
        *("", "ftp://x/", "http://", "http://x:70000/", "http://[::1/", "http://a b/", "http://u:p@x/", "http://x\n/"),
        *("http://tap..example.org/", f"http://{64 * 'a'}.example.org/", "http://x/ü"),
    ],
)
def test_what_is_no_place(url: str) -> None:
    """A password in a URL is none either."""
    with pytest.raises(UsageError):
        place_of(url)


@pytest.mark.parametrize(
    ("url", "local"),
    [("127.0.0.9", True), ("[::1]", True), ("localhost", True), ("192.0.2.1", False), ("x.org", False)],
)
def test_local(url: str, local: bool) -> None:
    """Where nothing crosses a network."""
    assert local == place_of(url).local


# ---- As whom


def test_a_user_file(tmp_path: Path) -> None:
    """The first line, with any colon after the first in the password."""
    file = tmp_path / "user"
    file.write_text("prometheus:a:b ü\r\nmore\n", "utf-8")
    assert "prometheus:a:b ü" == user_of_file(file)


@pytest.mark.parametrize("content", [b"", b"nobody\n", b":secret\n", b"\xff:x\n"])
def test_no_user_file(content: bytes, tmp_path: Path) -> None:
    """Anything else is said to be none, without repeating it."""
    file = tmp_path / "user"
    file.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        user_of_file(file)
    assert f"{file}: the first line is " in str(caught.value)
    assert "secret" not in str(caught.value).removeprefix(str(file))


def test_netrc(tmp_path: Path) -> None:
    """The entry of the host, or that there is none, or where the file is wrong."""
    file = tmp_path / "netrc"
    file.write_text("machine tap.example.org login ann password secret\n", "utf-8")
    file.chmod(0o600)
    assert "ann:secret" == user_of_netrc(file, "tap.example.org")
    with pytest.raises(UsageError, match=r"no entry for other\.example\.org"):
        user_of_netrc(file, "other.example.org")
    file.write_text("machine\nnonsense here", "utf-8")
    with pytest.raises(UsageError, match=f"{file}:"):
        user_of_netrc(file, "tap.example.org")


def test_basic_authentication() -> None:
    """The user is sent, in UTF-8 (RFC 7617 section 2.1); without one, the remedy is told."""

    def guarded(request: BaseHTTPRequestHandler) -> tuple[int, bytes]:
        right = f"Basic {base64.b64encode('ann:ü'.encode()).decode()}"
        return now(request) if request.headers["Authorization"] == right else (401, b"who is it?")

    with serving(guarded) as port:
        assert ask(at(port), context=None, user="ann:ü") == NOW
        assert "it asks for a user: --user-file or --netrc" in failure(at(port))
        assert "it knows no such user, or another password" in failure(at(port), user="ann:u")


# ---- What is answered


def test_the_path() -> None:
    """Asked for below the prefix that the URL has."""
    asked = []

    def kept(request: BaseHTTPRequestHandler) -> tuple[int, bytes]:
        asked.append(request.path)
        return now(request)

    with serving(kept) as port:
        assert ask(place_of(f"127.0.0.1:{port}/north"), context=None, user=None) == NOW
    assert ["/north/now.json"] == asked


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (404, b"", "no /now.json there"),
        (503, b"not ready: no packet has been judged yet\n", "not ready: no packet has been judged yet"),
        (403, b"no\x1b[2J", "refused: no[2J"),
        (302, b"elsewhere", "status 302: elsewhere"),
        (200, b"<html>", "not what an agent answers"),
        (200, b"x" * 70_000, "longer than 65,536 bytes"),
    ],
)
def test_answers_that_are_none(status: int, body: bytes, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each says what is wrong there; nothing in them moves the cursor."""
    monkeypatch.setattr(agent_client, "MAX_ANSWER_BYTES", 65_536)
    with serving(lambda _: (status, body)) as port:
        assert said in failure(at(port))


def test_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing listens; something listens and is silent; no such host."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        monkeypatch.setattr(agent_client, "TIMEOUT_S", 0.2)
        assert "timed out" in failure(at(port))
    assert "nothing listens there; is the agent running?" in failure(at(port))
    assert "http://nowhere.invalid:80: " in failure(place_of("nowhere.invalid"))


# ---- TLS


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority, and certificates of a server on 127.0.0.1 and of a client."""
    folder = tmp_path_factory.mktemp("pki")
    start, end = datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC) + timedelta(hours=1)
    authority = ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])
    for name, key in (
        ("ca", authority),
        *((name, ec.generate_private_key(ec.SECP256R1())) for name in ("server", "client")),
    ):
        subject = issuer if name == "ca" else x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
        certificate = (
            x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number(), start, end)
            .add_extension(x509.BasicConstraints(ca=name == "ca", path_length=None), critical=True)
            .add_extension(names, critical=False)
            .sign(authority, hashes.SHA256())
        )
        (folder / f"{name}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        private = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        (folder / f"{name}.key").write_bytes(key.private_bytes(*private))
    return folder


def server_context(pki: Path, *, mutual: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / "server.pem", pki / "server.key")
    if mutual:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(pki / "ca.pem")
    return context


def test_tls(pki: Path) -> None:
    """Trusted by its authority and by nobody else; a name that is not the certificate's is refused."""
    with serving(now, server_context(pki, mutual=False)) as port:
        assert ask(at(port, secure=True), context=tls(pki / "ca.pem", None, None), user=None) == NOW
        assert "--ca-file names whom to trust" in failure(at(port, secure=True), tls(None, None, None))
        other = place_of(f"https://localhost:{port}")
        assert "Hostname mismatch" in failure(other, tls(pki / "ca.pem", None, None))


def test_mutual_tls(pki: Path) -> None:
    """A certificate is shown where one is asked for; without it the remedy is told."""
    with serving(now, server_context(pki, mutual=True)) as port:
        place = at(port, secure=True)
        context = tls(pki / "ca.pem", pki / "client.pem", pki / "client.key")
        assert ask(place, context=context, user=None) == NOW
        assert str(place) in failure(place, tls(pki / "ca.pem", None, None))


def test_the_wrong_scheme(pki: Path) -> None:
    """TLS where there is none, and none where there is, are both guessed."""
    with serving(now) as port:
        assert "is it http:// there" in failure(at(port, secure=True), tls(None, None, None))
    with serving(now, server_context(pki, mutual=False)) as port:
        assert str(at(port)) in failure(at(port))


def test_files_that_are_none(pki: Path) -> None:
    """Keys that do not fit, files that hold no certificate, and keys under a password, which nobody is asked for."""
    for ca_file, certificate, key in (
        (pki / "ca.key", None, None),
        (None, pki / "client.pem", pki / "server.key"),
        (None, pki / "client.key", None),
    ):
        with pytest.raises(UsageError, match=r"\.key|\.pem"):
            tls(ca_file, certificate, key)
    with pytest.raises(OSError, match="No such file"):
        tls(pki / "missing.pem", None, None)


def test_an_encrypted_key(pki: Path, tmp_path: Path) -> None:
    """Is refused rather than asked about."""
    key = serialization.load_pem_private_key((pki / "client.key").read_bytes(), None)
    file = tmp_path / "encrypted.key"
    private = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    file.write_bytes(key.private_bytes(*private, serialization.BestAvailableEncryption(b"secret")))
    with pytest.raises(UsageError, match=r"encrypted\.key"):
        tls(None, pki / "client.pem", file)
