"""What is to be watched -> a tap, attached with every privilege given up after it, and the daemon on it until its end."""

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypedDict, Unpack

import uvloop

from agent.authority.recorder import open_recorder
from agent.capture.choose import open_tap
from agent.capture.tap import Tap
from agent.daemon import Daemon
from agent.log import EventLog
from agent.notice.files import records_days
from agent.policy.policy import load
from agent.privileges import drop_capabilities
from agent.sketches.exchange import Exchange
from agent.systemd import ServiceManager


class Settled(TypedDict, total=False):
    """What a daemon is told, whatever it watches; each as for Daemon."""

    district: str | None
    state: Path | None
    min_devices: int
    devices: Exchange | None
    changed_settings: Callable[[], Sequence[str]]
    web_config: Path | None


def run_demo(
    *,
    policy_directory: Path,
    host: str,
    port: int,
    seed: int,
    **settled: Unpack[Settled],
) -> int:
    """Watches a synthetic school day until SIGTERM or SIGINT; the exit code. The rest as for Daemon.

    Raises:
        RulesError: the rules cannot be used.
        WebConfigError: the web configuration cannot be used.
        OSError: the address cannot be listened on.
    """
    # Imported here, so that scapy, which makes the traffic, is in no daemon that watches a real tap.
    from agent.capture.demo import DemoTap

    log = EventLog()
    manager = ServiceManager(log)
    tap = DemoTap(seed)
    return _run(
        tap,
        lambda: Daemon(
            *(tap, policy_directory, log),
            manager=manager,
            watching="a synthetic school day",
            **settled,
        ),
        host,
        port,
    )


def run_tap(
    *,
    policy_directory: Path,
    host: str,
    port: int,
    interfaces: Sequence[str],
    gate: str,
    max_flows: int,
    authorisations: Path | None = None,
    **settled: Unpack[Settled],
) -> int:
    """Watches interfaces until SIGTERM or SIGINT; the exit code.

    Args:
        policy_directory: of the rules.
        host: to listen on.
        port: to listen on.
        interfaces: names; several are one tap.
        gate: "auto", "kernel" or "process".
        max_flows: rows of the flow table.
        authorisations: directory of what was authorised; no record is kept without it.
        settled: as for Daemon.

    Raises:
        RulesError: the rules cannot be used.
        WebConfigError: the web configuration cannot be used.
        KernelGateError, NativeGateError: the gate cannot be had.
        InterfaceError: an interface cannot be listened on.
        OSError: the address cannot be listened on, or privileges cannot be dropped.
    """
    log = EventLog()
    manager = ServiceManager(log)
    load(
        policy_directory, district=settled.get("district")
    )  # before anything is attached: a mistake is found without a tap
    tap, why = open_tap(gate, interfaces, max_flows=max_flows)
    log.info("attached", gate=tap.gate.kind, why=why, interfaces=",".join(interfaces), max_flows=max_flows)
    drop_capabilities()
    recorder = None
    if authorisations:
        keep_days = records_days(policy_directory)
        recorder = open_recorder(authorisations, records_days=keep_days, now_ns=time.time_ns())
    return _run(
        tap,
        lambda: Daemon(
            *(tap, policy_directory, log),
            recorder=recorder,
            manager=manager,
            watching=", ".join(interfaces),
            **settled,
        ),
        host,
        port,
    )


def _run(tap: Tap, daemon: Callable[[], Daemon], host: str, port: int) -> int:
    async def main() -> None:
        await daemon().run(host, port)

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(main())
    finally:
        tap.close()
    return 0
