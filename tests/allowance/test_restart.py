"""The daemon and its state file: written while it runs, read when it starts, and no reason to stop when it is bad."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from agent import daemon
from agent.allowance.allowances import DaySoFar
from agent.allowance.day import day_of
from agent.allowance.state_file import read_state, write_state
from agent.daemon import STATE_FILE, Daemon
from agent.gate.slices import SliceBatch
from agent.lab.frames import Frame
from agent.log import EventLog
from agent.snapshot import IncidentalUse
from tests.allowance.school import connection, device
from tests.policy.conftest import FILES
from tests.quiet_tap import QuietTap

STAFF = ("staff", "social_networking")
BEFORE = IncidentalUse((9, 9, 0, 0, 0, 0), 7)
RULES = {
    **FILES,
    "rules.yaml": """\
rules:
  - id: staff-social
    who: [staff]
    what: {categories: [social_networking]}
    verdict: incidental
    allowance: {bytes: 1 kB}
    clause: "4.2"
    because: It is tolerated.
default:
  verdict: permitted
  because: No rule speaks of it.
""",
}


class PlayedTap(QuietTap):
    """A tap whose next read is of the frames that wait."""

    def __init__(self) -> None:
        super().__init__(max_flows=1024)
        self.waiting: list[Frame] = []

    def read(self) -> SliceBatch:
        waiting, self.waiting = self.waiting, []
        return self.play(waiting)


class Heard(EventLog):
    """A log that a test can read."""

    def __init__(self) -> None:
        super().__init__("test")
        self.events: list[str] = []

    def info(self, event: str, /, **values: object) -> None:
        self.events.append(event)
        super().info(event, **values)

    def warning(self, event: str, /, **values: object) -> None:
        self.events.append(event)
        super().warning(event, **values)


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """Returns a directory of rules with an allowance of a thousand bytes for staff's social networking."""
    for name, content in RULES.items():
        path = tmp_path / "rules" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return tmp_path / "rules"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Returns the directory for the state."""
    (tmp_path / "state").mkdir()
    return tmp_path / "state"


@pytest.fixture
def start(rules: Path, state: Path) -> Iterator[Callable[..., tuple[Daemon, PlayedTap, list[str]]]]:
    """Returns what makes a daemon over a quiet tap, and lets a test hear its log."""
    taps: list[PlayedTap] = []

    def make(*, min_devices: int = 5) -> tuple[Daemon, PlayedTap, list[str]]:
        tap, log = PlayedTap(), Heard()
        taps.append(tap)
        return Daemon(tap, rules, log, state=state, min_devices=min_devices), tap, log.events

    yield make
    for tap in taps:
        tap.close()


def today() -> str:
    return day_of(time.time_ns(), ZoneInfo("America/New_York")).name


def told(running: Daemon) -> dict[tuple[str, str], IncidentalUse]:
    """What the newest snapshot tells after a tick."""
    running._poll()
    running._tick()
    assert running._snapshot is not None
    return dict(running._snapshot.incidental)


def test_from_rule_to_file(start: Callable[..., tuple[Daemon, PlayedTap, list[str]]], state: Path) -> None:
    """Six of staff exceed what the rule allows: the snapshot tells so, the file too, and so does the next daemon,
    once, though the same six go on.
    """
    for _ in range(2):
        running, tap, events = start()
        now_ns = time.time_ns()
        for number in range(6):
            tap.waiting += connection(device(number), [now_ns], vlan=10, name="www.twitter.com")
        uses = {STAFF: IncidentalUse((6, 0, 0, 0, 0, 0), 6)}

        assert uses == told(running)
        running._write_state()
        assert DaySoFar(today(), uses) == read_state(state / STATE_FILE)
        assert [] == events


def test_it_is_written_now_and_then(
    start: Callable[..., tuple[Daemon, PlayedTap, list[str]]], state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tick writes the file when its time has come, and not before."""
    running, _, _ = start()
    told(running)
    early = (state / STATE_FILE).exists()
    monkeypatch.setattr(running, "_next_state_s", time.monotonic())
    told(running)

    assert (False, True) == (early, (state / STATE_FILE).exists())
    assert running._next_state_s > time.monotonic() + daemon.STATE_S / 2


def test_bad_state(start: Callable[..., tuple[Daemon, PlayedTap, list[str]]], state: Path) -> None:
    """A damaged file is told of and left out; the next one that is written is right again."""
    (state / STATE_FILE).write_bytes(b'{"format": 1, "da')
    running, _, events = start()
    found = told(running)
    running._write_state()

    assert ({}, ["state_refused"]) == (found, events)
    assert DaySoFar(today()) == read_state(state / STATE_FILE)


def test_yesterdays_state(start: Callable[..., tuple[Daemon, PlayedTap, list[str]]], state: Path) -> None:
    """Numbers of another day are no numbers of today."""
    write_state(state / STATE_FILE, DaySoFar("2026-01-01", {STAFF: BEFORE}))
    yesterday = told(start()[0])
    write_state(state / STATE_FILE, DaySoFar(today(), {STAFF: BEFORE}))

    assert ({}, {STAFF: BEFORE}) == (yesterday, told(start()[0]))


def test_a_disk_that_refuses(start: Callable[..., tuple[Daemon, PlayedTap, list[str]]], state: Path) -> None:
    """It is told of once, nothing stops, and it is told when it is over."""
    running, _, events = start()
    told(running)
    state.rmdir()
    for _ in range(3):
        running._write_state()
    state.mkdir()
    for _ in range(2):
        running._write_state()

    assert ["state_not_written", "state_written_again"] == events
    assert "cells" in json.loads((state / STATE_FILE).read_bytes())


def test_nothing_to_tell_yet(start: Callable[..., tuple[Daemon, PlayedTap, list[str]]], state: Path) -> None:
    """A daemon that ends before its first tick leaves the file as it found it."""
    write_state(state / STATE_FILE, DaySoFar(today(), {STAFF: BEFORE}))
    start()[0]._write_state()

    assert DaySoFar(today(), {STAFF: BEFORE}) == read_state(state / STATE_FILE)


def test_without_a_state_directory(rules: Path) -> None:
    """Without one nothing is read and nothing is written."""
    tap, log = PlayedTap(), Heard()
    running = Daemon(tap, rules, log)
    told(running)
    running._write_state()
    tap.close()

    assert [] == log.events
