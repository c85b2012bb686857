"""Tests of a web configuration on a live tap, where the privileges to read other users' files are soon gone."""

import os
from base64 import b64encode
from pathlib import Path

from agent.web.passwords import hashed
from tests.live.cable import Cable
from tests.live.lowly import NOBODY
from tests.live.waiting import wait_for
from tests.live.watcher import START_TIMEOUT_S, Watcher
from tests.web.issued import authority


def test_the_thread_that_checks_has_no_power(gate: str, cable: Cable, tmp_path: Path) -> None:
    """It begins long after the start, and has no capability either."""
    configuration = tmp_path / "web.yml"
    configuration.write_text(f"basic_auth_users: {{prometheus: {hashed(b'correct horse', 10)}}}\n")
    with Watcher(cable, tmp_path, gate=gate, web_config=configuration) as watcher:
        wait_for(lambda: "ready" in watcher.events(), START_TIMEOUT_S, watcher.log)
        before = watcher.threads()
        statuses = [
            watcher.ask("GET", "/metrics", {"Authorization": "Basic " + b64encode(credentials).decode()})[0]
            for credentials in (b"prometheus:wrong", b"prometheus:correct horse")
        ]

        assert [401, 200] == statuses
        assert len(before) < len(watcher.threads())
        assert {0} == {int(watcher.status("CapEff", thread), 16) for thread in watcher.threads()}


def test_a_key_that_could_not_be_read_again(gate: str, cable: Cable, tmp_path: Path) -> None:
    """Root reads everybody's files, but not for long: it is told at the start, and not when the certificate is renewed."""
    authority(tmp_path).issue("server", server=True)
    key = tmp_path / "server.key"
    os.chown(key, NOBODY, NOBODY)
    configuration = tmp_path / "web.yml"
    configuration.write_text("tls_server_config: {cert_file: server.pem, key_file: server.key}\n")
    with Watcher(cable, tmp_path, gate=gate, web_config=configuration) as watcher:
        wait_for(lambda: watcher.process.poll() is not None, START_TIMEOUT_S, watcher.log)

        assert 2 == watcher.process.returncode
        assert f"{configuration}:1: {key}: Permission denied" in watcher.log()
