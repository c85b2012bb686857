"""A listener with a web configuration, over real sockets: curl, openssl and Python's ssl at its door."""

import asyncio
import select
import shutil
import socket
import ssl
import subprocess
import threading
import time
from base64 import b64encode
from collections.abc import Callable
from contextlib import closing, suppress
from http.client import HTTPResponse, HTTPSConnection, RemoteDisconnected
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from agent.snapshot import Snapshot
from agent.web import Listener, serve
from agent.web.connection import Limits
from agent.web.listener import HANDSHAKES_BURST
from agent.web.passwords import hashed
from agent.web.protection import SETTLE_S
from tests.web.issued import Authority
from tests.web.tls_client import Client

Start = Callable[..., Listener]
Connect = Callable[[Listener], socket.socket]
ReadAll = Callable[[socket.socket], bytes]
Write = Callable[[str], Path]
Ask = Callable[..., tuple[HTTPResponse, bytes]]

TLS = "tls_server_config: {cert_file: server.pem, key_file: server.key}\n"
MUTUAL = """\
tls_server_config:
  cert_file: server.pem
  key_file: server.key
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: ca.pem
"""
USERS = f"basic_auth_users: {{prometheus: {hashed(b'correct horse', 4)}}}\n"
AUTHORIZATION = {"Authorization": "Basic " + b64encode(b"prometheus:correct horse").decode()}
DEAR = hashed(b"x", 14)
"""Checking this takes a second or so: longer than any test waits for it not to be over."""
GET = b"GET /-/healthy HTTP/1.1\r\nHost: h\r\n\r\n"
ASKING = b"GET /-/healthy HTTP/1.1\r\nHost: h\r\nAuthorization: Basic " + b64encode(b"dear:x") + b"\r\n\r\n"


@pytest.fixture
def curl(ca: Authority) -> Callable[..., tuple[int, int, str]]:
    """Run curl in the folder of the certificates: its exit code, the status that it got, and the body."""
    if shutil.which("curl") is None:
        pytest.skip("there is no curl here")

    def run(*words: str) -> tuple[int, int, str]:
        command = ["curl", "--silent", "--max-time", "20", "--write-out", "\n%{http_code}", *words]
        done = subprocess.run(command, cwd=ca.folder, capture_output=True, text=True, check=False)
        body, _, status = done.stdout.rpartition("\n")
        return done.returncode, int(status), body

    return run


def client_context(ca: Authority, certificate: str | None = None) -> ssl.SSLContext:
    """A client that knows the CA, and may have a certificate of its own."""
    context = ssl.create_default_context(cafile=str(ca.folder / "ca.pem"))
    if certificate is not None:
        context.load_cert_chain(ca.folder / f"{certificate}.pem", ca.folder / f"{certificate}.key")
    return context


def refusals(listener: Listener, context: ssl.SSLContext) -> dict[str, float]:
    """Who was turned away so far, and which limits were met, as /metrics says; asked once, since answers are kept."""
    with closing(HTTPSConnection("127.0.0.1", listener.port, context=context, timeout=10)) as client:
        client.request("GET", "/metrics", headers=AUTHORIZATION)
        text = client.getresponse().read().decode()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {
        value: sample.value for sample in samples for key, value in sample.labels.items() if key in {"reason", "limit"}
    }


def test_curl_against_everything(start: Start, write: Write, curl: Callable[..., tuple[int, int, str]]) -> None:
    """TLS, a client's certificate and a password: with all of them there is an answer, without any one there is none."""
    listener = start(web_config=write(MUTUAL + USERS))
    url, certificate = listener.url + "metrics", ("--cert", "client.pem", "--key", "client.key")
    assert listener.url.startswith("https://")
    user = ("--user", "prometheus:correct horse")

    code, status, body = curl("--cacert", "ca.pem", *certificate, *user, url)
    assert (0, 200) == (code, status)
    assert "hallwatch_build_info" in body
    assert (0, 401) == curl("--cacert", "ca.pem", *certificate, url)[:2]
    assert (0, 401) == curl("--cacert", "ca.pem", *certificate, "--user", "prometheus:wrong", url)[:2]
    assert (60, 0) == curl(*certificate, *user, url)[:2]  # curl does not know the CA
    assert 0 == curl("--cacert", "ca.pem", *user, url)[1]
    code, status, body = curl(url.replace("https:", "http:"))
    assert (0, 400) == (code, status)
    assert body.startswith("This port speaks HTTPS")


@pytest.mark.parametrize("path", ["/", "/metrics", "/-/healthy", "/-/ready", "/-/reload", "/page.css", "/nowhere"])
def test_nothing_is_open_beside_it(path: str, start: Start, write: Write, ask: Ask) -> None:
    """Without a password each path answers the same."""
    listener = start(web_config=write(USERS), reload=lambda: "rules loaded")
    for method in ("GET", "POST", "HEAD"):
        response, _ = ask(listener, method, path)
        assert 401 == response.status


def test_a_reload_is_still_not_for_web_pages(start: Start, write: Write, ask: Ask) -> None:
    """A browser would send the password along with what another site makes it post."""
    listener = start(web_config=write(USERS), reload=lambda: "rules loaded")
    statuses = [
        ask(listener, "POST", "/-/reload", AUTHORIZATION | origin)[0].status
        for origin in ({}, {"Origin": "https://elsewhere.example"})
    ]
    assert [200, 403] == statuses


@pytest.mark.parametrize(
    ("options", "spoken"),
    [
        (["-tls1_1"], None),
        (["-tls1_2"], "TLSv1.2, Cipher is ECDHE-ECDSA-AES128-GCM-SHA256"),
        (["-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384"], None),
        (["-tls1_3"], "TLSv1.3"),
        (["-tls1_3", "-curves", "X25519"], None),
        (["-alpn", "h2,http/1.1"], "ALPN protocol: http/1.1"),
    ],
)
def test_openssl_gets_what_was_configured(
    options: list[str], spoken: str | None, start: Start, write: Write, ca: Authority
) -> None:
    """Versions, suites and curves are those of the file; whoever offers HTTP/2 is told HTTP/1.1."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl here")
    choice = "  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]\n  curve_preferences: [CurveP384]\n"
    block = "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n"
    listener = start(web_config=write(block + choice))
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{listener.port}", "-CAfile", "ca.pem", *options]
    done = subprocess.run(command, cwd=ca.folder, input="", capture_output=True, text=True, check=False, timeout=20)

    assert (spoken is None) == (done.returncode != 0)
    assert spoken is None or spoken in done.stdout


def test_a_change_takes_without_a_restart(start: Start, write: Write, ca: Authority) -> None:
    """Users on an open connection; TLS for the next, while the open one is ended; then a bad version, which changes nothing."""
    listener = start(web_config=write(TLS))
    context = client_context(ca)
    with closing(HTTPSConnection("127.0.0.1", listener.port, context=context, timeout=10)) as client:

        def status(headers: dict[str, str] | None = None) -> int:
            client.request("GET", "/-/healthy", headers=headers or {})
            response = client.getresponse()
            response.read()
            return response.status

        assert 200 == status()
        sock = client.sock
        write(TLS + USERS)
        time.sleep(SETTLE_S + 0.2)
        assert [401, 200] == [status(), status(AUTHORIZATION)]
        assert sock is client.sock
        write("tls_server_config: nonsense\n")
        time.sleep(SETTLE_S + 0.2)
        assert [401, 200] == [status(), status(AUTHORIZATION)]
        write(MUTUAL + USERS)
        time.sleep(SETTLE_S + 0.2)
        with pytest.raises(RemoteDisconnected):
            status(AUTHORIZATION)
        client.close()
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            status(AUTHORIZATION)
    assert {"client_certificate": 1, "password": 0}.items() <= refusals(listener, client_context(ca, "client")).items()


def test_headers_of_the_file(start: Start, write: Write, ask: Ask) -> None:
    """They stand in every answer, refusals too, and once."""
    text = "http_server_config: {headers: {X-Frame-Options: deny, Content-Security-Policy: default-src 'self'}}\n"
    listener = start(web_config=write(text + USERS))
    for headers in (AUTHORIZATION, {}):
        response, _ = ask(listener, "GET", "/", headers)
        found = response.headers
        assert ["deny"] == found.get_all("X-Frame-Options")
        assert ["default-src 'self'"] == found.get_all("Content-Security-Policy")
        assert ["nosniff"] == found.get_all("X-Content-Type-Options")


def test_names_of_certificates(start: Start, write: Write, ca: Authority) -> None:
    """A certificate of the CA is not enough where names are given."""
    ca.issue("another")
    listener = start(web_config=write(MUTUAL + "  client_allowed_sans: [client]\n"))
    for certificate, expected in (("client", 200), ("another", 403)):
        context = client_context(ca, certificate)
        with closing(HTTPSConnection("127.0.0.1", listener.port, context=context, timeout=10)) as client:
            client.request("GET", "/-/healthy")
            assert expected == client.getresponse().status


def test_a_handshake_that_does_not_end(
    start: Start, write: Write, connect: Connect, read_all: ReadAll, ca: Authority
) -> None:
    """Silence, a few bytes now and then, a goodbye, noise: each is ended, and counted as what it was."""
    listener = start(web_config=write(TLS), limits=Limits(handshake_s=0.5))
    silent, dripping = connect(listener), connect(listener)
    for byte in b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03":  # the beginning of a ClientHello
        with suppress(OSError):  # it has been ended already
            dripping.sendall(bytes([byte]))
        time.sleep(0.08)
    for sock in (silent, dripping):
        assert read_all(sock) in {b"", b"[reset]"}
    leaving, noisy = connect(listener), connect(listener)
    leaving.shutdown(socket.SHUT_WR)
    assert b"" == read_all(leaving)
    noisy.sendall(b"\x16\x03\x01\x00\x05noise")
    assert b"\x15\x03" == read_all(noisy)[:2]  # an alert
    expected = {"web_handshake_seconds": 2, "handshake": 2, "plain_http": 0}
    assert expected.items() <= refusals(listener, client_context(ca)).items()


def test_plain_http_is_told_so(start: Start, write: Write, connect: Connect, read_all: ReadAll, ca: Authority) -> None:
    """One line, and the end of the connection; the next client is served."""
    listener = start(web_config=write(TLS + USERS))
    for request in (GET, b"POST /-/reload HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello", b"\r\n"):
        sock = connect(listener)
        sock.sendall(request)
        answer = read_all(sock)
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert answer.endswith(b"This port speaks HTTPS, and this was no TLS.\n")
    assert 3 == refusals(listener, client_context(ca))["plain_http"]


def test_the_longest_silent_client_makes_way(start: Start, write: Write, connect: Connect, ca: Authority) -> None:
    """Connections without a handshake cannot keep a scraper out."""
    listener = start(web_config=write(TLS), limits=Limits(max_connections=4))
    silent = [connect(listener) for _ in range(4)]
    time.sleep(0.2)
    assert 1 == refusals(listener, client_context(ca))["web_connections"]
    assert b"" == silent[0].recv(1)


def test_handshakes_have_a_pace(start: Start, write: Write, connect: Connect, ca: Authority) -> None:
    """Beyond the burst connections are ended at once, and counted; a moment later the next one is served."""
    listener = start(web_config=write(TLS), limits=Limits(max_connections=1_000))
    flood = [connect(listener) for _ in range(HANDSHAKES_BURST * 3)]
    time.sleep(0.5)
    ended, _, _ = select.select(flood, [], [], 0)  # those that were let in have nothing to read
    assert HANDSHAKES_BURST <= len(ended) <= 2 * HANDSHAKES_BURST  # it is slower to let more in than we are to come
    assert {b""} == {sock.recv(1) for sock in ended}
    for sock in flood:
        sock.close()
    assert 1 <= refusals(listener, client_context(ca))["web_handshakes"]


def test_a_long_answer_to_a_slow_reader(start: Start, write: Write, ca: Authority, snapshot: Snapshot) -> None:
    """An answer that fills every buffer arrives whole, encrypted and at the reader's pace, and so does the next one."""
    listener = start(web_config=write(TLS), ready=lambda: "x" * 3_000_000, latest=lambda: snapshot)
    raw = socket.create_connection(("127.0.0.1", listener.port), timeout=10)
    # The end has to be said (RFC 8446 section 6.1): a connection that is merely cut would raise SSLEOFError here.
    with client_context(ca).wrap_socket(raw, server_hostname="127.0.0.1", suppress_ragged_eofs=False) as sock:
        sock.sendall(
            b"GET /-/ready HTTP/1.1\r\nHost: h\r\n\r\n" * 2 + GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
        )
        time.sleep(0.5)
        parts = []
        while part := sock.recv(65536):
            parts.append(part)
            time.sleep(0.001)
    answer = b"".join(parts)
    assert 2 == answer.count(b"HTTP/1.1 503 ")
    assert 6_000_000 == answer.count(b"x" * 1_000) * 1_000
    assert answer.endswith(b"healthy\n")


def test_the_loop_answers_while_a_password_is_checked(start: Start, write: Write, connect: Connect) -> None:
    """A dear hash holds up nobody but who waits for it; a client that goes away meanwhile leaves nothing behind."""
    listener = start(web_config=write(f"basic_auth_users: {{dear: {DEAR}}}\n"))
    asking, leaving = connect(listener), connect(listener)
    asking.sendall(ASKING + GET)
    leaving.sendall(ASKING)
    leaving.close()
    asking.settimeout(0.05)
    with pytest.raises(TimeoutError):
        asking.recv(1)
    other = connect(listener)
    other.sendall(GET)
    assert other.recv(65536).startswith(b"HTTP/1.1 401 ")
    asking.settimeout(20)
    answers = b""
    while answers.count(b"HTTP/1.1 ") < 2:
        answers += asking.recv(65536)
    assert answers.startswith(b"HTTP/1.1 200 ")
    assert b"HTTP/1.1 401 " in answers  # the second request, sent along with the first, had no password


def test_nothing_is_read_while_a_password_is_checked(start: Start, write: Write, connect: Connect) -> None:
    """What a client sends meanwhile waits in the kernel's buffers, not in ours."""
    listener = start(web_config=write(f"basic_auth_users: {{dear: {DEAR}}}\n"))
    sock = connect(listener)
    sock.sendall(ASKING)
    time.sleep(0.1)  # the check is under way
    sock.settimeout(0.2)
    with pytest.raises(TimeoutError):
        sock.sendall(bytes(64 * 1024 * 1024))


def test_a_check_that_takes_too_long(
    start: Start, write: Write, connect: Connect, read_all: ReadAll, caplog: pytest.LogCaptureFixture
) -> None:
    """Its client is told so, once, when its time is over; what comes of the check afterwards is nobody's."""
    listener = start(web_config=write(f"basic_auth_users: {{dear: {DEAR}}}\n"), limits=Limits(check_s=0.05))
    answers: list[bytes] = []
    while not answers or not answers[-1].startswith(b"HTTP/1.1 200 "):  # until it is remembered
        sock = connect(listener)
        sock.sendall(ASKING.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        answers.append(read_all(sock))
        assert len(answers) < 200
    assert answers[0].startswith(b"HTTP/1.1 503 ")
    assert [1] * len(answers) == [answer.count(b"HTTP/1.1 ") for answer in answers]
    assert [] == [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]


def test_a_record_in_drips_buys_no_time(start: Start, write: Write, connect: Connect, ca: Authority) -> None:
    """A client that sends a byte of a record now and then is idle all the same."""
    listener = start(web_config=write(TLS), limits=Limits(idle_s=1.2))
    sock, client = connect(listener), Client(ca)
    sock.sendall(client.shake())
    sock.sendall(client.shake(sock.recv(65536)))
    sent = 0
    with suppress(ConnectionResetError, BrokenPipeError):
        for byte in client.say(bytes(100)):
            sock.sendall(bytes([byte]))
            sent += 1
            time.sleep(0.05)
    assert 8 < sent < 40


def test_the_end_of_the_listener_ends_the_checks(snapshot: Snapshot, write: Write) -> None:
    """It waits for none, and leaves no thread behind."""
    path = write(f"basic_auth_users: {{dear: {DEAR}}}\n")

    before = set(threading.enumerate())

    async def live_and_die() -> None:
        listener = await serve(latest=lambda: snapshot, ready=lambda: None, port=0, web_config=path)
        writers = []
        for number in range(4):
            header = b"Authorization: Basic " + b64encode(b"dear:%d" % number)
            reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
            writer.write(GET.replace(b"\r\n\r\n", b"\r\n" + header + b"\r\n\r\n"))
            writers.append((reader, writer))
        await asyncio.sleep(0.2)
        assert set(threading.enumerate()) - before
        await listener.close()
        for reader, writer in writers:
            assert b"" == await asyncio.wait_for(reader.read(), 5)
            writer.close()

    asyncio.run(live_and_die())
    left = set(threading.enumerate()) - before
    for thread in left:  # the one check that ran ends by itself
        thread.join(30)
    assert not any(thread.is_alive() for thread in left)


def test_a_client_that_half_closes_gets_its_answer(
    start: Start, write: Write, connect: Connect, read_all: ReadAll
) -> None:
    """It has said all and waits: its password is still checked, and it is answered."""
    listener = start(web_config=write(USERS))
    sock = connect(listener)
    header = b"Authorization: " + AUTHORIZATION["Authorization"].encode()
    sock.sendall(GET.replace(b"\r\n\r\n", b"\r\n" + header + b"\r\n\r\n"))
    sock.shutdown(socket.SHUT_WR)
    assert read_all(sock).startswith(b"HTTP/1.1 200 ")
