"""A real Prometheus in a hub: started with a configuration of the test's, and asked by PromQL."""

import http.client
import json
import shutil
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlencode

import pytest

from tests.live.cable import Cable
from tests.live.hub import Hub
from tests.live.waiting import wait_for

PORT: Final = 9090
"""In the hub's namespace, so nobody else has it."""
TIMEOUT_S: Final = 20.0

_CONFIGURATION: Final = """\
global: {scrape_interval: 1s, evaluation_interval: 1s}
scrape_configs:
  - job_name: hallwatch
    static_configs:
"""


class Prometheus:
    """The process. Ended on exit, whatever happens in between.

    Args:
        hub: where it stands.
        way: by which the test enters the hub's namespace.
        folder: for its data.
        targets: addresses with ports, each with its site; all are of the district "example".
    """

    def __init__(self, hub: Hub, way: Cable, folder: Path, targets: Mapping[str, str]) -> None:
        if shutil.which("prometheus") is None:
            pytest.skip("NO prometheus HERE: what a Prometheus makes of two agents is not checked")
        self._hub, self._way = hub, way
        self._log = folder / "prometheus.log"
        configuration = folder / "prometheus.yml"
        lines = [
            f'      - {{targets: ["{target}"], labels: {{district: example, site: {site}}}}}\n'
            for target, site in targets.items()
        ]
        configuration.write_text(_CONFIGURATION + "".join(lines), encoding="utf-8")
        command = [
            *hub.prefix,
            "prometheus",
            f"--config.file={configuration}",
            f"--storage.tsdb.path={folder / 'tsdb'}",
        ]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*command, f"--web.listen-address=127.0.0.1:{PORT}"], stdout=log, stderr=log
            )

    def __enter__(self) -> Self:
        wait_for(self._ready, TIMEOUT_S, lambda: self._log.read_text(encoding="utf-8"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait(TIMEOUT_S)

    def ask(self, query: str) -> dict[tuple[str, ...], float]:
        """What a query gives now: values of the labels, in the order of their names, to the number."""
        answer = json.loads(self._get(f"/api/v1/query?{urlencode({'query': query})}"))
        assert answer["status"] == "success", answer
        return {
            tuple(value for _, value in sorted(one["metric"].items())): float(one["value"][1])
            for one in answer["data"]["result"]
        }

    def _ready(self) -> bool:
        try:
            return "Ready" in self._get("/-/ready")
        except OSError:
            return False

    def _get(self, path: str) -> str:
        client = http.client.HTTPConnection("127.0.0.1", PORT, timeout=TIMEOUT_S)
        with self._way.inside(self._hub.namespace):
            client.sock = socket.create_connection(("127.0.0.1", PORT), TIMEOUT_S)
        try:
            client.request("GET", path)
            return client.getresponse().read().decode()
        finally:
            client.close()
