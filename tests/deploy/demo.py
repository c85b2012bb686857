"""`hallwatch run --demo` as a process, with rules under which everything occurs that is exported."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agent.rules_location import shipped_rules
from tests.live.waiting import wait_for

ROOT = Path(__file__).parent.parent.parent
TIMEOUT_S = 60.0


@contextmanager
def demo(folder: Path, *words: str) -> Iterator[str]:
    """Runs it while the block does; HOST:PORT where it listens. `words` are further options."""
    rules = shutil.copytree(shipped_rules(), folder / "rules")
    text = (rules / "rules.yaml").read_text("utf-8")
    changed = text.replace("    verdict: incidental\n", "    verdict: incidental\n    allowance: {bytes: 1 kB}\n")
    assert text != changed
    (rules / "rules.yaml").write_text(changed, encoding="utf-8")
    log_file = folder / "demo-log"
    command = [sys.executable, "-m", "agent", "run", "--demo", "--rules", str(rules), "--min-devices", "2"]
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            [*command, "--web.listen-address", "127.0.0.1:0", *words],
            cwd=ROOT,
            stdout=log,
            stderr=log,
            env=_environment(),
        )
    try:
        wait_for(
            lambda: process.poll() is not None or b" ready " in log_file.read_bytes(),
            TIMEOUT_S,
            lambda: log_file.read_text("utf-8"),
        )
        told = re.search(r"url=\W*http://([0-9.:]+)/", log_file.read_text("utf-8"))
        assert told, log_file.read_text("utf-8")
        yield told[1]
    finally:
        process.terminate()
        process.wait(TIMEOUT_S)


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("JOURNAL", "NOTIFY"))}
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1"}
