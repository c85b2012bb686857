"""What this machine lacks -> a test that is skipped aloud, with the reason."""

import errno
import os
import subprocess
from functools import cache

import pytest

from agent.gate import bpf
from agent.privileges import effective_capabilities

OLDEST_KERNEL = (5, 15)
CAP_NET_RAW = 13

_ARRAY = 2


def need_packet_sockets() -> None:
    """Skips unless this process may listen on interfaces."""
    if not effective_capabilities() >> CAP_NET_RAW & 1:
        pytest.skip("NO CAP_NET_RAW HERE: run as root; packet sockets are not checked")


def need_bpf() -> None:
    """Skips unless the kernel's gate can be had here. What the gate itself does wrong is for a test to find."""
    need_packet_sockets()
    if why := _why_no_bpf():
        pytest.skip(f"NO BPF HERE: {why}; the kernel's gate is not checked")


def need_namespaces() -> None:
    """Skips unless network namespaces can be made."""
    if why := _why_no_namespaces():
        pytest.skip(f"NO NETWORK NAMESPACES HERE: {why}; nothing live is checked")


@cache
def _why_no_bpf() -> str | None:
    release = tuple(int(part) for part in os.uname().release.split("-")[0].split(".")[:2])
    if release < OLDEST_KERNEL:
        return f"kernel {os.uname().release} is older than 5.15"
    try:
        os.close(bpf.create_map(_ARRAY, 4, 8, 1, 0, "probe"))
    except bpf.BpfError as error:
        if error.errno not in (errno.EPERM, errno.ENOSYS):
            raise  # it is no lack of permission
        return str(error)
    return None


@cache
def _why_no_namespaces() -> str | None:
    name = f"hw-probe-{os.getpid()}"
    try:
        made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "no `ip` (iproute2)"
    if made.returncode != 0:
        return made.stderr.strip()
    subprocess.run(["ip", "netns", "del", name], check=True)
    return None
