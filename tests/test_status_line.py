"""The line that `systemctl status` shows."""

from agent.snapshot import GateTotals, Snapshot
from agent.status_line import status_line


def snapshot(seconds: int, packets: int, *, dropped: int = 0, flows: int = 0) -> Snapshot:
    """At a time, with so much seen until then."""
    gate = GateTotals(kind="kernel", seen_packets=packets, dropped_packets=dropped, active_flows=flows)
    return Snapshot(time_ns=seconds * 1_000_000_000, gate=gate)


def test_how_it_goes() -> None:
    """The rate is that since the line before."""
    before, now = snapshot(10, 1_000), snapshot(15, 207_015, flows=8_112)

    assert "kernel gate on eth1: 41,203 packets/s, 0 dropped, 8,112 flows" == status_line("eth1", before, now)


def test_the_first_line() -> None:
    """There is no rate yet; nor when the clock was set back."""
    now = snapshot(10, 7, dropped=1_234)

    assert "kernel gate on eth1: 1,234 dropped, 0 flows" == status_line("eth1", None, now)
    assert "kernel gate on eth1: 1,234 dropped, 0 flows" == status_line("eth1", snapshot(11, 6), now)


def test_trouble() -> None:
    """What is wrong stands in the line."""
    line = status_line("eth1", None, snapshot(1, 0), problem="interface eth1 is down", refused=True)

    assert line.startswith("kernel gate on eth1: 0 dropped, 0 flows; degraded: interface eth1 is down; ")
    assert "refused" in line
