"""What systemd and the journal hear of a daemon: its watchdog is fed by real work, and no line tells of a person."""

import asyncio
import io
import ipaddress
import logging
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent import log
from agent.daemon import TICK_S, Daemon
from agent.lab.day import school_day
from agent.log import EventLog, JournalHandler
from agent.shipped import shipped_rules
from agent.systemd import ServiceManager
from agent.web.site import ReloadRefusedError
from tests.test_daemon import FedTap, run, until

ROOT = Path(__file__).parent.parent
PATIENCE_S = 30.0
OFTEN_USEC = "400000"
"""A watchdog's period: four times in it, so at every tick, the daemon may say that it is alive."""

STALLING = """
import signal, sys, time
from agent.capture.demo import DemoTap
from agent.cli.main import main

read = DemoTap.read
stalled = []

def stalled_read(tap):
    while stalled:
        time.sleep(0.1)
    return read(tap)

DemoTap.read = stalled_read
signal.signal(signal.SIGUSR1, lambda *_: stalled.append(True))
sys.exit(main(["run", "--demo", "--web.listen-address", "127.0.0.1:0"]))
"""


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    """The service manager's socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind(str(tmp_path / "notify"))
        made.settimeout(0)
        yield made


@pytest.fixture
def tap() -> FedTap:
    """Nothing has come yet."""
    return FedTap()


@pytest.fixture
def daemon(tap: FedTap, tmp_path: Path, manager: socket.socket) -> Iterator[Daemon]:
    """Made under that manager, not running; its rules can be spoilt."""
    del manager
    environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": OFTEN_USEC}
    told = ServiceManager(EventLog(), environment)
    rules = shutil.copytree(shipped_rules(), tmp_path / "rules")
    yield Daemon(tap, rules, EventLog(), manager=told, watching="tap0")
    told.close()


def heard(manager: socket.socket) -> list[str]:
    """What the manager has heard so far."""
    found = []
    while select.select([manager], [], [], 0)[0]:
        found.append(manager.recv(4096).decode())
    return found


def beats(manager: socket.socket) -> int:
    """How often it has heard that the service is alive."""
    return heard(manager).count("WATCHDOG=1")


# ---- The watchdog


def test_fed_by_a_poll_and_a_tick(daemon: Daemon, manager: socket.socket) -> None:
    """Neither ticks alone nor polls alone put it off."""
    found = []
    for rounds in ((daemon._tick,), (daemon._poll, daemon._poll), (daemon._tick,), (daemon._tick,)):
        time.sleep(float(OFTEN_USEC) / 1e6 / 4)  # the manager need not hear of it more often
        for work in rounds:
            work()
        found.append(beats(manager))

    assert [0, 0, 1, 0] == found


def test_not_fed_by_a_tap_that_loses_all(
    daemon: Daemon, tap: FedTap, manager: socket.socket, caplog: pytest.LogCaptureFixture
) -> None:
    """Polls and ticks go round, and yet nothing of what comes is counted: that is said, and systemd may end it."""
    daemon._poll()
    daemon._tick()
    heard(manager)
    tap.dropped = 7
    time.sleep(float(OFTEN_USEC) / 1e6 / 4)
    daemon._poll()
    daemon._tick()

    assert 0 == beats(manager)
    assert "packets are dropped and none is seen" == daemon._why_not_ready()
    assert ["degraded"] == caplog.messages


def test_an_idle_tap_and_a_link_that_is_down(daemon: Daemon, tap: FedTap, manager: socket.socket) -> None:
    """Another start would not mend either of them: the watchdog is fed all night."""
    tap.trouble = "interface tap0 is down"
    for _ in range(3):
        time.sleep(float(OFTEN_USEC) / 1e6 / 4)
        daemon._poll()
        daemon._tick()

    assert 3 == beats(manager)


def test_a_loop_that_stands_still(manager: socket.socket, tmp_path: Path) -> None:
    """A real process whose capture hangs: it is silent from then on, and SIGABRT, systemd's word, shows where it hangs."""
    environment = {**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": OFTEN_USEC}
    environment.pop("WATCHDOG_PID", None)
    manager.settimeout(PATIENCE_S)
    with (tmp_path / "log").open("w+", encoding="utf-8") as said:
        service = subprocess.Popen([sys.executable, "-c", STALLING], cwd=ROOT, env=environment, stderr=said)
        try:
            words: list[str] = []
            while words.count("WATCHDOG=1") < 3:
                words.append(manager.recv(4096).decode())
            service.send_signal(signal.SIGUSR1)
            time.sleep(TICK_S)  # one tick may still have been on its way
            heard(manager)
            time.sleep(5 * TICK_S)
            silent = heard(manager)
            assert service.poll() is None
            service.send_signal(signal.SIGABRT)
            service.wait(PATIENCE_S)
        finally:
            service.kill()
            service.wait(PATIENCE_S)
        said.seek(0)
        log_text = said.read()

    assert "READY=1" in words
    assert words.index("READY=1") < words.index("WATCHDOG=1")
    assert [] == silent
    assert -signal.SIGABRT == service.returncode
    assert "Fatal Python error: Aborted" in log_text
    assert " in stalled_read\n" in log_text


# ---- The other words


def test_from_start_to_end(daemon: Daemon, tap: FedTap, tmp_path: Path, manager: socket.socket) -> None:
    """Ready, a status, two reloads of which one is refused, and the end; each in its place."""
    frames = tap.feed("tls")

    async def story() -> None:
        running = asyncio.create_task(daemon.run("127.0.0.1", 0))
        await until(lambda: daemon._snapshot is not None)
        os.kill(os.getpid(), signal.SIGHUP)
        await until(lambda: daemon._reloaded.last_success_s > started)
        (tmp_path / "rules" / "rules.yaml").unlink()
        with pytest.raises(ReloadRefusedError):
            daemon.reload()
        os.kill(os.getpid(), signal.SIGTERM)
        await running

    started = daemon._reloaded.last_success_s
    run(story())
    words = [text.partition("\n")[0] for text in heard(manager)]
    status = [text for text in words if text.startswith("STATUS=")]

    assert [f"STATUS=process gate on tap0: 0 dropped, {int(frames > 0)} flows"] == status
    others = [text for text in words if text != "WATCHDOG=1" and text not in status]
    assert ["READY=1", *(["RELOADING=1", "READY=1"] * 2), "STOPPING=1"] == others


def test_a_storm_of_signals(daemon: Daemon, manager: socket.socket) -> None:
    """Signals that come at once are one reload: each takes 0.1 s and more, in which nothing would be polled."""

    async def story() -> None:
        running = asyncio.create_task(daemon.run("127.0.0.1", 0))
        await until(lambda: daemon._snapshot is not None)
        for _ in range(20):
            os.kill(os.getpid(), signal.SIGHUP)
        await until(lambda: daemon._reloaded.last_success_s > started)
        os.kill(os.getpid(), signal.SIGTERM)
        await running

    started = daemon._reloaded.last_success_s
    run(story())
    assert 1 == sum(text.startswith("RELOADING=1") for text in heard(manager))


def test_status_of_a_refused_reload(daemon: Daemon, tmp_path: Path, manager: socket.socket) -> None:
    """It stands in the status line until a reload is taken."""
    (tmp_path / "rules" / "rules.yaml").unlink()
    with pytest.raises(ReloadRefusedError):
        daemon.reload()
    daemon._tick()

    assert any(text.startswith("STATUS=") and "refused" in text for text in heard(manager))


# ---- Nobody is named


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Callable[[], bytes]]:
    """Everything that is logged, at its most talkative, as journald gets it."""
    root = logging.getLogger()
    level, handlers, hook = root.level, root.handlers[:], sys.excepthook
    received = b""

    def read() -> bytes:
        nonlocal received
        while select.select([journald], [], [], 0)[0]:
            received += journald.recv(1 << 20)
        return received

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journald:
        journald.bind(str(tmp_path / "journal"))
        root.handlers.clear()
        log.set_up("debug", stream=io.StringIO(), journald=True, journal=str(tmp_path / "journal"))
        yield read
        for handler in root.handlers:
            if isinstance(handler, JournalHandler):  # the others are pytest's
                handler.close()
    root.setLevel(level)
    root.handlers[:], sys.excepthook = handlers, hook


def test_no_person_in_log_or_status(
    daemon: Daemon, tap: FedTap, tmp_path: Path, manager: socket.socket, journal: Callable[[], bytes]
) -> None:
    """A day goes by with all that can go wrong: no name that was visited and no address of the day is told."""
    now_ns = tap.now_ns()
    day = school_day(seed=7, flows=150, start_ns=now_ns, duration_ns=1_000_000)
    names, addresses = set(), set()
    for frame in day.frames():
        tap.waiting.append(tap.gate.feed(frame.data, time_ns=frame.time_ns))
        daemon._poll()
    for truth in day.truths:
        names |= {name for name in (truth.hostname, truth.outer_name) if name}
        addresses |= {str(ipaddress.ip_address(end)) for end in (truth.ends.client, truth.ends.server) if end}
    daemon._tick()
    tap.trouble = "interface tap0 is down"
    daemon._tick()
    daemon.reload()
    (tmp_path / "rules" / "rules.yaml").unlink()
    with pytest.raises(ReloadRefusedError):
        daemon.reload()
    try:
        dict[str, int]()[min(names)]  # such as a defect of a parser, which holds what it read
    except KeyError as error:
        EventLog().defect("answer_failed")
        sys.excepthook(KeyError, error, error.__traceback__)
    daemon._pipeline.finish(time.time_ns())
    told = journal().decode(errors="replace") + "".join(heard(manager))

    assert daemon._snapshot is not None
    assert daemon._snapshot.gate.seen_packets > 1000
    assert len(names) > 20
    assert len(addresses) > 20
    for event in ("degraded", "reloaded", "reload_refused", "answer_failed", "defect"):
        assert f"HALLWATCH_EVENT={event}\n" in told
    assert [] == sorted(text for text in names | addresses if text in told)
