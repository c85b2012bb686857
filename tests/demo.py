"""`hallwatch run --demo` as a process on a free port of this machine, for tests of who looks at an agent."""

import os
import re
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

ROOT = Path(__file__).parent.parent
START_TIMEOUT_S = 60.0
"""Importing what makes the traffic takes a second or two on an idle machine."""


NO_HEADERS: Mapping[str, str] = {}


@contextmanager
def demo(
    folder: Path, *options: str, context: ssl.SSLContext | None = None, headers: Mapping[str, str] = NO_HEADERS
) -> Iterator[str]:
    """The agent's URL, once it has judged; the process is ended on leaving, whatever happened in between.

    Args:
        folder: for its log.
        options: of `hallwatch run`, in addition.
        context: to ask it whether it is ready, where it speaks TLS.
        headers: of that question, where it asks for a password.
    """
    log = folder / "demo.log"
    line = [sys.executable, "-m", "agent", "run", "--demo", "--web.listen-address", "127.0.0.1:0", *options]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("JOURNAL", "NOTIFY"))}
    with log.open("wb") as file:
        process = subprocess.Popen(line, cwd=ROOT, stdout=file, stderr=file, env=kept)
    try:
        yield _url(process, log, lambda url: _is_ready(Request(f"{url}-/ready", headers=dict(headers)), context))
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(20)


def _url(process: subprocess.Popen[bytes], log: Path, is_ready: Callable[[str], bool]) -> str:
    until = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < until and process.poll() is None:
        found = re.search(r" ready url=(\S+)", log.read_text("utf-8"))
        if found and is_ready(found[1]):
            return found[1]
        time.sleep(0.1)
    raise AssertionError(f"the demo did not start: {log.read_text('utf-8')}")


def _is_ready(question: Request, context: ssl.SSLContext | None) -> bool:
    try:
        with urlopen(question, timeout=10, context=context) as answer:
            return bool(answer.status == 200)
    except URLError:
        return False
