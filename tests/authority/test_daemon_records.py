"""A running daemon keeps records only under an authorisation, and stops by itself when that ends."""

import json
import time
from pathlib import Path

from agent.authority.log_files import log_files
from agent.authority.recorder import open_recorder
from agent.authority.store import RECORDS
from agent.daemon import Daemon
from agent.gate.slices import SliceBatch
from agent.lab.crafted import NAME, tls
from agent.log import EventLog
from agent.shipped import shipped_rules
from tests.authority.examples import SECOND, Office, network
from tests.quiet_tap import QuietTap

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


def test_expiry_needs_no_reload(office: Office) -> None:
    """A flow that ends within the authorised time is recorded, one that ends after it is not; nobody reloads anything."""
    tap = PastTap()
    now_ns = time.time_ns()
    until_ns = now_ns + 6 * SECOND  # the first flow is recorded by then also on a busy machine
    office.write(network("students", begin=now_ns - 600 * SECOND, end=until_ns))
    recorder = open_recorder(office.directory, records_days=90, now_ns=now_ns)
    daemon = Daemon(tap, shipped_rules(), EventLog(), recorder=recorder)

    for flow_number in (1, 2):
        batch = tap.feed(flow_number)
        daemon._pipeline.read(batch.slices, batch.payload_bytes)
        daemon._tick()
        if flow_number == 1:
            time.sleep(max(0, until_ns - time.time_ns()) / SECOND + 0.01)
    recorder.close()
    tap.close()

    assert 1 == len(recorded(office.directory))
    assert NAME.encode() not in b"".join(file.path.read_bytes() for file in log_files(office.directory / RECORDS))
