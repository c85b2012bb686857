"""A self-test from beginning to end: makes traffic, lays a cable, watches one end, sends into the other, searches, judges."""

import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agent.selftest import BrokenOffError, CannotRunError, verdict
from agent.selftest.child import Child
from agent.selftest.namespaces import Cable, cable
from agent.selftest.reports import Made, Ready, Seen, Sent
from agent.selftest.search import Found, search
from agent.selftest.verdict import Check
from agent.stop_signals import stop_signals_interrupt

MAX_MAKING_S: Final = 120.0
MAX_ATTACHING_S: Final = 60.0
"""Loading the gate takes a second; on a busy machine some more."""
MAX_SENDING_S: Final = 120.0
MAX_ENDING_S: Final = 60.0
"""Each some ten times what a small machine needs, so that the self-test ends in any case."""

PACKET_RING: Final = "socket:["
"""How /proc/PID/maps calls a packet socket's ring."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """All that a self-test came to."""

    control: bool
    ready: Ready
    made: Made
    sent: Sent
    seen: Seen
    found: Found
    checks: tuple[Check, ...]
    kernel: str
    seconds: float

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks)


def run_selftest(
    *, gate: str, control: bool, widen_bytes: int, seed: int, visits: int, on_step: Callable[[str], None]
) -> Outcome:
    """Runs a self-test, and takes away everything that it made.

    Args:
        gate: "auto", "kernel" or "process".
        control: leave the gate off; the marks must then be found.
        widen_bytes: open so many bytes too much, on purpose; the self-test must then fail.
        seed: of the traffic.
        visits: how much of it; some 30 packets each.
        on_step: told in words what comes next.

    Raises:
        CannotRunError: not on this machine, or not by this user.
        BrokenOffError: a part of it failed or took too long.
        KeyboardInterrupt: on SIGINT, and on SIGTERM and SIGHUP too, after all was taken away.
    """
    _require_linux_and_root()
    began_s = time.monotonic()
    with stop_signals_interrupt(), ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="hallwatch-selftest-"))
        capture = Path(folder) / "day.pcap"
        on_step("making a school day of traffic, its payload marked")
        with Child("agent.selftest.traffic", [str(capture), str(seed), str(visits)]) as maker:
            made = maker.hear(Made, within_s=MAX_MAKING_S)
        on_step("laying a cable between two networks of its own")
        wire = stack.enter_context(cable())
        on_step("attaching " + ("a plain socket, with the gate left off" if control else "the gate"))
        watcher = stack.enter_context(_watcher(wire, gate, widen_bytes, control=control))
        ready = watcher.hear(Ready, within_s=MAX_ATTACHING_S)
        on_step(f"sending {made.packets:,} packets")
        with Child("agent.selftest.sender", [str(capture), wire.sender.interface], wire.sender.enter) as sender:
            sent = sender.hear(Sent, within_s=MAX_SENDING_S)
        watcher.say("stop")
        seen = watcher.hear(Seen, within_s=MAX_ENDING_S)
        on_step("searching the memory of the process that watched")
        found = _searched(ready, made)
    judge = verdict.judge_control if control else verdict.judge
    return Outcome(
        control=control,
        ready=ready,
        made=made,
        sent=sent,
        seen=seen,
        found=found,
        checks=judge(made, sent, seen, found),
        kernel=f"{platform.system()} {platform.release()} {platform.machine()}",
        seconds=time.monotonic() - began_s,
    )


def _watcher(wire: Cable, gate: str, widen_bytes: int, *, control: bool) -> Child:
    """The process whose memory is searched, at the cable's other end."""
    end = wire.receiver
    if control:
        return Child("agent.selftest.unguarded", [end.interface], end.enter)
    return Child("agent.selftest.watched", [end.interface, gate, str(widen_bytes)], end.enter)


def _searched(ready: Ready, made: Made) -> Found:
    """Searches the memory; the ring of the weaker gate is left out, since whole packets pass through it by design."""
    try:
        return search(
            *(ready.pid, frozenset(made.marked_flows)),
            leave_out=lambda name: bool(ready.ring_bytes) and name.startswith(PACKET_RING),
        )
    except OSError as error:
        raise BrokenOffError(f"the process that watched cannot be searched: {error}") from error


def _require_linux_and_root() -> None:
    if sys.platform != "linux":
        raise CannotRunError("the self-test needs Linux: its gate, its namespaces and its /proc")
    if os.geteuid() != 0:
        raise CannotRunError(
            "the self-test makes network namespaces and reads another process' memory, which takes root; "
            "try: sudo hallwatch selftest"
        )
