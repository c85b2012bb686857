"""Tests of the exchange: two taps, one real store, and what becomes of the numbers when either of them fails."""

import asyncio
import codecs
import logging
from collections.abc import Callable, Coroutine
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest

from agent.log import EventLog
from agent.sketches.exchange import CLOSE_S, KEPT_AFTER_S, MAX_BACKOFF_S, PERIOD_S, Exchange
from agent.sketches.place import place_of
from agent.sketches.store import RedisStore
from agent.snapshot import Devices
from tests.allowance.test_promise import traces
from tests.devices.tapped_devices import ALL, DAY_NS, NAMED, SECRET, SEGMENT, CountedTap, device
from tests.sketches.redis_server import RedisServer

CELLS = {(SEGMENT, "named"), (SEGMENT, "news"), ("vlan 11", "named")}


@pytest.fixture(autouse=True)
def logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """What is logged, from INFO on."""
    caplog.set_level(logging.INFO, "hallwatch")
    return caplog


class Agent:
    """A tap and its exchange with a store."""

    def __init__(
        self, server: RedisServer, *, secret: bytes = SECRET, min_devices: int = 1, password: str | None = None
    ) -> None:
        self.tap = CountedTap(secret)
        self.store = RedisStore(replace(place_of(server.url), user="somebody" if password else None), password=password)
        self.exchange = Exchange(self.tap.census, self.store, EventLog(), min_devices=min_devices)
        self.exchange.cells = CELLS
        self.tap.tick()

    @property
    def told(self) -> Devices:
        return self.exchange.told()


def run(story: Callable[[], Coroutine[None, None, None]], *agents: Agent) -> None:
    """A story, after which every agent lets its store go."""

    async def whole() -> None:
        try:
            await story()
        finally:
            for agent in agents:
                await agent.store.close()

    asyncio.run(whole())


def events(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged so far, without the values."""
    return [record.getMessage() for record in caplog.records]


def test_two_taps(server: RedisServer) -> None:
    """600 devices and 600, of which both have seen 200: 1,000, within 2 %, told by both; each its own to the last one."""
    one, other = Agent(server), Agent(server)
    one.tap.use(*map(device, range(600)))
    other.tap.use(*map(device, range(400, 1000)))

    async def story() -> None:
        for agent in (one, other, one):
            await agent.exchange.once()

    run(story, one, other)
    assert {ALL: 600, NAMED: 600} == one.told.tap == other.told.tap
    assert one.told.district == other.told.district
    assert {ALL: pytest.approx(1000, rel=0.02), NAMED: pytest.approx(1000, rel=0.02)} == one.told.district


def test_another_secret_is_another_district(server: RedisServer) -> None:
    """Their sketches do not meet: neither tells a number that has the other's devices in it."""
    one, stranger = Agent(server), Agent(server, secret=SECRET + b"!")
    one.tap.use(*map(device, range(10)))
    stranger.tap.use(*map(device, range(7)))

    async def story() -> None:
        for agent in (one, stranger, one):
            await agent.exchange.once()

    run(story, one, stranger)
    assert (10, 7) == (one.told.district[ALL], stranger.told.district[ALL])


def test_a_tap_tells_what_only_another_has_seen(server: RedisServer) -> None:
    """After a restart at noon the morning's numbers are there at once, though this agent has seen nothing of it."""
    morning, noon = Agent(server), Agent(server)
    morning.tap.use(*map(device, range(10)))
    noon.tap.use(device(3), vlan=11)

    async def story() -> None:
        await morning.exchange.once()
        await noon.exchange.once()

    run(story, morning, noon)
    assert 10 == noon.told.district[ALL]
    assert ALL not in noon.told.tap


def test_before_the_first_tick(server: RedisServer, logged: pytest.LogCaptureFixture) -> None:
    """Without a day there is nothing to say or to ask, and nothing is claimed of the store."""
    one = Agent(server)
    one.exchange.census = CountedTap().census
    with server.watched() as seen:
        run(one.exchange.once, one)

    assert b"PF" not in seen[0]
    assert Devices(store_up=False) == one.told
    assert [] == events(logged)


def test_few_are_not_told(server: RedisServer) -> None:
    """Neither of this tap nor of the district."""
    one = Agent(server, min_devices=5)

    async def story() -> None:
        one.tap.use(*map(device, range(4)))
        await one.exchange.once()
        assert Devices(store_up=True) == one.told
        one.tap.use(device(4), port=50_001)
        await one.exchange.once()
        assert Devices(True, {ALL: 5, NAMED: 5}, {ALL: 5, NAMED: 5}) == one.told

    run(story, one)


def test_labels_are_words_of_the_policy(server: RedisServer) -> None:
    """A sketch that somebody else puts into the store becomes no series."""
    one = Agent(server)
    one.tap.use(device(1))
    prefix = f"hallwatch:devices:{one.tap.census.mark}:2026-11-23"

    async def story() -> None:
        for name in (f"{prefix}:10.20.0.1:ip4", f"{prefix}:{SEGMENT}:ip4:ann".replace(" ", "_")):
            server.ask("PFADD", name, "x")
        await one.exchange.once()

    run(story, one)
    assert {ALL, NAMED} == set(one.told.district)


# ---- What the store sees


def test_the_store_sees_no_address(server: RedisServer) -> None:
    """Not in what is said to it, not in the names of its keys, and not in what it keeps; hashes it sees."""
    one = Agent(server)
    addresses = [*map(device, range(0x5101, 0x5141)), *(bytes.fromhex("fd485757") + bytes(10) + device(9)[2:],)]
    one.tap.use(*addresses)
    hashes = [digest for known in one.tap.census._known.values() for digest in known]
    with server.watched() as seen:
        run(one.exchange.once, one)
    said = codecs.escape_decode(seen[0])[0]
    kept = b"".join(server.ask(command, key) for key in server.names() for command in ("GET", "DUMP"))

    assert [] == [digest for digest in hashes if digest not in said]
    assert [] == [digest for digest in hashes if digest in kept]
    for address in addresses:
        for place in (said, kept, "\n".join(server.names()).encode()):
            assert [] == [trace for trace in traces(address) if trace in place], ip_address(address)


def test_names_and_ends(server: RedisServer) -> None:
    """A sketch is called after district, day, segment, version and category, and ends a day after its day."""
    one = Agent(server)
    one.tap.use(device(1))
    run(one.exchange.once, one)
    prefix = f"hallwatch:devices:{one.tap.census.mark}:2026-11-23:{SEGMENT}:ip4"
    end_s = one.tap.census.today.end_ns // 10**9 + KEPT_AFTER_S

    assert [prefix, f"{prefix}:named"] == server.names()
    assert f":{end_s}\r\n".encode() == server.ask("EXPIRETIME", f'"{prefix}"')


# ---- Midnight


def test_midnight(server: RedisServer) -> None:
    """The old day's number is not told as the new one's, not even until the next exchange; then all begins anew."""
    one = Agent(server)

    async def story() -> None:
        one.tap.use(*map(device, range(10)))
        await one.exchange.once()
        assert 10 == one.told.district[ALL]
        one.tap.tick_at(one.tap.now_ns + DAY_NS)
        assert Devices(store_up=True) == one.told
        one.tap.use(*map(device, range(3)), time_ns=one.tap.now_ns, port=50_001)
        await one.exchange.once()
        assert 3 == one.told.district[ALL]

    run(story, one)
    assert 4 == len(server.names())


# ---- Failures


def test_killed_and_back(server: RedisServer, logged: pytest.LogCaptureFixture) -> None:
    """What it lost it is given again, with what came meanwhile; the log says that it went, why, and that it is back."""
    one = Agent(server)

    async def story() -> None:
        one.tap.use(*map(device, range(200)))
        await one.exchange.once()
        server.kill()
        one.tap.use(*map(device, range(200, 300)), port=50_001)
        for _ in range(3):
            await one.exchange.once()
            assert Devices(False, {ALL: 300, NAMED: 300}, {}) == one.told
        server.start()
        assert [] == server.names()
        await one.exchange.once()

    run(story, one)
    assert {ALL: pytest.approx(300, rel=0.02), NAMED: pytest.approx(300, rel=0.02)} == one.told.district
    assert ["device_store_reached", *["device_store_lost"] * 2, "device_store_reached"] == events(
        logged
    )  # cut, refused


def test_a_store_that_is_stopped_stops_nothing_else(server: RedisServer) -> None:
    """While it does not answer, the loop does everything else as before; no number of the district is told."""
    one = Agent(server)

    async def story() -> None:
        one.tap.use(device(1))
        await one.exchange.once()
        with server.frozen():
            waiting = asyncio.ensure_future(one.exchange.once())
            turns = 0
            while not waiting.done():
                await asyncio.sleep(0.01)
                turns += 1
                one.tap.use(device(turns), port=50_000 + turns)
        assert turns > 10
        assert (False, {}, turns) == (one.told.store_up, one.told.district, one.told.tap[ALL])
        one.tap.use(*map(device, range(1, 201)))  # of a few, one more or less would be more than 2 %
        await one.exchange.once()
        assert one.told.district[ALL] == pytest.approx(max(turns, 200), rel=0.02)

    run(story, one)


def test_a_password_is_not_logged(tmp_path: Path, logged: pytest.LogCaptureFixture) -> None:
    """Neither is the user; where the store is, is."""
    with RedisServer(tmp_path, "--requirepass", "right") as server:
        one = Agent(server, password="hunter2")
        run(one.exchange.once, one)

    said = " ".join(str(vars(record)) for record in logged.records)
    assert ["device_store_lost"] == events(logged)
    assert str(server.path) in said
    assert [] == [word for word in ("hunter2", "somebody", "right", SECRET.decode()) if word in said]


def test_pauses(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes every few seconds; to a store that is away less and less often, and soon again when it is back."""
    one, pauses = Agent(server), list[float]()
    what_happens = {2: server.kill, 9: server.start}

    async def sleep(pause_s: float) -> None:
        pauses.append(pause_s)
        what_happens.get(len(pauses), lambda: None)()
        if len(pauses) == 12:
            raise asyncio.CancelledError

    monkeypatch.setattr(asyncio, "sleep", sleep)
    with pytest.raises(asyncio.CancelledError):
        run(one.exchange.run, one)

    assert [5, 5, 10, 20, 40, 60, 60, 60, 60, 5, 5, 5] == pauses
    assert (PERIOD_S, MAX_BACKOFF_S) == (5, 60)


def test_the_end(server: RedisServer) -> None:
    """What has come since the last exchange is handed on before the program ends."""
    one, other = Agent(server), Agent(server)

    async def story() -> None:
        await one.exchange.once()
        one.tap.use(*map(device, range(5)))
        await one.exchange.close()
        other.tap.use(device(1))
        await other.exchange.once()

    run(story, other)
    assert 5 == other.told.district[ALL]


def test_an_exchange_that_is_cut_off(server: RedisServer) -> None:
    """What was on its way when the program was told to end is handed on all the same."""
    one, other = Agent(server), Agent(server)

    async def story() -> None:
        await one.exchange.once()
        one.tap.use(*map(device, range(5)))
        with server.frozen():
            under_way = asyncio.ensure_future(one.exchange.once())
            await asyncio.sleep(0.2)
            under_way.cancel()
            await asyncio.wait({under_way})
        assert one.tap.census.next_batch(1) is None
        await one.exchange.close()
        other.tap.use(device(1))
        await other.exchange.once()

    run(story, other)
    assert 5 == other.told.district[ALL]


@pytest.mark.parametrize("was_up", [True, False])
def test_the_end_is_not_held_up(
    was_up: bool, server: RedisServer, logged: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that is slow then has a moment, however many batches are left; one that was away already is not asked."""
    monkeypatch.setattr("agent.sketches.store.TIMEOUT_S", 60.0)
    one = Agent(server)

    async def story() -> None:
        if was_up:
            await one.exchange.once()
        one.tap.use(device(1))
        with server.frozen():
            await asyncio.wait_for(one.exchange.close(), 2 * CLOSE_S + 5)

    run(story)
    assert (["device_store_reached", "device_store_lost"] if was_up else []) == events(logged)


def test_all_that_a_policy_knows(server: RedisServer) -> None:
    """Four thousand cells are asked for in steps between which the loop does other things."""
    one = Agent(server)
    one.exchange.cells = {(f"s{i}", f"c{j}") for i in range(100) for j in range(20)}
    one.tap.use(device(1))

    async def story() -> None:
        waiting = asyncio.ensure_future(one.exchange.once())
        turns = 0
        while not waiting.done():
            await asyncio.sleep(0)
            turns += 1
        assert turns > 2 * 100 * 21 / 128

    run(story, one)
    assert one.told.store_up
    assert {} == one.told.district
