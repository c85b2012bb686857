"""Which gate to put before the interfaces: the kernel's where it can be had, else the process' own; and why."""

from collections.abc import Sequence
from typing import Final

from agent.capture.kernel import KernelTap
from agent.capture.ring import RingTap
from agent.capture.tap import Tap
from agent.gate.kernel import KernelGateError

GATES: Final = ("auto", "kernel", "process")


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
    if gate == "process":
        return RingTap(names, max_flows=max_flows), "as asked for"
    try:
        return KernelTap(names, max_flows=max_flows), "packets stay in the kernel"
    except KernelGateError as error:
        if gate == "kernel":
            raise
        return RingTap(names, max_flows=max_flows), f"the kernel's gate cannot be had: {error}"
