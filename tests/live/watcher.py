"""`hallwatch run` as a process in a namespace: started, asked over HTTP, read from its log, and ended."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from prometheus_client.parser import text_string_to_metric_families

from tests.live.cable import TAP, Cable
from tests.live.waiting import wait_for

ROOT = Path(__file__).parent.parent.parent
START_TIMEOUT_S = 60.0
"""Importing and loading the program take one or two seconds on an idle machine."""
TIMEOUT_S = 20.0
PORT = 10484
"""In the namespace, so nobody else has it."""


class Scrape:
    """One answer of /metrics."""

    def __init__(self, text: str) -> None:
        self._samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]

    def __call__(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples that have these labels."""
        return sum(
            sample.value
            for sample in self._samples
            if sample.name == name and all(sample.labels.get(key) == value for key, value in labels.items())
        )

    @property
    def seen(self) -> int:
        """Frames that the gate has seen."""
        return int(self("hallwatch_gate_seen_packets_total"))

    @property
    def unaccounted(self) -> tuple[int, int]:
        """Frames and bytes that the accounts cannot explain."""
        return int(self("hallwatch_gate_unaccounted_packets")), int(self("hallwatch_gate_unaccounted_bytes"))


class Watcher:
    """The process. Ended on exit, whatever happens in between."""

    def __init__(
        self,
        cable: Cable,
        folder: Path,
        *,
        gate: str = "kernel",
        rules: Path | None = None,
        max_flows: int = 16_384,
        web_config: Path | None = None,
        prefix: Sequence[str] = (),
        listen: str = "127.0.0.1",
        words: Sequence[str] = (),
    ) -> None:
        self._cable = cable
        self.log_file = folder / f"log-{time.monotonic_ns()}"
        command = [*prefix, sys.executable, "-m", "agent", "run", "-i", TAP, "--gate", gate]
        command += ["--max-flows", str(max_flows), "--web.listen-address", f"{listen}:{PORT}", *words]
        command += ["--rules", str(rules)] if rules else []
        command += ["--web.config.file", str(web_config)] if web_config else []
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(
                ["ip", "netns", "exec", cable.near, *command], cwd=ROOT, stdout=log, stderr=log, env=_environment()
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(TIMEOUT_S)

    def ready(self) -> Self:
        """Waits until it has judged once."""
        wait_for(lambda: self.process.poll() is not None or "ready" in self.events(), START_TIMEOUT_S, self.log)
        assert self.process.poll() is None, self.log()
        wait_for(lambda: self.ask("GET", "/-/ready")[0] == 200, TIMEOUT_S, self.log)
        return self

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Sends a signal; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(TIMEOUT_S)

    def ask(self, method: str, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, str]:
        """An HTTP request: the status and the body."""
        client = http.client.HTTPConnection("127.0.0.1", PORT, timeout=TIMEOUT_S)
        with self._cable.inside(self._cable.near):
            client.sock = socket.create_connection(("127.0.0.1", PORT), TIMEOUT_S)
        try:
            client.request(method, path, headers=headers or {})
            answer = client.getresponse()
            return answer.status, answer.read().decode()
        finally:
            client.close()

    def scrape(self) -> Scrape:
        """What /metrics says."""
        status, text = self.ask("GET", "/metrics")
        assert status == 200, text
        return Scrape(text)

    def counted(self, packets: int) -> Scrape:
        """Waits until so many frames are seen, and returns that scrape; never more, never fewer."""
        wait_for(lambda: self.scrape().seen >= packets, TIMEOUT_S, lambda: f"{self.scrape().seen} of {packets} seen")
        found = self.scrape()
        assert packets == found.seen
        return found

    def log(self) -> str:
        """All lines so far."""
        return self.log_file.read_text(encoding="utf-8")

    def events(self) -> list[str]:
        """The events so far, without their values."""
        lines = (line.split(" ", 3) for line in self.log().splitlines())
        return [words[2] for words in lines if len(words) > 2]

    def status(self, what: str, task: str = "") -> str:
        """A line of /proc/PID/status, or of one thread's."""
        folder = Path("/proc", str(self.process.pid), *(("task", task) if task else ()))
        lines = (folder / "status").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith(f"{what}:"))

    def threads(self) -> list[str]:
        """Identifiers of its threads."""
        return os.listdir(f"/proc/{self.process.pid}/task")  # noqa: PTH208 (names, not paths)


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("JOURNAL", "NOTIFY", "OPENBLAS"))}
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1"}
