"""Interfaces with the kernel's gate before them: no packet enters this process."""

import time
from collections.abc import Sequence

from agent.capture.interface import Interface
from agent.gate.kernel import KernelGate
from agent.gate.slices import SliceBatch


class KernelTap:
    """One or more interfaces as one tap. The gate is on and locked before any of them is bound.

    Args:
        names: of interfaces; the two directions of an optical tap are two.
        max_flows: rows of the flow table.
        widen_bytes: for the self-test's control only.

    Raises:
        KernelGateError: the kernel gate cannot be had.
        InterfaceError: an interface cannot be listened on.
    """

    def __init__(self, names: Sequence[str], *, max_flows: int, widen_bytes: int = 0) -> None:
        self.gate = KernelGate(max_flows=max_flows, widen_bytes=widen_bytes)
        self.behind = False
        self._interfaces: list[Interface] = []
        try:
            for name in names:
                interface = Interface(name)
                self._interfaces.append(interface)
                self.gate.attach(interface.socket)
                interface.bind()
        except BaseException:
            self.close()
            raise

    def read(self) -> SliceBatch:
        """What the gate has opened since the last call, one batch of it."""
        batch = self.gate.read()
        self.behind = bool(batch.slices)
        return batch

    def now_ns(self) -> int:
        """The kernel stamps packets by bpf_ktime_get_ns, which is this clock."""
        return time.monotonic_ns()

    def dropped_packets(self) -> int:
        """What the cards lost. The gate itself drops nothing: it runs where the packet arrives."""
        return sum(interface.dropped_packets() for interface in self._interfaces)

    def problem(self) -> str | None:
        """Why an interface delivers nothing at the moment, or None; binds again what came back."""
        return "; ".join(found for interface in self._interfaces if (found := interface.follow())) or None

    def close(self) -> None:
        for interface in self._interfaces:
            interface.close()
        self.gate.close()
