"""An interface -> what the real gate and pipeline count on it; then it waits, so that its memory can be searched.

    python -m agent.selftest.watched INTERFACE GATE WIDEN_BYTES

Run as a process. It says when it is ready, counts until it is told to stop, tells its totals, and stands still until its
standard input ends. Nothing in here knows what is searched for, and nothing imports what makes it: whatever is found
came over the interface.
"""

import os
import select
import sys
import time
from collections.abc import Callable
from typing import Final

from agent.capture.choose import open_tap
from agent.capture.interface import InterfaceError
from agent.capture.kernel import KernelTap
from agent.capture.ring import BLOCK_BYTES, RING_BLOCKS, RingTap
from agent.capture.tap import Tap
from agent.gate.kernel import KernelGateError
from agent.gate.library import NativeGateError
from agent.pipeline import Pipeline
from agent.policy.policy import load
from agent.privileges import drop_capabilities
from agent.selftest.door import Door
from agent.selftest.reports import Ready, Refused, Report, Seen, to_line
from agent.shipped import shipped_rules
from agent.snapshot import Snapshot

MAX_FLOWS: Final = 1 << 16
"""Ten times what a self-test sends."""
POLL_S: Final = 0.02
TICK_S: Final = 1.0
"""Both as the daemon's."""
QUIET_S: Final = 0.5
"""When nothing more has come for this long, all that was sent has come: packets reach the gate within a millisecond, and
a ring hands over its blocks after 20 ms."""
MAX_QUIET_S: Final = 20.0
"""Then it is told as it stands, whether it is quiet or not."""


def main(interface: str, gate: str, widen_bytes: str) -> None:
    """See above."""
    try:
        tap, why = _opened(interface, gate, int(widen_bytes))
    except (KernelGateError, NativeGateError, InterfaceError) as error:
        _tell(Refused(str(error)))
        return
    try:
        drop_capabilities()  # as the daemon does
        watch = Watch(tap)
        kind = tap.gate.kind
        _tell(Ready(os.getpid(), kind, why, ring_bytes=0 if kind == "kernel" else BLOCK_BYTES * RING_BLOCKS))
        watch.until(_told_to_stop)
        _tell(watch.end())
        sys.stdin.readline()
    finally:
        tap.close()


def _opened(interface: str, gate: str, widen_bytes: int) -> tuple[Tap, str]:
    """The tap as `hallwatch run` opens it; or one whose gate opens too much, on purpose."""
    if not widen_bytes:
        return open_tap(gate, [interface], max_flows=MAX_FLOWS)
    tap = RingTap if gate == "process" else KernelTap
    return tap(
        [interface], max_flows=MAX_FLOWS, widen_bytes=widen_bytes
    ), f"opens {widen_bytes} bytes too much on purpose"


class Watch:
    """What the daemon does with a tap, without its listener; and everything that was opened is kept."""

    def __init__(self, tap: Tap) -> None:
        self._tap = tap
        self._pipeline = Pipeline(tap.gate, load(shipped_rules()))
        self._door = Door()
        self._next_tick_s = time.monotonic() + TICK_S

    def until(self, done: Callable[[float], bool]) -> None:
        """Counts until `done`, which may wait for as many seconds as it is given, says so; and then until all is quiet."""
        while not done(0.0 if self._turn() else POLL_S):
            continue
        until_s = time.monotonic() + MAX_QUIET_S
        seen, since_s, began_s = -1, time.monotonic(), time.monotonic()
        while began_s < until_s:
            if self._turn() or seen != self._seen_packets():
                seen, since_s = self._seen_packets(), time.monotonic()
            elif (
                began_s - since_s >= QUIET_S
            ):  # only a look that found nothing says so: a busy machine may have come late
                return
            time.sleep(POLL_S)
            began_s = time.monotonic()

    def end(self) -> Seen:
        """Ends all flows, and tells what was counted."""
        self._pipeline.tick(self._tap.now_ns(), time.time_ns())
        self._pipeline.finish(time.time_ns())
        return self._told(self._pipeline.snapshot(time.time_ns()))

    def _turn(self) -> bool:
        """Reads and names what there is; True when there may be more at once."""
        batch = self._tap.read()
        for piece in batch.slices:
            self._door.take(piece, self._tap.gate.table.flow(piece.slot).first_ns)
        self._pipeline.read(batch.slices, batch.payload_bytes)
        if time.monotonic() >= self._next_tick_s:
            self._pipeline.tick(self._tap.now_ns(), time.time_ns())
            self._next_tick_s += TICK_S
        return self._tap.behind

    def _seen_packets(self) -> int:
        return self._tap.gate.totals()["seen_packets"]

    def _told(self, snapshot: Snapshot) -> Seen:
        gate, counts = snapshot.gate, [line.counts for line in snapshot.classes]
        return Seen(
            packets=gate.seen_packets,
            bytes=gate.seen_bytes,
            dropped_packets=self._tap.dropped_packets(),
            kept_bytes=self._door.kept_bytes,
            kept_all=self._door.kept_all,
            missing_packets=gate.missing_packets,
            missing_bytes=gate.missing_bytes,
            untracked_packets=gate.untracked_packets,
            undecodable_packets=gate.undecodable_packets,
            lost_slices=snapshot.limits.get("lost_slices", 0) + self._tap.lost_chunks,
            flows=sum(part.flows for part in counts),
            payload_bytes=sum(part.payload_bytes for part in counts),
            opened={kind: size for kind, size in snapshot.opened_bytes.items() if size},
            received=self._door.received(),
            most=self._door.most(),
            furthest=self._door.furthest(),
        )


def _told_to_stop(wait_s: float) -> bool:
    """Whether a line has come, or the one who would send it is gone."""
    if not select.select([sys.stdin], [], [], wait_s)[0]:
        return False
    sys.stdin.readline()
    return True


def _tell(report: Report) -> None:
    sys.stdout.write(to_line(report))
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
