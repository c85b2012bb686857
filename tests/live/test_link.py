"""Tests of a link that goes down, and of an interface that goes away: counting goes on by itself when they are back."""

import time
from pathlib import Path

import pytest

from agent.daemon import TICK_S
from agent.now import Now
from agent.now_document import read
from tests.live.cable import SWITCH, Cable
from tests.live.sender import Load, Sender
from tests.live.traffic import going_on, introduction, middle
from tests.live.waiting import wait_for
from tests.live.watcher import TIMEOUT_S, Watcher

RATE = 20_000
DOWN_S = 1.2
"""Longer than a tick, so that the daemon has seen it."""
LOAD = 500


def test_a_link_that_goes_down(gate: str, cable: Cable, sender: Sender, tmp_path: Path) -> None:
    """With traffic running: told once when it goes and once when it is back, and from then on every frame counts."""
    load = Load(middle(1, LOAD))
    with Watcher(cable, tmp_path, gate=gate).ready() as watcher:
        with going_on(sender, load, packets_per_s=RATE):
            cable.set_tap("down")
            wait_for(lambda: "degraded" in watcher.events(), TIMEOUT_S, watcher.log)
            assert (503, True) == (watcher.ask("GET", "/-/ready")[0], "tap0 is down" in watcher.log())
            time.sleep(DOWN_S)
            cable.set_tap("up")
            wait_for(lambda: "recovered" in watcher.events(), TIMEOUT_S, watcher.log)
        assert 200 == watcher.ask("GET", "/-/ready")[0]
        wait_for(lambda: at_rest(watcher), TIMEOUT_S, watcher.log)
        counts_on(watcher, sender)
        assert ["attached", "ready", "degraded", "recovered"] == watcher.events()
        assert 0 == watcher.end()


@pytest.mark.parametrize("gate", ["kernel"], indirect=True)
def test_a_cable_that_is_pulled(gate: str, cable: Cable, sender: Sender, tmp_path: Path) -> None:
    """The link is down because the other end is: told in the same way."""
    del sender
    with Watcher(cable, tmp_path, gate=gate).ready() as watcher:
        cable.set_switch("down")
        wait_for(lambda: "degraded" in watcher.events(), TIMEOUT_S, watcher.log)
        cable.set_switch("up")
        wait_for(lambda: "recovered" in watcher.events(), TIMEOUT_S, watcher.log)
        assert ["attached", "ready", "degraded", "recovered"] == watcher.events()


def test_an_interface_that_is_made_anew(gate: str, cable: Cable, sender: Sender, tmp_path: Path) -> None:
    """Removed, and made again under its name: bound again, without any privilege, behind the same gate."""
    with Watcher(cable, tmp_path, gate=gate).ready() as watcher:
        sender.send(Load(introduction(1)))
        watcher.counted(sender.sent_packets)
        cable.pull_out()
        wait_for(lambda: "degraded" in watcher.events(), TIMEOUT_S, watcher.log)
        cable.plug_in()
        wait_for(lambda: "recovered" in watcher.events(), TIMEOUT_S, watcher.log)
        with cable.inside(cable.far):
            again = Sender(SWITCH)
        counts_on(watcher, again)
        again.close()

        assert 0 == int(watcher.status("CapEff"), 16)
        assert "tap0 is gone" in watcher.log()
        assert 1 == watcher.scrape()("hallwatch_flows_total")
        assert ["attached", "ready", "degraded", "recovered"] == watcher.events()


def test_an_interface_made_anew_within_a_tick(gate: str, cable: Cable, tmp_path: Path) -> None:
    """Nobody saw it go, and it has the old one's index: it is bound again all the same."""
    with Watcher(cable, tmp_path, gate=gate).ready() as watcher:
        index = cable.tap_index()
        cable.pull_out()
        cable.plug_in(index)
        assert index == cable.tap_index()
        with cable.inside(cable.far):
            again = Sender(SWITCH)
        wait_for(lambda: comes_through(watcher, again), TIMEOUT_S, watcher.log)
        again.close()


def comes_through(watcher: Watcher, sender: Sender) -> bool:
    """Whether something that is sent now is seen within a tick."""
    before = watcher.scrape().seen
    sender.send(Load(middle(1, 1)))
    time.sleep(1.1)
    return watcher.scrape().seen > before


def counts_on(watcher: Watcher, sender: Sender) -> None:
    """Asserts that from now on every frame that is sent is counted, and nothing that is not."""
    before = watcher.scrape().seen
    sender.send(Load(middle(1, LOAD)))
    assert (0, 0) == watcher.counted(before + LOAD).unaccounted


def at_rest(watcher: Watcher) -> bool:
    """Whether nothing new was seen from one tick to the next, however late a busy machine comes to it."""
    before = now(watcher)
    wait_for(lambda: now(watcher).time_s > before.time_s + TICK_S, TIMEOUT_S, watcher.log)
    return before.gate.seen_packets == now(watcher).gate.seen_packets


def now(watcher: Watcher) -> Now:
    """What the newest tick saw."""
    status, body = watcher.ask("GET", "/now.json")
    assert 200 == status, body
    return read(body.encode())
