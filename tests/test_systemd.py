"""What a service manager hears, over real sockets."""

import logging
import os
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from agent import systemd
from agent.log import EventLog
from agent.systemd import STATUS_S, ServiceManager


class Manager:
    """A service manager's end of the socket."""

    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.settimeout(0)

    def heard(self) -> list[str]:
        """Every datagram so far."""
        found = []
        while True:
            try:
                found.append(self.socket.recv(4096).decode())
            except BlockingIOError:
                return found


@pytest.fixture
def path(tmp_path: Path) -> str:
    """Where the manager listens."""
    return str(tmp_path / "notify")


@pytest.fixture
def manager(path: str) -> Iterator[Manager]:
    """Listening."""
    made = Manager(path)
    yield made
    made.socket.close()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, in seconds; a test turns it."""
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def service(path: str, **more: str) -> ServiceManager:
    """A service that was started with this environment."""
    return ServiceManager(EventLog(), {"NOTIFY_SOCKET": path, **more})


def test_ready_and_stopping(path: str, manager: Manager) -> None:
    """The words of sd_notify(3)."""
    told = service(path)
    told.ready()
    told.stopping()
    told.close()
    told.ready()

    assert ["READY=1", "STOPPING=1"] == manager.heard()


def test_abstract_address() -> None:
    """A name that begins with @ is in no file system (unix(7))."""
    name = f"hallwatch-test-{secrets.token_hex(8)}"
    manager = Manager(f"\0{name}")
    told = service(f"@{name}")
    told.ready()

    assert ["READY=1"] == manager.heard()
    told.close()
    manager.socket.close()


@pytest.mark.parametrize("fails", [False, True])
def test_reloading(fails: bool, path: str, manager: Manager) -> None:
    """With the time at which it began; and ready again, also when it was refused."""
    told = service(path)
    before = time.monotonic_ns() // 1000
    with pytest.raises(ZeroDivisionError) if fails else nullcontext(), told.reloading():
        heard = manager.heard()
        assert 1 / (not fails)
    word, _, stamp = heard[0].partition("\nMONOTONIC_USEC=")

    assert (1, "RELOADING=1") == (len(heard), word)
    assert before <= int(stamp) <= time.monotonic_ns() // 1000
    assert ["READY=1"] == manager.heard()
    told.close()


def test_status(path: str, manager: Manager, clock: list[float]) -> None:
    """At once, then at most every few seconds, and never the same again."""
    told = service(path)
    wanted, said = [], []
    for text in ("a", "b", "b", "b", "c", "c", "c"):
        wanted.append(told.wants_status)
        told.status(text)
        said.append(manager.heard())
        clock[0] += STATUS_S / 2
    told.close()

    assert [True, False, True, False, True, False, True] == wanted
    assert [["STATUS=a"], [], ["STATUS=b"], [], ["STATUS=c"], [], []] == said


def test_watchdog(path: str, manager: Manager, clock: list[float]) -> None:
    """However often the service says that it is alive, the manager hears it four times in its period."""
    told = service(path, WATCHDOG_USEC="8000000", WATCHDOG_PID=str(os.getpid()))
    for _ in range(80):
        told.alive()
        clock[0] += 0.1
    told.close()

    assert ["WATCHDOG=1"] * 4 == manager.heard()


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"WATCHDOG_USEC": ""},
        {"WATCHDOG_USEC": "0"},
        {"WATCHDOG_USEC": "soon"},
        {"WATCHDOG_USEC": "-4"},
        {"WATCHDOG_USEC": "8000000", "WATCHDOG_PID": str(os.getppid())},
        {"WATCHDOG_USEC": "8000000", "WATCHDOG_PID": ""},
    ],
)
def test_no_watchdog(environment: dict[str, str], path: str, manager: Manager) -> None:
    """None that was asked for, or one that was asked of another process."""
    told = service(path, **environment)
    told.alive()
    told.close()

    assert [] == manager.heard()


def test_watchdog_without_pid(path: str, manager: Manager) -> None:
    """Without WATCHDOG_PID whoever is asked is meant (sd_watchdog_enabled(3))."""
    told = service(path, WATCHDOG_USEC="8000000")
    told.alive()
    told.close()

    assert ["WATCHDOG=1"] == manager.heard()


def test_environment(path: str, manager: Manager) -> None:
    """A child does not inherit what would let it speak for the service."""
    environment = {"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "8000000", "WATCHDOG_PID": "1", "HOME": "/"}
    ServiceManager(EventLog(), environment).close()

    assert {"HOME": "/"} == environment
    assert [] == manager.heard()


def test_the_process_environment(monkeypatch: pytest.MonkeyPatch, path: str, manager: Manager) -> None:
    """Without another one it is that of the process."""
    monkeypatch.setenv("NOTIFY_SOCKET", path)
    told = ServiceManager(EventLog())
    told.ready()
    told.close()

    assert "NOTIFY_SOCKET" not in os.environ
    assert ["READY=1"] == manager.heard()


def test_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """In a terminal there is no manager, and nothing to say about it."""
    told = ServiceManager(EventLog(), {})
    told.ready()
    told.alive()
    assert not told.wants_status
    told.status("x")
    with told.reloading():
        pass
    told.stopping()
    told.close()

    assert [] == caplog.messages


def test_an_address_of_another_kind(caplog: pytest.LogCaptureFixture) -> None:
    """vsock is for virtual machines as a whole: said once, and then silence."""
    told = service("vsock:2:1")
    told.ready()

    assert ["service_manager_unknown"] == caplog.messages


def test_a_manager_that_is_away(path: str, caplog: pytest.LogCaptureFixture) -> None:
    """It is told of once, and when there is one again; the service goes on meanwhile."""
    caplog.set_level(logging.INFO, "hallwatch")
    told = service(path)
    told.ready()
    told.ready()
    manager = Manager(path)
    told.ready()
    told.ready()
    told.close()
    manager.socket.close()

    assert ["service_manager_unreachable", "service_manager_reached_again"] == caplog.messages


def test_a_manager_that_is_stuck(
    path: str, manager: Manager, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes again does not wait for it, and what is said once waits for a bounded time."""
    told = service(path, WATCHDOG_USEC="8000000")
    monkeypatch.setattr(systemd, "SEND_TIMEOUT_S", 0.01)
    monkeypatch.setattr(told, "_beat_s", 1e-9)
    for _ in range(100_000):
        told.alive()
        if caplog.messages:
            break
    told.close()

    assert ["service_manager_unreachable"] == caplog.messages
    assert {"WATCHDOG=1"} == set(manager.heard())
