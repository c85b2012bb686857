"""Real faults of a real tap, seen by a real Prometheus: the alert that is meant for each fires, and ends when it is mended."""

import contextlib
import os
import shutil
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.capture.ring import BLOCK_BYTES, RING_BLOCKS
from agent.shipped import shipped_rules
from tests.deploy.prometheus import Prometheus
from tests.live.cable import Cable
from tests.live.sender import Load, Sender
from tests.live.traffic import going_on, introduction, middle
from tests.live.watcher import PORT, Watcher

RATE = 2_000
PAUSE_S = 0.6
"""So long the process is held, and so long it runs again: the scrapes of every half second go on between."""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A copy of the shipped rules, to be changed."""
    return shutil.copytree(shipped_rules(), tmp_path / "rules")


@contextmanager
def watched_by_prometheus(cable: Cable, folder: Path) -> Iterator[Prometheus]:
    """A Prometheus beside the agent, in its namespace."""

    def connect(port: int) -> socket.socket:
        with cable.inside(cable.near):
            return socket.create_connection(("127.0.0.1", port), 10)

    prefix = ("ip", "netns", "exec", cable.near)
    with Prometheus(folder / "prometheus", f"127.0.0.1:{PORT}", prefix=prefix, connect=connect) as made:
        yield made.ready()


@contextmanager
def held_again_and_again(pid: int) -> Iterator[None]:
    """A process that gets the CPU only half of the time, as on a machine that is too busy."""
    stop = threading.Event()

    def hold() -> None:
        while not stop.is_set():
            os.kill(pid, signal.SIGSTOP)
            time.sleep(PAUSE_S)
            os.kill(pid, signal.SIGCONT)
            stop.wait(PAUSE_S)

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def test_tap_silent(gate: str, cable: Cable, sender: Sender, tmp_path: Path) -> None:
    """While traffic comes it is silent; when the traffic stops it fires, and it ends when the traffic is back."""
    load = Load(middle(1, 200))
    with (
        Watcher(cable, tmp_path, gate=gate).ready() as watcher,
        watched_by_prometheus(cable, tmp_path) as prometheus,
    ):
        sender.send(Load(introduction(1)))
        with going_on(sender, load, packets_per_s=RATE):
            prometheus.wait_until_silent("HallwatchTapSilent")
            if gate == "process":
                prometheus.wait_until_fires("HallwatchGateInProcess")
            assert "HallwatchTapSilent" not in prometheus.firing()
        prometheus.wait_until_fires("HallwatchTapSilent")
        with going_on(sender, load, packets_per_s=RATE):
            prometheus.wait_until_silent("HallwatchTapSilent")
        assert ("HallwatchGateInProcess" in prometheus.firing()) == (gate == "process")
        assert 0 == watcher.end()
        prometheus.wait_until_fires("HallwatchDown")


@pytest.mark.parametrize("gate", ["process"], indirect=True)
def test_capture_drops(gate: str, cable: Cable, sender: Sender, tmp_path: Path) -> None:
    """A process that is held while more than its ring arrives loses frames, tells so, and the alert fires."""
    load = Load(middle(1, 500))
    full = Load(load_frames(BLOCK_BYTES * RING_BLOCKS))
    with (
        Watcher(cable, tmp_path, gate=gate).ready() as watcher,
        watched_by_prometheus(cable, tmp_path) as prometheus,
    ):
        with going_on(sender, load, packets_per_s=RATE):
            prometheus.wait_until_silent("HallwatchTapSilent")
            assert "HallwatchCaptureDrops" not in prometheus.firing()
        with held_again_and_again(watcher.process.pid), going_on(sender, full, packets_per_s=0):
            prometheus.wait_until_fires("HallwatchCaptureDrops")
        assert watcher.scrape()("hallwatch_capture_dropped_packets_total") > 0


@pytest.mark.parametrize("gate", ["kernel"], indirect=True)
def test_table_full(gate: str, cable: Cable, sender: Sender, tmp_path: Path) -> None:
    """More flows than rows: it fires."""
    flows = [frame for number in range(2_000) for frame in introduction(number)[:1]]
    with (
        Watcher(cable, tmp_path, gate=gate, max_flows=1024).ready(),
        watched_by_prometheus(cable, tmp_path) as prometheus,
        going_on(sender, Load(flows), packets_per_s=RATE),
    ):
        prometheus.wait_until_fires("HallwatchTableFull")
        prometheus.wait_until_fires("HallwatchTableFilling")


@pytest.mark.parametrize("gate", ["process"], indirect=True)
def test_reload_failed(gate: str, cable: Cable, tmp_path: Path, rules: Path) -> None:
    """Rules with a mistake, and SIGHUP: it fires, and ends with the next good ones."""
    file = rules / "rules.yaml"
    good = file.read_text("utf-8")
    with (
        Watcher(cable, tmp_path, gate=gate, rules=rules).ready() as watcher,
        watched_by_prometheus(cable, tmp_path) as prometheus,
    ):
        assert "HallwatchReloadFailed" not in prometheus.firing()
        file.write_text(good.replace("verdict: review", "verdict: forbidden", 1), encoding="utf-8")
        watcher.process.send_signal(signal.SIGHUP)
        prometheus.wait_until_fires("HallwatchReloadFailed")
        file.write_text(good, encoding="utf-8")
        watcher.process.send_signal(signal.SIGHUP)
        prometheus.wait_until_silent("HallwatchReloadFailed")


def load_frames(octets: int) -> list[bytes]:
    """Frames of some 8 kB, so many octets together, of one connection that is under way."""
    frame = middle(1, 1)[0]
    large = frame + bytes(8_000 - len(frame))
    return [large] * (octets // len(large))
