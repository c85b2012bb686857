"""`hallwatch run --demo` as a process on a free port of this machine, for tests of who looks at an agent."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

ROOT = Path(__file__).parent.parent
START_TIMEOUT_S = 60.0
"""Importing what makes the traffic takes a second or two on an idle machine."""


@contextmanager
def demo(folder: Path, *options: str) -> Iterator[str]:
    """The agent's URL, once it has judged; the process is ended on leaving, whatever happened in between."""
    log = folder / "demo.log"
    line = [sys.executable, "-m", "agent", "run", "--demo", "--web.listen-address", "127.0.0.1:0", *options]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("JOURNAL", "NOTIFY"))}
    with log.open("wb") as file:
        process = subprocess.Popen(line, cwd=ROOT, stdout=file, stderr=file, env=kept)
    try:
        yield _url(process, log)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(20)


def _url(process: subprocess.Popen[bytes], log: Path) -> str:
    until = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < until and process.poll() is None:
        found = re.search(r" ready url=(\S+)", log.read_text("utf-8"))
        if found and _is_ready(found[1]):
            return found[1]
        time.sleep(0.1)
    raise AssertionError(f"the demo did not start: {log.read_text('utf-8')}")


def _is_ready(url: str) -> bool:
    try:
        with urlopen(f"{url}-/ready", timeout=10) as answer:
            return bool(answer.status == 200)
    except URLError:
        return False
