"""promtool, of Debian's package prometheus: run for a test, which is skipped aloud where it is absent."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

TIMEOUT_S = 100.0
"""A few seconds of work, on a machine that may have much else to do."""
IN_MEMORY = Path("/dev/shm")
"""Each of promtool's tests has a database of its own, which nobody wants on a disk."""


def promtool(*words: str | Path, told: bytes | None = None) -> subprocess.CompletedProcess[str]:
    """Runs it.

    Args:
        words: of its command line.
        told: its standard input.

    Returns:
        What came of it; output and errors are in `stdout`.
    """
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("NO promtool HERE (Debian: prometheus): what only Prometheus itself can tell is not checked")
    done = subprocess.run(
        [program, *words],
        input=told,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=TIMEOUT_S,
        env={**os.environ, **({"TMPDIR": str(IN_MEMORY)} if IN_MEMORY.is_dir() else {})},
        check=False,
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), "")
