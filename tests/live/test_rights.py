"""Tests of what Hallwatch may do: it starts as a user with a few capabilities, and goes on without any."""

import socket
import subprocess
from pathlib import Path

import pytest

from agent.capture.kernel import KernelTap
from tests.live.cable import TAP, Cable
from tests.live.lowly import NOBODY, lowly
from tests.live.needs import need_bpf
from tests.live.sender import Load, Sender
from tests.live.traffic import introduction, middle
from tests.live.waiting import wait_for
from tests.live.watcher import START_TIMEOUT_S, TIMEOUT_S, Watcher

SO_DETACH_FILTER = 27
SO_ATTACH_FILTER = 26
SETS = ("CapInh", "CapPrm", "CapEff", "CapAmb")
ENOUGH = {"kernel": ("net_raw", "bpf"), "process": ("net_raw",)}


def test_not_root(gate: str, cable: Cable, sender: Sender, tmp_path: Path) -> None:
    """With exactly what its gate needs it counts as root would; once attached, no thread of it can do anything more."""
    with Watcher(cable, tmp_path, gate=gate, prefix=lowly(ENOUGH[gate], tmp_path)).ready() as watcher:
        sender.send(Load([*introduction(1), *middle(1, 100)]))
        found = watcher.counted(sender.sent_packets)

        assert 1 == found("hallwatch_flows_total")
        assert [str(NOBODY)] * 4 == watcher.status("Uid").split()
        assert_powerless(watcher)


def test_as_root(gate: str, cable: Cable, tmp_path: Path) -> None:
    """Root gives up everything too, and the way back."""
    with Watcher(cable, tmp_path, gate=gate).ready() as watcher:
        assert_powerless(watcher)
        assert 0 == int(watcher.status("CapBnd"), 16)


def assert_powerless(watcher: Watcher) -> None:
    """No thread has a capability, or can get one through exec."""
    for thread in watcher.threads():
        assert [0] * len(SETS) == [int(watcher.status(name, thread), 16) for name in SETS]
        assert "1" == watcher.status("NoNewPrivs", thread)


def ended(watcher: Watcher) -> int:
    """The exit code of one that does not get far."""
    wait_for(lambda: watcher.process.poll() is not None, START_TIMEOUT_S, watcher.log)
    return int(watcher.process.returncode)


def test_kernel_gate_without_cap_bpf(cable: Cable, tmp_path: Path) -> None:
    """It says which capability is missing, and counts nothing."""
    need_bpf()
    with Watcher(cable, tmp_path, gate="kernel", prefix=lowly(["net_raw"], tmp_path)) as watcher:
        assert 1 == ended(watcher)
        assert "CAP_BPF" in watcher.log()
        assert "Traceback" not in watcher.log()


def test_auto_without_cap_bpf(cable: Cable, sender: Sender, tmp_path: Path) -> None:
    """The process' own gate is put in its place, and one line says why."""
    need_bpf()
    with Watcher(cable, tmp_path, gate="auto", prefix=lowly(["net_raw"], tmp_path)).ready() as watcher:
        sender.send(Load(introduction(1)))
        found = watcher.counted(sender.sent_packets)

        assert (1, 0) == (found("hallwatch_gate_info", gate="process"), found("hallwatch_gate_info", gate="kernel"))
        (line,) = (line for line in watcher.log().splitlines() if " attached " in line)
        assert "gate=process" in line
        assert "CAP_BPF" in line


@pytest.mark.parametrize("gate", ["auto", "process"])
def test_without_cap_net_raw(gate: str, cable: Cable, tmp_path: Path) -> None:
    """Without the right to listen there is nothing to fall back to, and it says so."""
    need_bpf()
    with Watcher(cable, tmp_path, gate=gate, prefix=lowly(["bpf"], tmp_path)) as watcher:
        assert 1 == ended(watcher)
        assert "CAP_NET_RAW" in watcher.log()


def test_little_room_to_attach(cable: Cable, tmp_path: Path) -> None:
    """The little room that kernels before 6.8 give a socket for its filter is enough: what it runs there is short."""
    need_bpf()
    room = ["ip", "netns", "exec", cable.near, "sysctl", "-qw", "net.core.optmem_max=20480"]
    if subprocess.run(room, capture_output=True, check=False).returncode != 0:
        pytest.skip("net.core.optmem_max IS NOT OF A NAMESPACE HERE: a kernel with little room is not tried")
    with Watcher(cable, tmp_path, gate="kernel").ready() as watcher:
        assert " attached gate=kernel " in watcher.log()


def test_an_interface_that_is_not_there(gate: str, cable: Cable, tmp_path: Path) -> None:
    """It says so, and which there are."""
    cable.pull_out()
    with Watcher(cable, tmp_path, gate=gate) as watcher:
        assert 1 == ended(watcher)
        assert "tap0: no such interface; there are: lo" in watcher.log()


def test_the_lock(cable: Cable, sender: Sender) -> None:
    """Nobody, root included, takes the gate off its socket, or puts a filter in its place."""
    need_bpf()
    with cable.inside(cable.near):
        tap = KernelTap([TAP], max_flows=1024)
    try:
        (interface,) = tap._interfaces
        for option in (SO_DETACH_FILTER, SO_ATTACH_FILTER):
            with pytest.raises(PermissionError):
                interface.socket.setsockopt(socket.SOL_SOCKET, option, bytes(16))
        sender.send(Load(middle(1, 10)))
        wait_for(lambda: tap.gate.totals()["seen_packets"] == 10, TIMEOUT_S, lambda: "frames are missing")
        with pytest.raises(BlockingIOError):
            interface.socket.recv(1)
    finally:
        tap.close()
