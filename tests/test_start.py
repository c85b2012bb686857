"""Tests of the start: the demo runs and ends, what fails says so in a line, and a real tap has nothing of the lab."""

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from agent import log
from agent.cli.main import main
from agent.shipped import shipped_rules
from agent.start import run_demo

ROOT = Path(__file__).parent.parent


def events(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged so far, without the values."""
    return [record.getMessage() for record in caplog.records]


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """The test's own logging stays."""
    caplog.set_level(logging.INFO, "hallwatch")
    monkeypatch.setattr(log, "set_up", lambda _level: None)


@pytest.mark.usefixtures("quiet")
def test_the_demo(caplog: pytest.LogCaptureFixture) -> None:
    """It runs without root, says where it listens, and ends with code 0."""

    def end() -> None:
        while "ready" not in events(caplog):
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    ending = threading.Thread(target=end)
    ending.start()
    assert 0 == run_demo(policy_directory=shipped_rules(), host="127.0.0.1", port=0, seed=1)
    ending.join()
    assert ["ready", "stopping"] == events(caplog)


@pytest.mark.usefixtures("quiet")
def test_a_port_that_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    """One line says which address, and the code is that of a failure."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert 1 == main(["run", "--demo", f"--web.listen-address=127.0.0.1:{port}"])

    said = capsys.readouterr().err
    assert 1 == len(said.splitlines())
    assert str(port) in said
    assert "address already in use" in said


def test_a_real_tap_has_nothing_of_the_lab() -> None:
    """What makes traffic (scapy, which also writes caches into the home of its user) is imported for the demo alone."""
    code = "import sys, agent.start; print([name for name in sys.modules if 'scapy' in name or 'agent.lab' in name])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert "[]\n" == done.stdout
