"""Tests of the store against a real Redis: what it keeps, for how long, who may use it, and what it does when it fails."""

import asyncio
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from textwrap import dedent
from typing import TypeVar

import pytest
from redis.exceptions import RedisError

from agent.sketches.exchange import StoreError
from agent.sketches.place import Place, place_of
from agent.sketches.store import MAX_TOLD, TIMEOUT_S, RedisStore
from tests.free_port import free_port
from tests.sketches.redis_server import RedisServer

ROOT = Path(__file__).parent.parent.parent
T = TypeVar("T")
OTHERS = (b"CLIENT", b"ECHO", b"QUIT")
"""What the library says of itself, and what the test says."""
LATE = 1 << 32
"""An end that is far away, in seconds since the epoch."""


def hashes(first: int, last: int) -> list[bytes]:
    """Different ones for different numbers."""
    return [number.to_bytes(8, "little") for number in range(first, last)]


def run(place: Place | str, story: Callable[[RedisStore], Awaitable[T]], **options: str | Path | None) -> T:
    """A story with a store of its own, on a loop of its own."""

    async def told() -> T:
        store = RedisStore(
            place_of(place) if isinstance(place, str) else place,
            password=str(options["password"]) if "password" in options else None,
            ca_file=Path(str(options["ca_file"])) if "ca_file" in options else None,
        )
        try:
            return await story(store)
        finally:
            await store.close()

    return asyncio.run(told())


def test_a_union(server: RedisServer) -> None:
    """3,000 and 3,000 with 1,000 of them in both are 5,000, within 2 %; a sketch that nobody made is 0."""

    async def story(store: RedisStore) -> list[int]:
        await store.add({"a": hashes(0, 3000)}, LATE)
        await store.add({"a": hashes(2000, 5000), "b": hashes(0, 3)}, LATE)
        return await store.counts(["a", "b", "c"])

    together, few, none = run(server.url, story)
    assert together == pytest.approx(5000, rel=0.02)
    assert (3, 0) == (few, none)


def test_everything_may_be_sent_again(server: RedisServer) -> None:
    """The same hashes once more change nothing."""

    async def story(store: RedisStore) -> list[int]:
        found = []
        for _ in range(2):
            await store.add({"a": hashes(0, 700)}, LATE)
            found += await store.counts(["a"])
        return found

    first, second = run(server.url, story)
    assert first == second


def test_it_ends(server: RedisServer) -> None:
    """Every sketch has its end from its first moment on: what gives it both is one transaction."""
    end_s = int(time.time()) + 1000

    async def story(store: RedisStore) -> None:
        await store.add({"hallwatch:a": hashes(0, 2), "hallwatch:b": hashes(0, 1)}, end_s)

    with server.watched() as seen:
        run(server.url, story)
    commands = re.findall(rb'\] "([A-Z]+)"', seen[0])
    assert [b"MULTI", *[b"PFADD", b"EXPIREAT"] * 2, b"EXEC"] == [one for one in commands if one not in OTHERS]
    assert ["hallwatch:a", "hallwatch:b"] == server.names()
    assert [f":{end_s}\r\n".encode()] * 2 == [server.ask("EXPIRETIME", key) for key in server.names()]


def test_what_it_keeps_is_no_list(server: RedisServer) -> None:
    """Of a thousand hashes none is in the sketch that they made."""

    async def story(store: RedisStore) -> None:
        await store.add({"a": [b"needle-%04d" % number for number in range(1000)]}, LATE)

    run(server.url, story)
    kept = server.ask("GET", "a")
    assert b"HYLL" in kept
    assert b"needle" not in kept


def test_a_password(tmp_path: Path) -> None:
    """With the right one it is let in."""
    with RedisServer(tmp_path, "--requirepass", "right") as server:
        assert [0] == run(server.url, lambda store: store.counts(["a"]), password="right")


@pytest.mark.parametrize(("password", "why"), [("wrong", "WRONGPASS"), ("", "Authentication required")])
def test_the_wrong_password(password: str, why: str, tmp_path: Path) -> None:
    """The store's own words are told, and not the password."""
    with RedisServer(tmp_path, "--requirepass", "right") as server:
        options = {"password": password} if password else {}
        with pytest.raises(StoreError) as told:
            run(server.url, lambda store: store.add({"a": hashes(0, 1)}, LATE), **options)

    assert "invalid username-password" in str(told.value) if password else why in str(told.value)
    assert "right" not in str(told.value)
    assert "wrong" not in str(told.value)


def test_the_documented_user(tmp_path: Path) -> None:
    """With the configuration of docs/devices.md the agents can do their work, and nothing else."""
    text = (ROOT / "docs" / "devices.md").read_text(encoding="utf-8")
    block = re.search(r"^ *```conf\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)
    assert block is not None
    users = tmp_path / "redis.conf"
    users.write_text(dedent(block[1]), encoding="utf-8")

    async def story(store: RedisStore) -> list[int]:
        await store.add({"hallwatch:devices:a": hashes(0, 5)}, LATE)
        with pytest.raises(StoreError, match="permission") as told:
            await store.add({"others": [b"needle"]}, LATE)
        assert "needle" not in str(told.value)
        with pytest.raises(RedisError, match="permission"):
            await store._client.get("hallwatch:devices:a")
        return await store.counts(["hallwatch:devices:a"])

    with RedisServer(tmp_path, str(users)) as server:
        place = replace(place_of(server.url), user="hallwatch")
        assert [5] == run(place, story, password="change-me")
        assert server.ask("KEYS", "*").startswith(b"-NOAUTH")


# ---- TLS


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an authority (ca.pem) and what it signed for 127.0.0.1 (server.pem, server.key)."""
    if shutil.which("openssl") is None:
        pytest.skip("NO openssl HERE: the store is not tried over TLS")
    folder = tmp_path_factory.mktemp("certificates")
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    ca = ["-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=authority", "-x509"]
    ca += ["-addext", "keyUsage=critical,keyCertSign"]
    signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-keyout", "server.key", "-out", "server.pem", "-subj", "/CN=store"]
    signed += ["-x509", "-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"]
    for words in (ca, signed):
        subprocess.run(["openssl", "req", *key, *words], cwd=folder, check=True, capture_output=True)
    return folder


def tls_server(folder: Path, certificates: Path, port: int) -> RedisServer:
    """A store that speaks TLS on a loopback port."""
    files = [
        *("--tls-cert-file", str(certificates / "server.pem")),
        *("--tls-key-file", str(certificates / "server.key")),
        *("--tls-ca-cert-file", str(certificates / "ca.pem"), "--tls-auth-clients", "no"),
    ]
    return RedisServer(folder, *files, tls_port=port)


def test_tls(tmp_path: Path, certificates: Path) -> None:
    """With the authority's certificate it is spoken to; without, or under another name, it is not."""
    port = free_port()

    async def story(store: RedisStore) -> list[int]:
        await store.add({"a": hashes(0, 5)}, LATE)
        return await store.counts(["a"])

    with tls_server(tmp_path, certificates, port):
        known = {"ca_file": certificates / "ca.pem"}
        assert [5] == run(f"rediss://127.0.0.1:{port}", story, **known)
        with pytest.raises(StoreError, match="certificate verify failed"):
            run(f"rediss://127.0.0.1:{port}", story)
        with pytest.raises(StoreError, match="certificate verify failed"):
            run(f"rediss://localhost:{port}", story, **known)
        with pytest.raises(StoreError):
            run(f"redis://127.0.0.1:{port}", story)


# ---- Failures


def test_nobody_is_there(tmp_path: Path) -> None:
    """It says so at once."""
    for url in (f"unix://{tmp_path}/nothing", f"redis://127.0.0.1:{free_port()}"):
        with pytest.raises(StoreError, match="connecting"):
            run(url, lambda store: store.counts(["a"]))


def test_no_answer(server: RedisServer) -> None:
    """A store that is stopped is given up after its time; the late answer to an old question answers no new one."""

    async def story(store: RedisStore) -> list[int]:
        await store.add({"a": hashes(0, 5), "b": hashes(0, 7)}, LATE)
        with server.frozen(), pytest.raises(StoreError, match=f"no answer within {TIMEOUT_S:g} s"):
            await store.counts(["a"])
        return await store.counts(["b"])

    assert [7] == run(server.url, story)


def test_the_wrong_kind_of_thing(server: RedisServer) -> None:
    """A name that is somebody else's is an error, told in the store's words: no hash of a device gets into a log."""
    server.ask("RPUSH", "a", "1")

    async def story(store: RedisStore) -> list[int]:
        with pytest.raises(StoreError, match="WRONGTYPE"):
            await store.counts(["a"])
        with pytest.raises(
            StoreError, match=r"^(WRONGTYPE )?(Key is not a valid HyperLogLog|Operation against a key)"
        ) as told:
            await store.add({"a": [b"needle"]}, LATE)
        assert "needle" not in str(told.value)
        return await store.counts(["b"])

    assert [0] == run(server.url, story)


@contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """Somebody on a loopback port who agrees with who one is, and then says one thing to everything; the URL."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    client, _ = listening.accept()
                except OSError:
                    return  # the end
                with client:
                    client.settimeout(5)
                    try:
                        while said := client.recv(65_536):
                            introduced = said.count(b"CLIENT")
                            client.sendall(b"+OK\r\n" * introduced or answer)
                    except OSError:
                        continue  # it went away, as it may

        serving = threading.Thread(target=serve)
        serving.start()
        try:
            yield f"redis://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            serving.join()


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\xff" * 100 + b"\r\n",
        b":not-a-number\r\n" * 9,
        b":-1\r\n" * 9,
        b"+OK\r\n" * 9,
        b"$-7\r\n" * 9,
        b"$99999999999\r\nx",
        b"*1\r\n" * 5000,
        b"_\r\n,inf\r\n#t\r\n" * 9,
        b":1",
        b"-" + b"ERR! " * 10_000 + b"\r\n",
    ],
)
def test_whatever_is_answered(answer: bytes) -> None:
    """It becomes an error of the store and nothing else, in time."""
    with answering(answer) as url, pytest.raises(StoreError) as told:
        run(url, lambda store: store.counts(["a"]))
    assert MAX_TOLD >= len(str(told.value))


@pytest.mark.parametrize(
    "answer",
    [
        b"+OK\r\n",
        b":1\r\n" * 3,
        b"+OK\r\n-ERR x\r\n+QUEUED\r\n$3\r\nabc\r\n",  # text, where the results of a transaction should be
        b"+OK\r\n-ERR x\r\n+QUEUED\r\n:3\r\n",
        b"+OK\r\n+QUEUED\r\n+QUEUED\r\n:3\r\n",
    ],
)
def test_nothing_was_added(answer: bytes) -> None:
    """A stranger who seems to agree has added nothing, and is not believed."""
    with answering(answer) as url, pytest.raises(StoreError):
        run(url, lambda store: store.add({"a": hashes(0, 2)}, LATE))
