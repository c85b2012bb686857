"""Which gate to put before the interfaces: the kernel's where it can be had, else the process' own; and why."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from agent.capture.kernel import KernelTap
from agent.capture.ring import RingTap
from agent.capture.tap import Tap
from agent.gate.kernel import KernelGateError
from agent.gate.library import NativeGateError

GATES: Final = ("auto", "kernel", "process")

BYTES_A_FLOW: Final = 450
"""A row of 192 bytes, its key in the kernel's hash table, and its place in the list of free rows."""
GROUPS: Final = Path("/sys/fs/cgroup")
MEMORY_SHARE: Final = 0.5
"""Of the memory that is available: the rest is for the rings, the address book, and whoever else lives here."""


def open_tap(gate: str, names: Sequence[str], *, max_flows: int) -> tuple[Tap, str]:
    """Opens a tap on the interfaces.

    Args:
        gate: one of GATES.
        names: of interfaces.
        max_flows: rows of the flow table.

    Returns:
        The tap, and the reason for its gate in one line.

    Raises:
        KernelGateError: the kernel's gate was asked for and cannot be had.
        InterfaceError: an interface cannot be listened on.
        NativeGateError: no memory for the flow table.
    """
    check_memory(max_flows)
    if gate == "process":
        return RingTap(names, max_flows=max_flows), "as asked for"
    try:
        return KernelTap(names, max_flows=max_flows), "packets stay in the kernel"
    except KernelGateError as error:
        if gate == "kernel":
            raise
        return RingTap(names, max_flows=max_flows), f"the kernel's gate cannot be had: {error}"


def check_memory(max_flows: int) -> None:
    """Refuses a flow table that would leave this machine or this service too little memory, before anything is attached.

    Raises:
        NativeGateError: with the figures, and how many flows would fit.
    """
    available = min([_free_memory(), *_left_to_this_service()])
    most = int(available * MEMORY_SHARE) // BYTES_A_FLOW
    if max_flows > most:
        needed, free = max_flows * BYTES_A_FLOW >> 20, available >> 20
        msg = f"a table of {max_flows} flows takes {needed} MiB and {free} MiB are available; --max-flows {most} would fit"
        raise NativeGateError(msg)


def _free_memory() -> int:
    """Bytes that this machine can still give away."""
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))


def _left_to_this_service() -> Iterator[int]:
    """Bytes below the limit of each control group around this process: of systemd's MemoryMax=, or of a container.

    cgroups(7), "Cgroups v2"; the maps of the kernel's gate are charged to it too. Without version 2 there is nothing.
    """
    lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    for line in lines:
        if line.startswith("0::/"):
            own = GROUPS / line.removeprefix("0::/")
            for group in (own, *own.parents):
                limit = group / "memory.max"
                if limit.is_file() and (text := limit.read_text(encoding="ascii").strip()) != "max":
                    used = int((group / "memory.current").read_text(encoding="ascii"))
                    yield max(0, int(text) - used)
