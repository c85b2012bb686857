"""A real redis-server or valkey-server: started by a test on a Unix socket or a loopback port, and ended with it."""

import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import pytest

TIMEOUT_S: Final = 10.0
_PROGRAMS: Final = ("redis-server", "valkey-server")


def program() -> str:
    """The server that this machine has; the test is skipped where there is none."""
    found = next(filter(None, map(shutil.which, _PROGRAMS)), None)
    if found is None:
        pytest.skip("NO redis-server AND NO valkey-server HERE: counting devices across agents is not checked")
    return found


class RedisServer:
    """The process. Ended on exit, whatever happens in between.

    Args:
        folder: for its socket and its log.
        words: further words of its command line; its configuration file first.
        port: of the loopback interface; 0 for the Unix socket alone.
        prefix: what runs the command, such as `ip netns exec`.
    """

    def __init__(self, folder: Path, *words: str, port: int = 0, tls_port: int = 0, prefix: Sequence[str] = ()) -> None:
        self.path = folder / "redis.sock"
        self.port = port
        self.url = f"unix://{self.path}"
        self._log = folder / "redis.log"
        configuration = [word for word in words[:1] if not word.startswith("--")]
        self._command = [*prefix, program(), *configuration, "--port", str(port), "--unixsocket", str(self.path)]
        self._command += ["--tls-port", str(tls_port)] if tls_port else []
        self._command += ["--save", "", "--dir", str(folder), "--logfile", str(self._log)]
        self._command += words[len(configuration) :]
        self.start()

    def start(self) -> None:
        """Starts it; with nothing in it, as it saves nothing."""
        self.path.unlink(missing_ok=True)
        self.process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        end_s = time.monotonic() + TIMEOUT_S
        while not self._answers():
            assert self.process.poll() is None, self._log.read_text(encoding="utf-8")
            assert time.monotonic() < end_s, "it does not answer"
            time.sleep(0.02)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def kill(self) -> None:
        """At once, as a power cut would."""
        self.process.kill()
        self.process.wait(TIMEOUT_S)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """It takes connections meanwhile (the kernel does), and answers nothing."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def ask(self, *words: str) -> bytes:
        """A command as an administrator gives it, and its answer as it comes (the inline form of RESP)."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(TIMEOUT_S)
            client.connect(str(self.path))
            client.sendall(" ".join(words).encode() + b"\r\nQUIT\r\n")
            answer = b"".join(iter(lambda: client.recv(65_536), b""))
        return answer.removesuffix(b"+OK\r\n")

    def names(self) -> list[str]:
        """Names of everything in it."""
        return sorted(re.findall(r"hallwatch[^\r]+", self.ask("KEYS", "*").decode()))

    @contextmanager
    def watched(self) -> Iterator[list[bytes]]:
        """Everything that anybody says to it meanwhile, as MONITOR shows it; complete when the block has ended."""
        seen: list[bytes] = []
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(TIMEOUT_S)
            client.connect(str(self.path))
            client.sendall(b"MONITOR\r\n")
            assert b"+OK\r\n" == client.recv(5)
            yield seen
            self.ask("ECHO", "the-end-of-the-watch")
            said = b""
            while b"the-end-of-the-watch" not in said:
                said += client.recv(65_536)
            seen.append(said)

    def _answers(self) -> bool:
        try:
            return self.ask("PING").startswith((b"+PONG", b"-NOAUTH"))
        except OSError:
            return False
