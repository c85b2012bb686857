"""A running daemon keeps records only under an authorisation, and stops by itself when that ends."""

import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent.authority.log_files import log_files
from agent.authority.recorder import open_recorder
from agent.authority.store import RECORDS
from agent.daemon import Daemon
from agent.gate.slices import SliceBatch
from agent.lab.crafted import NAME, tls
from agent.log import EventLog
from agent.notice.files import records_days
from agent.shipped import shipped_rules
from tests.authority.examples import DAY, SECOND, Office, network
from tests.quiet_tap import QuietTap


@dataclass(slots=True)
class Clock:
    """Nanoseconds since the epoch."""

    now_ns: int


LONG_AGO_NS = 400 * SECOND
"""Flows that ended so long ago are idle at once."""


class PastTap(QuietTap):
    """A tap whose flows have just ended."""

    def __init__(self) -> None:
        super().__init__(max_flows=64)

    def feed(self, flow_number: int) -> SliceBatch:
        """A whole flow, some minutes ago."""
        began_ns = self.now_ns() - LONG_AGO_NS
        return self.play(frame._replace(time_ns=began_ns + number) for number, frame in enumerate(tls(flow_number)))


def recorded(directory: Path) -> list[dict[str, object]]:
    """What was recorded of flows."""
    lines = [line for file in log_files(directory / RECORDS) for line in file.path.read_bytes().splitlines()]
    return [entry for line in lines if (entry := json.loads(line))["kind"] == "flow"]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The wall clock of the process, in the hands of the test."""
    clock = Clock(time.time_ns())
    monkeypatch.setattr(time, "time_ns", lambda: clock.now_ns)
    return clock


def test_expiry_needs_no_reload(office: Office, clock: Clock) -> None:
    """A flow that ends within the authorised time is recorded, one that ends after it is not; nobody reloads anything."""
    tap = PastTap()
    until_ns = (clock.now_ns // SECOND + 60) * SECOND
    office.write(network("students", begin=clock.now_ns - 600 * SECOND, end=until_ns))
    recorder = open_recorder(office.directory, records_days=90, now_ns=clock.now_ns)
    daemon = Daemon(tap, shipped_rules(), EventLog(), recorder=recorder)

    for flow_number, now_ns in ((1, until_ns - 1), (2, until_ns)):
        clock.now_ns = now_ns
        batch = tap.feed(flow_number)
        daemon._pipeline.read(batch.slices, batch.payload_bytes)
        daemon._tick()
    recorder.close()
    tap.close()

    assert 1 == len(recorded(office.directory))
    assert NAME.encode() not in b"".join(file.path.read_bytes() for file in log_files(office.directory / RECORDS))


def test_a_reload_keeps_records_as_long_as_the_notice_says(office: Office, tmp_path: Path, clock: Clock) -> None:
    """`records_days` of the rules in force hold, and not those of the start."""
    rules = shutil.copytree(shipped_rules(), tmp_path / "rules")
    tap = PastTap()
    office.write(network("students", begin=clock.now_ns - 600 * SECOND, end=clock.now_ns + 600 * SECOND))
    recorder = open_recorder(office.directory, records_days=records_days(rules), now_ns=clock.now_ns)
    daemon = Daemon(tap, rules, EventLog(), recorder=recorder)
    batch = tap.feed(1)
    daemon._pipeline.read(batch.slices, batch.payload_bytes)
    daemon._tick()
    clock.now_ns += 30 * DAY
    daemon._tick()
    before = recorded(office.directory)

    premises = rules / "premises.yaml"
    premises.write_text(premises.read_text().replace("records_days: 90", "records_days: 30"))
    daemon.reload()
    daemon._tick()
    recorder.close()
    tap.close()

    assert (1, []) == (len(before), recorded(office.directory))
