"""Python code -> a process that has run it and stands still, so that a test can search its memory."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def another(code: str, *arguments: str) -> Iterator[int]:
    """Runs code in a process of its own; its PID, once the code was run."""
    process = subprocess.Popen(
        [sys.executable, "-c", f"import sys\n{code}\nprint(flush=True)\nsys.stdin.readline()", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with process:
        assert process.stdout is not None
        assert b"\n" == process.stdout.readline()
        try:
            yield process.pid
        finally:
            process.kill()
