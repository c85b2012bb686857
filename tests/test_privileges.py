"""Tests of giving up privileges, each in a process of its own: there is no way back."""

import subprocess
import sys
from pathlib import Path

import pytest

from agent.privileges import effective_capabilities

ROOT = Path(__file__).parent.parent
SETS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
BEGIN = """
import errno, os, socket, subprocess, sys, threading
from agent.gate import bpf
from agent.privileges import drop_capabilities, effective_capabilities
def status(what):
    return next(line.split()[1] for line in open("/proc/thread-self/status") if line.startswith(what + ":"))
"""


def run(script: str) -> list[str]:
    """What a script prints, line by line."""
    done = subprocess.run([sys.executable, "-c", BEGIN + script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def need_root() -> None:
    """Skips where there is nothing to give up."""
    if not effective_capabilities():
        pytest.skip("NO CAPABILITIES HERE: run as root; that they are given up is not checked")


def test_nothing_is_left() -> None:
    """No set holds a capability, and none can be had by exec; to drop nothing once more is no error."""
    found = run(f"drop_capabilities(); drop_capabilities(); print(*map(status, {SETS}), status('NoNewPrivs'))")
    sets = [int(word, 16) for word in found[0].split()]
    bounding = sets.pop(3)

    assert [0, 0, 0, 0, 1] == sets
    assert bounding == 0 or not effective_capabilities()  # whoever has none cannot narrow it, and needs not


def test_what_it_was_for() -> None:
    """What needs a privilege is refused afterwards; a child that is started gets none either."""
    need_root()
    child = "print(open('/proc/self/status').read().split('CapEff:')[1].split()[0])"
    found = run(
        f"""
drop_capabilities()
try:
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
except PermissionError:
    print("no socket")
try:
    bpf.create_map(1, 4, 8, 16, 0, "map")
except OSError as error:
    print("no map", error.errno == errno.EPERM)
print(int(subprocess.run([sys.executable, "-c", {child!r}], capture_output=True, text=True).stdout, 16))
"""
    )

    assert ["no socket", "no map True", "0"] == found


def test_what_is_open_stays_open() -> None:
    """A socket and a map that were there before go on working."""
    need_root()
    found = run(
        """
sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
drop_capabilities()
sock.bind(("lo", 3))
print(sock.getsockname()[0])
"""
    )

    assert ["lo"] == found


def test_another_thread_keeps_them() -> None:
    """A thread that was there before cannot be made to drop its own: that is told, not passed over."""
    need_root()
    found = run(
        """
stop = threading.Event()
threading.Thread(target=stop.wait).start()
try:
    drop_capabilities()
except OSError as error:
    print(error.errno == errno.EBUSY, error.strerror)
stop.set()
"""
    )

    assert 1 == len(found)
    assert found[0].startswith("True 1 other threads keep capabilities")


def test_no_library_starts_threads() -> None:
    """All that the daemon imports leaves one thread, so that there is none which could keep capabilities."""
    assert ["1"] == run("import agent.start; print(len(os.listdir('/proc/self/task')))")


def test_effective_capabilities() -> None:
    """A bit for each; those of this process, as the kernel tells them."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("CapEff:"))

    assert int(line.split()[1], 16) == effective_capabilities()
