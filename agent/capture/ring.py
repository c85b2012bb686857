"""Interfaces whose packets the kernel puts into a ring (TPACKET_V3), read in place by the native gate.

The weaker promise: whole packets lie in this process' memory until the ring comes round again, though Python gets no
more of them than from the kernel's gate. For machines where that one cannot be had.
"""

import ctypes
import mmap
import struct
import time
from collections.abc import Sequence
from typing import Final

from agent.capture.interface import Interface
from agent.capture.late import still_theirs
from agent.gate.library import PacketRing
from agent.gate.native import NativeGate
from agent.gate.slices import SliceBatch, SliceQueue

BLOCK_BYTES: Final = 1 << 20
RING_BLOCKS: Final = 64
"""64 MiB for each interface: half a second of a full 1 Gbit/s line while the process is busy."""
BLOCK_TIMEOUT_MS: Final = 20
"""A block that is not full is handed over after this."""
MAX_FRAMES_A_READ: Final = 8192
MAX_READS: Final = 8
"""Of MAX_FRAMES_A_READ, from each ring: some 10 ms of the gate's work."""
MAX_SLICES_A_READ: Final = 400
"""Some 10 ms of naming; then the rings are emptied again, and the loop serves scrapes and signals."""

_SOL_PACKET: Final = 263
_RX_RING: Final = 5
_VERSION: Final = 10
_TPACKET_V3: Final = 2
_FRAME_BYTES: Final = 2048


class _Ring:
    """One interface's ring."""

    def __init__(self, interface: Interface) -> None:
        sock = interface.socket
        sock.setsockopt(_SOL_PACKET, _VERSION, _TPACKET_V3)
        frames = BLOCK_BYTES // _FRAME_BYTES * RING_BLOCKS
        request = (BLOCK_BYTES, RING_BLOCKS, _FRAME_BYTES, frames, BLOCK_TIMEOUT_MS, 0, 0)
        sock.setsockopt(_SOL_PACKET, _RX_RING, struct.pack("<7I", *request))
        self._memory = mmap.mmap(sock.fileno(), BLOCK_BYTES * RING_BLOCKS)
        base = ctypes.addressof(ctypes.c_ubyte.from_buffer(self._memory))
        self._packets = PacketRing(base, BLOCK_BYTES, RING_BLOCKS)
        self.interface: Final = interface

    def read(self, gate: NativeGate) -> tuple[int, bytes]:
        """Feeds some of what waits: how many frames, and what was opened of them.

        The kernel stamps frames by the wall clock, which may be set. The gate is given their monotonic times.
        """
        wall_ns = time.time_ns()  # first: what passes in between makes no frame older than it is
        self._packets.now_ns = time.monotonic_ns()
        self._packets.ahead_ns = wall_ns - self._packets.now_ns
        return gate.read_packets(self._packets, max_frames=MAX_FRAMES_A_READ)


class RingTap:
    """One or more interfaces as one tap.

    Args:
        names: of interfaces.
        max_flows: rows of the flow table.
        widen_bytes: for the self-test's control only.

    Raises:
        InterfaceError: an interface cannot be listened on.
        NativeGateError: no memory for the flow table.
        OSError: no memory for a ring.
    """

    def __init__(self, names: Sequence[str], *, max_flows: int, widen_bytes: int = 0) -> None:
        self.gate = NativeGate(max_flows=max_flows, queries=False, widen_bytes=widen_bytes)
        self.behind = False
        self._waiting = SliceQueue()
        self._late = 0
        self._rings: list[_Ring] = []
        self._turn = 0
        interfaces: list[Interface] = []
        try:
            for name in names:
                interfaces.append(Interface(name))
                self._rings.append(_Ring(interfaces[-1]))
                interfaces[-1].bind()
        except BaseException:
            for interface in interfaces:
                interface.close()
            self.gate.close()
            raise

    def read(self) -> SliceBatch:
        """Feeds the gate all that waits in the rings, and gives the next slices that have waited."""
        self._turn += 1
        full = False
        frames = 0
        for i in range(len(self._rings)):
            ring = self._rings[(self._turn + i) % len(self._rings)]
            for _ in range(MAX_READS):
                frames, chunk = ring.read(self.gate)
                self._waiting.put(chunk)
                if not frames:
                    break
            full = full or bool(frames)
        waited = self._waiting.take(MAX_SLICES_A_READ)
        batch = still_theirs(waited, self.gate.table, self.now_ns())
        self._late += len(waited.slices) - len(batch.slices)
        self.behind = full or bool(self._waiting)
        return batch

    @property
    def lost_chunks(self) -> int:
        """How often what was opened found no place to wait, or waited until its flow's row was given back."""
        return self._waiting.lost_chunks + self._late

    def now_ns(self) -> int:
        return time.monotonic_ns()

    def dropped_packets(self) -> int:
        """What the cards lost, and what the rings had no room for."""
        return sum(ring.interface.dropped_packets() for ring in self._rings)

    def problem(self) -> str | None:
        """Why an interface delivers nothing at the moment, or None; binds again what came back."""
        return "; ".join(found for ring in self._rings if (found := ring.interface.follow())) or None

    def close(self) -> None:
        for ring in self._rings:
            ring.interface.close()
        self.gate.close()
