"""Tests of the daemon: what it polls, judges, logs and answers, how it reloads, and how it ends."""

import asyncio
import logging
import os
import shutil
import signal
import time
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest

from agent.daemon import MAX_DEFECTS_TOLD, Daemon
from agent.devices.census import Census
from agent.gate.native import NativeGate
from agent.gate.slices import SliceBatch
from agent.lab import crafted
from agent.log import EventLog, LineFormatter
from agent.policy.problems import Problem, RulesError
from agent.shipped import shipped_rules
from agent.sketches.exchange import Exchange
from agent.sketches.place import place_of
from agent.sketches.store import RedisStore
from agent.snapshot import Devices, DeviceScope
from agent.web.site import ReloadRefusedError
from tests.sketches.redis_server import RedisServer

ROOT = Path(__file__).parent.parent
TIMEOUT_S = 20.0


class FedTap:
    """A tap that a test feeds."""

    def __init__(self) -> None:
        self.gate = NativeGate(max_flows=64)
        self.waiting: list[SliceBatch] = []
        self.trouble: str | None = None
        self.defect: Exception | None = None
        self.dropped = 0
        self.lost_chunks = 0
        self.reads = 0

    @property
    def behind(self) -> bool:
        return bool(self.waiting)

    def feed(self, case: str) -> int:
        """Feeds a corner case now; how many frames it has."""
        frames = crafted.CASES[case]()
        self.waiting += [self.gate.feed(frame.data, time_ns=self.now_ns()) for frame in frames]
        return len(frames)

    def read(self) -> SliceBatch:
        self.reads += 1
        if self.defect:
            raise self.defect
        return self.waiting.pop(0) if self.waiting else SliceBatch([], [])

    def now_ns(self) -> int:
        return time.monotonic_ns()

    def dropped_packets(self) -> int:
        return self.dropped

    def problem(self) -> str | None:
        return self.trouble

    def close(self) -> None:
        self.gate.close()


@pytest.fixture
def tap() -> FedTap:
    """Nothing has come yet."""
    return FedTap()


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A copy of the shipped rules, to be changed."""
    return shutil.copytree(shipped_rules(), tmp_path / "rules")


@pytest.fixture
def daemon(tap: FedTap, rules: Path, caplog: pytest.LogCaptureFixture) -> Daemon:
    """Made, not running."""
    caplog.set_level(logging.INFO, "hallwatch")
    return Daemon(tap, rules, EventLog())


def events(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged so far, without the values."""
    return [record.getMessage() for record in caplog.records]


def run(story: Coroutine[None, None, None]) -> None:
    """Runs a story on a loop of its own, within a time."""
    asyncio.run(asyncio.wait_for(story, TIMEOUT_S))


async def until(condition: Callable[[], bool]) -> None:
    """Waits on the loop, for what no event tells of."""
    while not condition():  # noqa: ASYNC110 - what is waited for sets no event
        await asyncio.sleep(0.01)


# ---- Polling and judging


def test_a_poll_and_a_tick(daemon: Daemon, tap: FedTap) -> None:
    """A poll names, and says whether to come again at once; a tick makes the snapshot, with the tap's own counts."""
    frames = tap.feed("tls")
    tap.dropped, tap.lost_chunks = 3, 2
    polls = 0
    while daemon._poll():
        polls += 1
    assert frames - 1 == polls
    assert "no packet has been judged yet" == daemon._why_not_ready()
    daemon._tick()
    snapshot = daemon._snapshot

    assert snapshot is not None
    assert (frames, 3, 2) == (
        snapshot.gate.seen_packets,
        snapshot.gate.dropped_packets,
        snapshot.limits["waiting_slices"],
    )
    assert {("tls", "read"): 1} == snapshot.handshakes
    assert abs(snapshot.time_ns - time.time_ns()) < TIMEOUT_S * 1e9


def test_ticks_make_history(daemon: Daemon, tap: FedTap, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each tick's growth is part of the last hour and of the last seconds, and the limit of that is exported."""
    now_ns = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: now_ns)
    daemon._tick()
    tap.feed("tls")
    while daemon._poll():
        pass
    now_ns += 2_000_000_000
    daemon._tick()
    snapshot = daemon._snapshot
    assert snapshot is not None
    counted = sum(row.counts.bytes for row in snapshot.classes)

    assert counted > 0
    assert counted == sum(sum(line) for line in daemon._history.last_hour().bytes.values())
    assert 2_000_000_000 == daemon._history.recent().span_ns
    assert 0 == snapshot.limits["history_series"]


def test_degraded_and_recovered(daemon: Daemon, tap: FedTap, caplog: pytest.LogCaptureFixture) -> None:
    """Trouble is logged when it begins, when it becomes another, and when it is over; not at every tick."""
    for trouble in (None, None, "tap0 is down", "tap0 is down", "tap0 is gone", None, None):
        tap.trouble = trouble
        daemon._tick()

    assert ["degraded", "degraded", "recovered"] == events(caplog)
    assert ["WARNING", "WARNING", "INFO"] == [record.levelname for record in caplog.records]


def test_readiness(daemon: Daemon, tap: FedTap) -> None:
    """Ready from the first snapshot on, and not while the tap delivers nothing."""
    assert "no packet has been judged yet" == daemon._why_not_ready()
    daemon._tick()
    assert daemon._why_not_ready() is None
    tap.trouble = "tap0 is gone"
    daemon._tick()
    assert "tap0 is gone" == daemon._why_not_ready()


def test_a_packet_that_meets_a_defect(
    daemon: Daemon, tap: FedTap, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends no daemon: each is counted, the first ones are told of by the place and not by what was read, others go on."""

    def broken(*_: object) -> None:
        msg = "www.example.com"
        raise IndexError(msg)

    monkeypatch.setattr("agent.handshake.read_dns_message", broken)
    sent = sum(tap.feed("dns-https") for _ in range(MAX_DEFECTS_TOLD)) + tap.feed("tls")
    while daemon._poll():
        pass
    daemon._tick()
    snapshot = daemon._snapshot

    assert snapshot is not None
    assert snapshot.defects > MAX_DEFECTS_TOLD
    assert {("tls", "read"): 1} == snapshot.handshakes
    assert (sent, 0) == (snapshot.gate.seen_packets, snapshot.gate.missing_packets)
    assert ["introduction_unread"] * MAX_DEFECTS_TOLD == events(caplog)
    line = LineFormatter(journald=True).format(caplog.records[0])
    assert "IndexError" in line
    assert "www.example.com" not in line


# ---- Reloading


def test_reload(daemon: Daemon, caplog: pytest.LogCaptureFixture) -> None:
    """Good rules are in force at once, and the time at which they came is kept."""
    before = daemon._reloaded
    assert "rules loaded" == daemon.reload()

    assert daemon._reloaded.successful
    assert daemon._reloaded.last_success_s > before.last_success_s
    assert daemon._papers.loaded_s == daemon._reloaded.last_success_s
    assert daemon._papers.policy is daemon._pipeline._policy
    assert ["reloaded"] == events(caplog)


def test_a_notice_that_cannot_be_told_of(daemon: Daemon, rules: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A record that cannot be read keeps nobody from counting: the page and the metric tell of it, and so does one line."""
    assert (False, True) == (daemon._reloaded.notice_is_posted, daemon._papers.standing.is_true)
    (rules / "notice-posted.json").write_text("{", encoding="utf-8")
    daemon.reload()

    assert (False, False) == (daemon._reloaded.notice_is_posted, daemon._papers.standing.is_true)
    assert "notice-posted.json: this is not JSON" in daemon._papers.standing.words
    assert ["notice_unreadable", "reloaded"] == events(caplog)
    assert "notice-posted.json: this is not JSON" in LineFormatter(journald=True).format(caplog.records[0])


def test_bad_rules(daemon: Daemon, rules: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Bad ones are refused: the old policy stays, with its time; the log has one line, with the first problem."""
    before, policy = daemon._reloaded, daemon._pipeline._policy
    (rules / "rules.yaml").write_text("rules: nonsense\n", encoding="utf-8")
    with pytest.raises(ReloadRefusedError, match=r"rules\.yaml"):
        daemon.reload()

    assert (False, before.last_success_s) == (daemon._reloaded.successful, daemon._reloaded.last_success_s)
    assert policy is daemon._pipeline._policy
    assert ["reload_refused"] == events(caplog)
    assert 1 == len(caplog.text.splitlines())


def test_rules_that_are_bad_from_the_start(tap: FedTap, tmp_path: Path) -> None:
    """There is no daemon without rules."""
    with pytest.raises(RulesError):
        Daemon(tap, tmp_path, EventLog())


# ---- Running


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ends_when_told_to(
    number: signal.Signals, daemon: Daemon, tap: FedTap, caplog: pytest.LogCaptureFixture
) -> None:
    """What has come by then is still named and counted, and every flow has ended."""

    async def story() -> None:
        running = asyncio.create_task(daemon.run("127.0.0.1", 0))
        await until(lambda: "ready" in events(caplog) and daemon._snapshot is not None)
        tap.feed("http")
        os.kill(os.getpid(), number)
        await running

    run(story())
    assert ["ready", "stopping"] == events(caplog)
    gate = daemon._pipeline.snapshot(0).gate
    assert (len(crafted.CASES["http"]()), 0, 0) == (gate.settled_packets, gate.active_flows, gate.missing_packets)


def test_reload_by_signal(daemon: Daemon, rules: Path, caplog: pytest.LogCaptureFixture) -> None:
    """SIGHUP reloads; bad rules by this way do not end it."""

    async def story() -> None:
        running = asyncio.create_task(daemon.run("127.0.0.1", 0))
        await until(lambda: "ready" in events(caplog))
        os.kill(os.getpid(), signal.SIGHUP)
        await until(lambda: "reloaded" in events(caplog))
        (rules / "rules.yaml").unlink()
        os.kill(os.getpid(), signal.SIGHUP)
        await until(lambda: "reload_refused" in events(caplog))
        os.kill(os.getpid(), signal.SIGTERM)
        await running

    run(story())
    assert ["ready", "reloaded", "reload_refused", "stopping"] == events(caplog)


def test_a_defect_ends_it(daemon: Daemon, tap: FedTap, caplog: pytest.LogCaptureFixture) -> None:
    """It does not go on as if it were counting: whoever started it sees the exception, and starts it anew."""

    async def story() -> None:
        running = asyncio.create_task(daemon.run("127.0.0.1", 0))
        await until(lambda: tap.reads > 2)
        tap.defect = ZeroDivisionError("a defect")
        await running

    with pytest.raises(ZeroDivisionError, match="a defect"):
        run(story())
    assert ["ready", "stopping"] == events(caplog)


def test_polls_faster_when_behind(daemon: Daemon, tap: FedTap) -> None:
    """While slices wait it comes again at once, and still lets the loop do other things in between."""

    async def story() -> None:
        turns = 0
        tap.feed("tls-tiny-segments")
        waiting = len(tap.waiting)
        running = asyncio.create_task(daemon._every(3600, daemon._poll))
        while tap.waiting:
            turns += 1
            await asyncio.sleep(0)
        running.cancel()
        assert waiting > 100
        assert turns >= waiting

    run(story())


# ---- Distinct devices


def test_devices(tap: FedTap, rules: Path, caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    """With a store it counts devices: the snapshot has the tap's number and the district's; the end hands on the rest."""
    caplog.set_level(logging.INFO, "hallwatch")
    with RedisServer(tmp_path) as server:
        census = Census(b"a secret that the whole district shares")
        exchange = Exchange(census, RedisStore(place_of(server.url)), EventLog(), min_devices=1)
        daemon = Daemon(tap, rules, EventLog(), devices=exchange)

        told: list[Devices | None] = []

        async def story() -> None:
            running = asyncio.create_task(daemon.run("127.0.0.1", 0))
            tap.feed("tls")
            await until(lambda: "device_store_reached" in events(caplog))
            daemon._tick()
            told.append(daemon._snapshot.devices if daemon._snapshot else None)
            tap.feed("http")  # of which a tick before the end may tell as well
            os.kill(os.getpid(), signal.SIGTERM)
            await running

        run(story())
        (found,) = told
        kept = server.ask("PFCOUNT", min(server.names()))

    student = DeviceScope("students", "", 4)
    assert found is not None
    assert (True, 1, 1) == (found.store_up, found.tap[student], found.district[student])
    assert ["ready", "device_store_reached", "stopping"] == events(caplog)
    assert 0 == daemon._pipeline.snapshot(0).limits["device_hashes"]
    assert b":2\r\n" == kept


def test_a_defect_of_the_exchange_ends_it(tap: FedTap, rules: Path, caplog: pytest.LogCaptureFixture) -> None:
    """As one of the poller does."""
    caplog.set_level(logging.INFO, "hallwatch")

    class Broken(Exchange):
        async def run(self) -> None:
            raise ZeroDivisionError("a defect")

    store = RedisStore(place_of("redis://127.0.0.1:1"))
    daemon = Daemon(tap, rules, EventLog(), devices=Broken(Census(bytes(32)), store, EventLog(), min_devices=5))
    with pytest.raises(ZeroDivisionError, match="a defect"):
        run(daemon.run("127.0.0.1", 0))
    assert ["ready", "stopping"] == events(caplog)


def test_devices_of_a_reloaded_policy(tap: FedTap, rules: Path) -> None:
    """What is asked of the store are the words of the policy in force; and no reload makes a notice that hides the store."""
    exchange = Exchange(Census(bytes(32)), RedisStore(place_of("redis://127.0.0.1:1")), EventLog(), min_devices=5)
    daemon = Daemon(tap, rules, EventLog(), devices=exchange)
    segments = rules / "segments.yaml"
    assert {"staff", "students", "guests"} == {segment for segment, _ in exchange.cells}
    segments.write_text(segments.read_text() + "  - {id: gym, title: Gym, role: mixed, vlans: [40]}\n")
    with pytest.raises(ReloadRefusedError, match="the notice would not tell that devices are counted in a store"):
        daemon.reload()  # the shipped premises say nothing of a store
    before = exchange.cells
    premises = rules / "premises.yaml"
    premises.write_text(premises.read_text() + "distinct_devices: {where: network room}\n")
    daemon.reload()

    assert {"staff", "students", "guests"} == {segment for segment, _ in before}
    assert ("gym", "unclassified") in exchange.cells


def test_devices_of_a_refused_reload(tap: FedTap, rules: Path) -> None:
    """Rules that are in order stay out of force, also at the store, when the settings beside them are not."""

    def refused() -> tuple[str, ...]:
        raise RulesError([Problem("hallwatch.yaml", 1, "it is wrong", "mend it")])

    exchange = Exchange(Census(bytes(32)), RedisStore(place_of("redis://127.0.0.1:1")), EventLog(), min_devices=5)
    daemon = Daemon(tap, rules, EventLog(), devices=exchange, changed_settings=refused)
    segments = rules / "segments.yaml"
    segments.write_text(segments.read_text() + "  - {id: gym, title: Gym, role: mixed, vlans: [40]}\n")
    with pytest.raises(ReloadRefusedError):
        daemon.reload()

    assert {"staff", "students", "guests"} == {segment for segment, _ in exchange.cells}
