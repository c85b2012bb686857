"""The gate in the kernel: loads gate.bpf.o, and offers its rows, slices and totals as the native gate offers its own.

Packets never enter this process. What does: the slices in the BPF ring buffer, the mapped flow rows, and the totals.
"""

import ctypes
import errno
import mmap
import os
import socket
import struct
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from agent.gate import bpf, layout
from agent.gate.bpf_object import BpfObject, ObjectError, Program, read_object
from agent.gate.library import library
from agent.gate.slices import SliceBatch, SliceRoom, read_slices
from agent.gate.table import FlowTable, IdleLimits

OBJECT: Final = Path(__file__).with_name("gate.bpf.o")

STAGES: Final = ("headers", "segment", "request", "host", "datagram", "frame")
PROGRAMS: Final = ("socket", *(f"socket/{stage}" for stage in STAGES))
"""Sections of the object: what the socket runs, and what that goes on to (gate_core.h: enum gate_stage; then the frame)."""

GRACE_NS: Final = 200_000_000
"""A packet that found a row before its key was taken away is through with it long before this."""

RING_BYTES: Final = 16 << 20
"""Slices on their way to user space: a burst of some 8,000 ClientHellos while the process is busy."""

_PAGE: Final = mmap.PAGESIZE
_ZERO: Final = bytes(4)
_SLOT: Final = struct.Struct("<I")
_RDONLY_PROG: Final = 1 << 7
_SO_ATTACH_BPF: Final = 50
_SO_LOCK_FILTER: Final = 44


class KernelGateError(Exception):
    """The kernel gate cannot be had here; the text says what is missing and what would help."""


class KernelGate:
    """One gate for any number of sockets.

    Args:
        max_flows: rows of the flow table; some 450 bytes of kernel memory each.
        idle: when a silent flow's row is given back.
        queries: whether DNS queries are opened; an answer repeats its question, so naming needs none.
        widen_bytes: for the self-test's control only: opens so many bytes beyond every window.
        ring_bytes: a power of two.

    Raises:
        KernelGateError: no permission, an old kernel, or no memory. CAP_BPF makes maps and loads the programs.
    """

    kind: Final = "kernel"

    def __init__(
        self,
        *,
        max_flows: int,
        idle: IdleLimits | None = None,
        queries: bool = True,
        widen_bytes: int = 0,
        ring_bytes: int = RING_BYTES,
    ) -> None:
        self._maps: dict[str, int] = {}
        self._program = -1
        self._max_flows = max_flows
        self._cpus = _possible_cpus()
        self._pending: dict[int, int] = {}
        self._returned = 0
        self._high_water = 0
        self._room = SliceRoom()
        self._library = library()
        idle = idle or IdleLimits()
        config = layout.CONFIG.pack(idle.tcp_ns, idle.other_ns, idle.closed_ns, max_flows, widen_bytes, queries, 0)
        try:
            self._load(read_object(OBJECT.read_bytes(), programs=PROGRAMS), config, ring_bytes)
            self._rows = _mapped(self._maps["rows"], max_flows * layout.ROW.itemsize, write=True)
            self._map_ring(ring_bytes)
        except OSError as error:
            self.close()
            raise KernelGateError(_advice(error)) from error
        except ObjectError as error:
            self.close()
            msg = f"{OBJECT}: {error}; install hallwatch again"
            raise KernelGateError(msg) from error
        self.table = FlowTable(memoryview(self._rows), idle)

    # ---- As the pipeline asks (agent.pipeline.Gate)

    @property
    def high_water(self) -> int:
        """Rows below this number have been used: slots come from a stack, so the lowest free ones go first."""
        in_use = self._record()["new_flows"] - self._returned
        self._high_water = min(self._max_flows, max(self._high_water, in_use + self._cpus))
        return self._high_water

    def totals(self) -> dict[str, int]:
        """struct gate_totals by name, without what was opened."""
        return {name: value for name, value in self._record().items() if not name.startswith("opened ")}

    def opened_bytes(self) -> dict[str, int]:
        """What was opened so far, by kind of slice, in bytes."""
        record = self._record()
        return {name: record[f"opened {name}"] for name in layout.SLICE_KIND_NAMES if name}

    def release(self, slots: npt.NDArray[np.int64] | Sequence[int]) -> None:
        """Takes flows' keys away: after GRACE_NS no packet is counted in these rows again."""
        due_ns = time.monotonic_ns() + GRACE_NS
        for slot in np.asarray(slots).tolist():
            if slot in self._pending:
                continue
            at = slot * layout.ROW.itemsize
            if not layout.FLAGS.unpack_from(self._rows, at + layout.FLAGS_OFFSET)[0] & layout.FLOW_UNLINKED:
                bpf.delete(
                    self._maps["flows"], bytes(self._rows[at : at + layout.KEY.itemsize]), "cannot delete a flow"
                )
            self._pending[slot] = due_ns

    def released(self) -> npt.NDArray[np.int64]:
        """Released rows that no packet is on its way to."""
        now_ns = time.monotonic_ns()
        return np.array([slot for slot, due_ns in self._pending.items() if due_ns <= now_ns], dtype=np.int64)

    def remove(self, slots: npt.NDArray[np.int64] | Sequence[int]) -> None:
        """Gives rows back for new flows; what they counted is the caller's from now on."""
        numbers: list[int] = np.asarray(slots).tolist()
        _ = self.high_water  # as it stands before rows come back
        for slot in numbers:
            at = slot * layout.ROW.itemsize
            self._rows[at : at + layout.ROW.itemsize] = bytes(layout.ROW.itemsize)
            self._pending.pop(slot, None)
            bpf.update(self._maps["free_slots"], None, _SLOT.pack(slot), "cannot give a slot back")
        self._returned += len(numbers)

    def add_personal(self, address: bytes) -> bool:
        """Names an address of 4 or 16 bytes as serving personal online accounts only; False when there is no room."""
        try:
            bpf.update(self._maps["personal"], address.ljust(16, b"\0"), b"\1", "cannot note an address")
        except bpf.BpfError as error:
            if error.errno == errno.E2BIG:
                return False
            raise
        return True

    def drop_personal(self, address: bytes) -> None:
        """Takes back `add_personal`: the address serves something else too. Flows that have begun stay closed."""
        bpf.delete(self._maps["personal"], address.ljust(16, b"\0"), "cannot forget an address")

    # ---- As a tap asks

    def attach(self, sock: socket.socket) -> None:
        """Makes this gate the socket's filter, for good: even root cannot take it off again.

        Attach before the socket is bound to an interface; otherwise packets pass in between.

        Raises:
            KernelGateError: the kernel gives the program no room.
        """
        try:
            sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_BPF, self._program)
        except OSError as error:
            raise KernelGateError(f"cannot attach the BPF program: {error.strerror}") from error
        sock.setsockopt(socket.SOL_SOCKET, _SO_LOCK_FILTER, 1)

    def fetch(self) -> bytes:
        """What was opened since the last call, as far as there is room, for slices.read_slices."""
        used = self._library.gate_read_ring(
            *(self._ring_address["consumer"], self._ring_address["producer"], self._ring_address["data"]),
            *(self._ring_bytes - 1, self._room.address, self._room.size),
        )
        return self._room.copy(used)

    def feed(self, frame: bytes) -> SliceBatch:
        """Runs the program over one Ethernet frame, as if it had arrived now."""
        bpf.test_run(self._program, frame)
        opened = self.fetch()
        return read_slices(opened, 0, len(opened))[0]

    def close(self) -> None:
        """Lets go of the program and its maps. Sockets that have it keep it until they are closed."""
        for descriptor in (self._program, *self._maps.values()):
            if descriptor >= 0:
                os.close(descriptor)
        self._program = -1
        self._maps = {}

    # ---- Loading

    def _load(self, code: BpfObject, config: bytes, ring_bytes: int) -> None:
        sizes = {"rows": self._max_flows, "flows": self._max_flows, "free_slots": self._max_flows, "slices": ring_bytes}
        wrong = {d.name for d in code.maps if _VALUES.get(d.name, d.value_bytes) != d.value_bytes}
        if wrong:  # the kernel would write past what this process has room for
            msg = f"made for other structures than agent/gate/layout.py has: {', '.join(sorted(wrong))}"
            raise ObjectError(msg)
        for definition in code.maps:
            entries = sizes.get(definition.name, definition.max_entries)
            self._maps[definition.name] = bpf.create_map(
                *(definition.kind, definition.key_bytes, definition.value_bytes, entries),
                *(definition.flags, definition.name),
            )
        constants = bpf.create_map(_ARRAY, 4, len(code.rodata), 1, _RDONLY_PROG, "config")
        self._maps[""] = constants
        bpf.update(constants, _ZERO, config, "cannot write the configuration")
        bpf.freeze_map(constants)
        for slot in range(self._max_flows - 1, -1, -1):  # a stack: the last one pushed is the first one used
            bpf.update(self._maps["free_slots"], None, _SLOT.pack(slot), "cannot fill the list of free slots")
        first, *stages = code.programs
        for number, stage in enumerate(stages):
            program = bpf.load_program(_linked(stage, self._maps), f"hallwatch_{number}")
            try:
                bpf.update(self._maps["stages"], _SLOT.pack(number), _SLOT.pack(program), "cannot note a stage")
            finally:
                os.close(program)
        bpf.freeze_map(self._maps["stages"])  # and kept open: closed by all processes, it would be emptied
        self._program = bpf.load_program(_linked(first, self._maps), "hallwatch_gate")
        for name in _PROGRAM_ONLY:  # the program holds them; a process that is taken over shall not
            os.close(self._maps.pop(name))

    def _map_ring(self, ring_bytes: int) -> None:
        descriptor = self._maps["slices"]
        self._consumer = _mapped(descriptor, _PAGE, write=True)
        self._producer = mmap.mmap(descriptor, _PAGE + 2 * ring_bytes, prot=mmap.PROT_READ, offset=_PAGE)
        self._ring_bytes = ring_bytes
        producer = np.frombuffer(self._producer, dtype=np.uint8)
        self._ring_address = {
            "consumer": ctypes.addressof(ctypes.c_ubyte.from_buffer(self._consumer)),
            "producer": producer.ctypes.data,
            "data": producer.ctypes.data + _PAGE,
        }

    def _record(self) -> dict[str, int]:
        size = layout.TOTALS.itemsize
        raw = bpf.look_up(self._maps["totals"], _ZERO, size * self._cpus, "cannot read the totals")
        parts = np.frombuffer(raw, dtype=layout.TOTALS)
        record = {name: int(parts[name].sum()) for name in layout.TOTALS.names or () if name != "opened_bytes"}
        opened = parts["opened_bytes"].sum(axis=0)
        record.update({f"opened {name}": int(opened[i]) for i, name in enumerate(layout.SLICE_KIND_NAMES) if name})
        return record


_ARRAY: Final = 2

_PROGRAM_ONLY: Final = ("scratch_room", "fragments")
"""Maps in which the program works: bytes that it looks at and does not open lie there for a moment."""
_VALUES: Final = {"rows": layout.ROW.itemsize, "totals": layout.TOTALS.itemsize, "free_slots": _SLOT.size}
"""Maps that this process reads or writes -> bytes of a value"""


def _linked(program: Program, maps: dict[str, int]) -> bytes:
    """The instructions with map descriptors where the object names maps."""
    instructions = bytearray(program.instructions)
    for reference in program.references:
        at = reference.instruction * 8
        registers = instructions[at + 1] & 0x0F
        pseudo = bpf.PSEUDO_MAP_FD if reference.map_name else bpf.PSEUDO_MAP_VALUE
        offset = struct.unpack_from("<i", instructions, at + 4)[0] + reference.offset
        instructions[at + 1] = registers | pseudo << 4
        struct.pack_into("<i", instructions, at + 4, maps[reference.map_name])
        if not reference.map_name:
            struct.pack_into("<i", instructions, at + 12, offset)
    return bytes(instructions)


def _mapped(descriptor: int, size: int, *, write: bool) -> mmap.mmap:
    pages = -(-size // _PAGE) * _PAGE
    return mmap.mmap(descriptor, pages, prot=mmap.PROT_READ | (mmap.PROT_WRITE if write else 0))


def _possible_cpus() -> int:
    """How many values a per-CPU map holds: /sys/devices/system/cpu/possible, such as "0-3" or "0,2-3"."""
    text = Path("/sys/devices/system/cpu/possible").read_text(encoding="ascii")
    stretches = [stretch.split("-") for stretch in text.strip().split(",")]
    return sum(int(ends[-1]) - int(ends[0]) + 1 for ends in stretches)


_NO_REASONS: Final = ("processed ", "verification time", "stack depth", "old state", "cur state")
"""What a verifier's log ends with, after the reason"""
_REASON_LENGTH: Final = 200


def _advice(error: OSError) -> str:
    """What went wrong, and what would help."""
    said = error.log.strip().splitlines() if isinstance(error, bpf.BpfError) else []
    if said:
        why = next((line for line in reversed(said) if not line.startswith(_NO_REASONS)), said[-1])[:_REASON_LENGTH]
        return f"{error}; kernel {os.uname().release} does not accept the program: {why}"
    if error.errno in (errno.EPERM, errno.EACCES):
        return f"{error}; it takes CAP_BPF and CAP_NET_RAW (or root)"
    if error.errno in (errno.ENOMEM, errno.E2BIG):
        return f"{error}; ask for fewer flows (--max-flows)"
    if error.errno in (errno.EINVAL, errno.ENOSYS):
        return f"{error}; kernel {os.uname().release} is too old for it, 5.15 is the oldest that has all it needs"
    return str(error)
