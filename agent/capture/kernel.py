"""Interfaces with the kernel's gate before them: no packet enters this process."""

import time
from collections.abc import Sequence
from typing import Final

from agent.capture.interface import Interface
from agent.capture.late import still_theirs
from agent.gate.kernel import KernelGate
from agent.gate.slices import SliceBatch, SliceQueue

MAX_SLICES_A_READ: Final = 400
"""Some 10 ms of naming; then the ring is emptied again, and the loop serves scrapes and signals."""
MAX_FETCHES: Final = 32
"""Of SLICE_ROOM_BYTES each: twice the ring."""


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
        self.gate = KernelGate(max_flows=max_flows, queries=False, widen_bytes=widen_bytes)
        self.behind = False
        self._waiting = SliceQueue()
        self._late = 0
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
        """Empties the ring, and gives the next slices that have waited."""
        for _ in range(MAX_FETCHES):
            chunk = self.gate.fetch()
            self._waiting.put(chunk)
            if not chunk:
                break
        waited = self._waiting.take(MAX_SLICES_A_READ)
        batch = still_theirs(waited, self.gate.table, self.now_ns())
        self._late += len(waited.slices) - len(batch.slices)
        self.behind = bool(self._waiting)
        return batch

    @property
    def lost_chunks(self) -> int:
        """How often what was fetched found no place to wait, or waited until its flow's row was given back."""
        return self._waiting.lost_chunks + self._late

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
