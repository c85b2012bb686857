"""Tests of `hallwatch run` on a tap: it counts what is sent, says where its gate stands, and ends when told to."""

import signal
from pathlib import Path

import pytest

from tests.live.cable import Cable
from tests.live.sender import Load, Sender
from tests.live.traffic import going_on, introduction, middle
from tests.live.waiting import wait_for
from tests.live.watcher import TIMEOUT_S, Watcher

RATE = 50_000


def test_counts_what_is_sent(gate: str, cable: Cable, sender: Sender, tmp_path: Path) -> None:
    """Frames and bytes to the last one; the gate that was asked for; nothing unaccounted for, also in mid-traffic."""
    load = Load(middle(1, 1000))
    with Watcher(cable, tmp_path, gate=gate).ready() as watcher:
        sender.send(Load(introduction(1)))
        with going_on(sender, load, packets_per_s=RATE):
            during = [watcher.scrape() for _ in range(40)]
        after = watcher.counted(sender.sent_packets)

        assert {(0, 0)} == {scrape.unaccounted for scrape in during}
        assert (0, 0) == after.unaccounted
        assert sender.sent_packets == after("hallwatch_gate_packets_total", outcome="settled")
        octets = after("hallwatch_sent_bytes_total") + after("hallwatch_received_bytes_total")
        assert (sender.sent_bytes, 1) == (octets, after("hallwatch_flows_total"))
        assert 0 == after("hallwatch_capture_dropped_packets_total")
        assert 1 == after("hallwatch_gate_info", gate=gate)
        assert 0 == watcher.end()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ends_when_told_to(number: signal.Signals, gate: str, cable: Cable, tmp_path: Path) -> None:
    """Either signal ends it cleanly, with code 0 and one last line."""
    with Watcher(cable, tmp_path, gate=gate).ready() as watcher:
        assert 0 == watcher.end(number)
        assert ["attached", "ready", "stopping"] == watcher.events()


def test_killed_and_started_again(gate: str, cable: Cable, sender: Sender, tmp_path: Path) -> None:
    """kill -9 with traffic running leaves nothing behind: the next one starts from nothing and counts."""
    load = Load(middle(1, 500))
    with going_on(sender, load, packets_per_s=RATE):
        with Watcher(cable, tmp_path, gate=gate).ready() as watcher:
            assert -signal.SIGKILL == watcher.end(signal.SIGKILL)
        with Watcher(cable, tmp_path, gate=gate).ready() as watcher:
            wait_for(lambda: watcher.scrape().seen > 0, TIMEOUT_S, watcher.log)
            assert 0 == watcher.end()
