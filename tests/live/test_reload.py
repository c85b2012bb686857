"""Tests of a reload in mid-traffic: the verdict changes, the count goes on, flows stay what they are, memory is flat."""

import shutil
from pathlib import Path

import pytest

from agent.shipped import shipped_rules
from tests.live.cable import Cable
from tests.live.sender import Load, Sender
from tests.live.traffic import going_on, introduction, middle
from tests.live.waiting import wait_for
from tests.live.watcher import TIMEOUT_S, Watcher

RATE = 30_000
RELOADS = 100
WARM_UP_RELOADS = 10
"""Caches and the allocator's arenas have reached their size by then."""
MAX_GROWTH_KIB = 4 * 1024
"""Policies that are kept weigh some 1,400 KiB each, so 100 of them some 140,000."""
SENT, RECEIVED = "hallwatch_sent_packets_total", "hallwatch_received_packets_total"


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A copy of the shipped rules, to be changed."""
    return shutil.copytree(shipped_rules(), tmp_path / "rules")


def judge_as(rules: Path, verdict: str) -> None:
    """What no rule speaks of, the traffic of these tests among it, has this verdict from the next load on."""
    file = rules / "rules.yaml"
    text = file.read_text(encoding="utf-8")
    before, mark, after = text.rpartition("default:\n  verdict: ")
    assert mark
    file.write_text(f"{before}{mark}{verdict}\n{after.partition(chr(10))[2]}", encoding="utf-8")


def packets(watcher: Watcher, verdict: str) -> float:
    """Frames that were counted under a verdict."""
    found = watcher.scrape()
    return found(SENT, verdict=verdict) + found(RECEIVED, verdict=verdict)


def reload_state(watcher: Watcher) -> bool:
    """Whether the newest attempt succeeded, as of the last snapshot."""
    return watcher.scrape()("hallwatch_config_last_reload_successful") == 1


def test_in_mid_traffic(gate: str, cable: Cable, sender: Sender, tmp_path: Path, rules: Path) -> None:
    """From the next tick on the new verdict counts; no frame is lost, and the flow is the same flow."""
    with Watcher(cable, tmp_path, gate=gate, rules=rules).ready() as watcher:
        sender.send(Load(introduction(1)))
        with going_on(sender, Load(middle(1, 500)), packets_per_s=RATE):
            wait_for(lambda: packets(watcher, "permitted") > 0, TIMEOUT_S, watcher.log)
            assert 0 == packets(watcher, "review")
            judge_as(rules, "review")
            assert 200 == watcher.ask("POST", "/-/reload")[0]
            wait_for(lambda: packets(watcher, "review") > 0, TIMEOUT_S, watcher.log)
            permitted = packets(watcher, "permitted")
            wait_for(lambda: packets(watcher, "review") > RATE, TIMEOUT_S, watcher.log)
        after = watcher.counted(sender.sent_packets)

        assert (permitted, sender.sent_packets - permitted) == (
            packets(watcher, "permitted"),
            packets(watcher, "review"),
        )
        assert (0, 0) == after.unaccounted
        assert (1, 1) == (after("hallwatch_flows_total"), after("hallwatch_flows_total", verdict="permitted"))
        assert 1 == after("hallwatch_config_last_reload_successful")
        assert ["attached", "ready", "reloaded"] == watcher.events()


def test_bad_rules(gate: str, cable: Cable, sender: Sender, tmp_path: Path, rules: Path) -> None:
    """They are refused with the reason, by metric and by one line; the old ones stay until better ones are loaded."""
    with Watcher(cable, tmp_path, gate=gate, rules=rules).ready() as watcher:
        sender.send(Load(introduction(1)))
        judge_as(rules, "forbidden")
        status, text = watcher.ask("POST", "/-/reload")
        wait_for(lambda: not reload_state(watcher), TIMEOUT_S, watcher.log)
        sender.send(Load(middle(1, 100)))
        watcher.counted(sender.sent_packets)

        assert status >= 400
        assert "forbidden" in text
        assert sender.sent_packets == packets(watcher, "permitted")
        judge_as(rules, "review")
        assert 200 == watcher.ask("POST", "/-/reload")[0]
        wait_for(lambda: reload_state(watcher), TIMEOUT_S, watcher.log)
        assert ["attached", "ready", "reload_refused", "reloaded"] == watcher.events()


@pytest.mark.parametrize("gate", ["kernel"], indirect=True)
def test_a_hundred_in_a_row(gate: str, cable: Cable, sender: Sender, tmp_path: Path) -> None:
    """Under load: no frame uncounted, and no memory kept."""

    def resident_kib() -> int:
        return int(watcher.status("VmRSS").split()[0])

    def reload() -> None:
        assert 200 == watcher.ask("POST", "/-/reload")[0]

    with Watcher(cable, tmp_path, gate=gate).ready() as watcher:
        sender.send(Load(introduction(1)))
        with going_on(sender, Load(middle(1, 500)), packets_per_s=RATE):
            for _ in range(WARM_UP_RELOADS):
                reload()
            before_kib = resident_kib()
            for _ in range(RELOADS):
                reload()
            growth_kib = resident_kib() - before_kib
        after = watcher.counted(sender.sent_packets)

        assert growth_kib <= MAX_GROWTH_KIB, f"{growth_kib} KiB more than the {before_kib} KiB of before"
        assert (0, 0) == after.unaccounted
        assert 1 == after("hallwatch_flows_total")
        assert ["attached", "ready", *["reloaded"] * (WARM_UP_RELOADS + RELOADS)] == watcher.events()
