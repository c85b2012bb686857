"""The configuration and rules as shipped, in quick motion -> a Prometheus that runs with them, and what it answers.

A test cannot wait for an hour. So every duration is made short by its place and nothing else is changed: see QUICK.
"""

import http.client
import json
import re
import shutil
import socket
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlencode

import pytest

from agent.cli.run import DEFAULT_LISTEN
from tests.free_port import free_port
from tests.live.waiting import wait_for

SHIPPED: Final = Path(__file__).parent.parent.parent / "deploy" / "prometheus"
TIMEOUT_S: Final = 30.0

WINDOW_S: Final = 8
"""Sixteen scrapes: no rate is without data, and what has ended is forgotten soon."""
QUICK: Final = (
    (r"(_interval): \d+[smhdw]\b", r"\1: 500ms"),
    (r"\bfor: \d+[smhdw]\b", "for: 2s"),
    (r"\[\d+[smhdw]\]", f"[{WINDOW_S}s]"),
    (r"\boffset \d+[smhdw]\b", f"offset {WINDOW_S}s"),
)
"""Where a duration stands in a file -> what stands there in a test."""

OF_DEVICES: Final = (
    "district_segment_family:hallwatch_district_devices:max",
    "district_segment_category_family:hallwatch_district_category_devices:max",
    "hallwatch_device_store_up",
)
"""These need agents with a store in common, which a demo has not: tests/live/test_district.py asks for them."""

OF_WEB_CONFIG: Final = (
    "hallwatch_web_config_last_reload_successful",
    "hallwatch_web_certificate_expiry_timestamp_seconds",
)
"""These need a listener with a web configuration: tests/web/test_prometheus_scrape.py sees their alerts ring."""

Connect = Callable[[int], socket.socket]
Labels = Mapping[str, str]


def in_quick_motion(text: str) -> str:
    """The text of a configuration, or of rules, with short durations."""
    for shape, short in QUICK:
        text = re.sub(shape, short, text)
    return text


def as_asked(query: str) -> str:
    """A dashboard's query as Grafana would send it, with "all" chosen everywhere and a short time shown."""
    chosen = re.sub(r"\$(district|site|instance)\b", ".*", query)
    return in_quick_motion(re.sub(r"\$__(range|rate_interval)", f"{WINDOW_S}s", chosen))


def _connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), TIMEOUT_S)


class Prometheus:
    """A process of its own, ended on exit whatever happens in between. Skips the test where there is no Prometheus.

    Args:
        folder: for its configuration and data.
        target: HOST:PORT of the agent, in place of the shipped one.
        prefix: what to put before the command, to have it in a namespace.
        connect: opens a connection to a port where it runs.
        config: the text of a configuration in place of the shipped one; it is put into quick motion as well.
    """

    def __init__(
        self,
        folder: Path,
        target: str,
        *,
        prefix: tuple[str, ...] = (),
        connect: Connect = _connect,
        config: str | None = None,
    ) -> None:
        program = shutil.which("prometheus")
        if program is None:
            pytest.skip("NO prometheus HERE (Debian: prometheus): that rules and dashboards find data is not checked")
        self._connect = connect
        self._port = free_port()
        self._log_file = folder / "log"
        folder.mkdir(parents=True, exist_ok=True)
        if config is None:
            config = (SHIPPED / "prometheus.yml").read_text("utf-8")
            assert DEFAULT_LISTEN in config
            config = config.replace(DEFAULT_LISTEN, target)
        (folder / "prometheus.yml").write_text(in_quick_motion(config), encoding="utf-8")
        for name in ("recording.yml", "alerts.yml"):
            (folder / name).write_text(in_quick_motion((SHIPPED / name).read_text("utf-8")), encoding="utf-8")
        command = [*prefix, program, f"--config.file={folder / 'prometheus.yml'}"]
        command += [f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address=127.0.0.1:{self._port}"]
        with self._log_file.open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(TIMEOUT_S)

    def ready(self) -> Self:
        """Waits until it answers, and has scraped."""
        wait_for(lambda: self._process.poll() is not None or self._is_ready(), TIMEOUT_S, self.log)
        assert self._process.poll() is None, self.log()
        wait_for(lambda: bool(self.ask("up == 1")), TIMEOUT_S, self.log)
        return self

    def ask(self, query: str) -> list[tuple[Labels, float]]:
        """An instant query: labels and value of each series.

        Raises:
            AssertionError: Prometheus refuses the query; with its words.
        """
        found = self._get(f"/api/v1/query?{urlencode({'query': query})}")
        assert found["resultType"] in {"vector", "scalar"}, query
        if found["resultType"] == "scalar":
            return [({}, float(found["result"][1]))]
        return [(sample["metric"], float(sample["value"][1])) for sample in found["result"]]

    def has(self, query: str) -> bool:
        """Whether an instant query has any answer."""
        return bool(self.ask(query))

    def rules(self) -> list[dict[str, Any]]:
        """Every rule with its state, health and last error."""
        return [rule for group in self._get("/api/v1/rules")["groups"] for rule in group["rules"]]

    def firing(self) -> set[str]:
        """Names of the alerts that fire now."""
        return {
            alert["labels"]["alertname"]
            for alert in self._get("/api/v1/alerts")["alerts"]
            if alert["state"] == "firing"
        }

    def wait_until_fires(self, alert: str) -> None:
        """Waits until it fires; fails with what fires instead."""
        wait_for(lambda: alert in self.firing(), TIMEOUT_S, lambda: f"{alert} does not fire, but {self.firing()}")

    def wait_until_silent(self, alert: str) -> None:
        """Waits until it no longer fires."""
        wait_for(lambda: alert not in self.firing(), TIMEOUT_S, lambda: f"{alert} still fires")

    def log(self) -> str:
        return self._log_file.read_text("utf-8", errors="replace")

    def _is_ready(self) -> bool:
        try:
            return self._request("/-/ready")[0] == 200
        except OSError:
            return False

    def _get(self, path: str) -> Any:
        status, body = self._request(path)
        answer = json.loads(body)
        assert status == 200, f"{path}: {answer}"
        return answer["data"]

    def _request(self, path: str) -> tuple[int, bytes]:
        client = http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT_S)
        client.sock = self._connect(self._port)
        try:
            client.request("GET", path)
            answer = client.getresponse()
            return answer.status, answer.read()
        finally:
            client.close()
