"""The gate's flow rows, in memory that Python shares with it: read flows, store verdicts, sum classes, find the idle."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from agent.flow import Endpoints, Flow, Place
from agent.gate import layout

COUNT_FIELDS: Final = 7
"""Columns of class totals, in the order of agent.snapshot.Counts."""

ClassTotals = npt.NDArray[np.int64]
"""One line per class number, COUNT_FIELDS columns: flows, sent packets, received packets, sent bytes, received bytes,
payload bytes, opened bytes."""


@dataclass(frozen=True, slots=True)
class IdleLimits:
    """How long a flow may be silent before its row is given back, in nanoseconds of capture time."""

    tcp_ns: int = 300_000_000_000
    """Longer than the usual keep-alive of browsers; RFC 5382 asks NATs for more, but a row is only a count."""
    other_ns: int = 120_000_000_000
    """RFC 4787 section 4.3: two minutes for UDP."""
    closed_ns: int = 10_000_000_000
    """After FIN from both ends, or RST: stragglers still count with their flow."""


class FlowTable:
    """A view of `max_flows` rows at an address; nothing is copied, nothing here calls into the gate."""

    def __init__(self, rows: memoryview, idle: IdleLimits) -> None:
        self._bytes = rows
        self._rows = np.frombuffer(rows, dtype=layout.ROW)
        self._words = np.frombuffer(rows, dtype=np.uint64).reshape(-1, _ROW_BYTES // 8)
        self._idle = idle

    @property
    def capacity(self) -> int:
        """How many flows find room."""
        return len(self._rows)

    def flow(self, slot: int) -> Flow:
        """What the gate knows of the flow in `slot`."""
        row = _FLOW.unpack_from(self._bytes, slot * _ROW_BYTES)
        return Flow(
            _endpoints(row, row[8]),
            row[4],
            row[5],
            row[9] if row[7] & _TAGGED else None,
            _endpoints(row[10:], 0) if row[14] else None,
            row[6],
        )

    def place(self, slot: int) -> Place:
        """Who the flow in `slot` is between, and on which VLAN."""
        first, second, ethertype, protocol, flags, client, vlan = _PLACE.unpack_from(self._bytes, slot * _ROW_BYTES)
        size = _ADDRESS_BYTES.get(ethertype, 0)
        if client:
            first, second = second, first
        tag = vlan if flags & _TAGGED else None
        return _new(Place, (first[:size], second[:size], tag, ethertype, protocol))

    def ports(self, slot: int) -> tuple[int, int, int]:
        """IP protocol, client's port, server's port."""
        row = _FLOW.unpack_from(self._bytes, slot * _ROW_BYTES)
        client = row[8]
        return row[5], row[2 + client], row[3 - client]

    def client(self, slot: int) -> bytes:
        """The client's address, 4 or 16 bytes; empty without IP."""
        row = _CLIENT.unpack_from(self._bytes, slot * _ROW_BYTES)
        address: bytes = row[row[3]][: _ADDRESS_BYTES.get(row[2], 0)]
        return address

    def is_sealed(self, slot: int) -> bool:
        return self._bytes[slot * _ROW_BYTES + _SEAL_OFFSET] != 0

    def holds(self, slot: int, time_ns: int) -> bool:
        """Whether the flow in `slot` had begun at `time_ns`; False too when there is none."""
        row = self._rows[slot]
        return bool(row["flags"] & layout.FLOW_LIVE) and int(row["first_ns"]) <= time_ns

    def is_dns(self, slot: int) -> bool:
        """Whether the gate took the flow for DNS."""
        return self._bytes[slot * layout.ROW.itemsize + layout.FLAGS_OFFSET + 2] == _FLOW_DNS

    def class_of(self, slot: int) -> int:
        """The class number stored for the flow, 0 when it has none."""
        number: int = _VERDICT.unpack_from(self._bytes, slot * _ROW_BYTES + _CLASS_OFFSET)[0]
        return number

    def settle(self, slot: int, class_id: int, *, seal: bool) -> None:
        """Stores the class of a flow, and seals it. A class is never taken back, a seal never broken.

        Raises:
            ValueError: the class is not a positive number, or the flow has another class already.
        """
        at = slot * _ROW_BYTES + _CLASS_OFFSET
        known, sealed = _VERDICT.unpack_from(self._bytes, at)
        if class_id < 1 or (known and known != class_id):
            msg = f"slot {slot} has class {known}; it cannot become {class_id}"
            raise ValueError(msg)
        _VERDICT.pack_into(self._bytes, at, class_id, sealed | seal)

    def counts(self, slot: int) -> tuple[tuple[int, int], tuple[int, int]]:
        """Packets and bytes of a flow, each (to server, to client)."""
        row = self._rows[slot]
        packets, octets = row["packets"], row["bytes"]
        return (int(packets[0]), int(packets[1])), (int(octets[0]), int(octets[1]))

    def live(self, high_water: int) -> npt.NDArray[np.int64]:
        """Slots in use."""
        return np.flatnonzero(self._rows["flags"][:high_water] & layout.FLOW_LIVE)

    def idle(self, high_water: int, now_ns: int) -> npt.NDArray[np.int64]:
        """Slots whose flow has been silent longer than its limit, oldest slot number first."""
        rows = self._rows[:high_water]
        flags = rows["flags"]
        ended = ((flags & layout.FLOW_FIN_BOTH) == layout.FLOW_FIN_BOTH) | (
            (flags & (layout.FLOW_RESET | layout.FLOW_UNLINKED)) != 0
        )
        tcp = rows["key"]["protocol"] == _TCP
        limit = np.where(ended, self._idle.closed_ns, np.where(tcp, self._idle.tcp_ns, self._idle.other_ns))
        silent = np.int64(now_ns) - rows["last_ns"].astype(np.int64)
        return np.flatnonzero(((flags & layout.FLOW_LIVE) != 0) & (silent > limit))

    def totals(self, high_water: int, classes: int) -> ClassTotals:
        """Sums of all live rows by class number; line 0 holds the flows that have no class yet."""
        rows = self._rows[:high_water]
        totals = _sums(rows, classes)
        totals[0, 0] -= np.count_nonzero((rows["flags"] & layout.FLOW_LIVE) == 0)
        return totals

    def totals_of(self, slots: npt.NDArray[np.int64], classes: int) -> ClassTotals:
        """Sums of the rows in `slots` by class number."""
        return _sums(self._copies(slots), classes)

    def grown(self, high_water: int, packets: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Slots with a class that have counted other than `packets`, which has a number for each slot."""
        rows = self._rows[:high_water]
        counted = rows["packets"].sum(axis=1).astype(np.int64)
        return np.flatnonzero((rows["class_id"] != 0) & (counted != packets[:high_water]))

    def counts_of(self, slots: npt.NDArray[np.int64]) -> ClassTotals:
        """What each of `slots` has counted: a line for each, with the columns of class totals."""
        rows = self._copies(slots)
        lines = np.ones((len(slots), COUNT_FIELDS), dtype=np.int64)
        lines[:, 1:3] = rows["packets"]
        lines[:, 3:5] = rows["bytes"]
        lines[:, 5] = rows["payload_bytes"]
        lines[:, 6] = rows["opened_bytes"]
        return lines

    def _copies(self, slots: npt.NDArray[np.int64]) -> npt.NDArray[np.void]:
        """The rows in `slots`, copied as words: a structure numpy copies field by field, which takes ten times as long."""
        return self._words[slots].view(layout.ROW).reshape(-1)

    def classes_of(self, slots: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """The class number of each of `slots`."""
        return self._rows["class_id"][slots].astype(np.int64)

    def times_of(self, slots: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """When each of `slots` counted its first and its last packet: a line for each, two columns."""
        rows = self._rows
        return np.stack((rows["first_ns"][slots], rows["last_ns"][slots]), axis=1).astype(np.int64)

    def unclassed(self, slots: npt.NDArray[np.int64]) -> list[int]:
        """Those of `slots` whose flow has no class."""
        found: list[int] = slots[self._rows["class_id"][slots] == 0].tolist()
        return found

    def undecided(self, high_water: int, before_ns: int) -> list[int]:
        """Live flows without a class that will say no more about themselves.

        These are the flows that the gate has closed, those that are neither TCP nor UDP, and those that have sent
        payload and began before `before_ns`.
        """
        rows = self._rows[:high_water]
        flags = rows["flags"]
        waiting = np.flatnonzero(((flags & layout.FLOW_LIVE) != 0) & (rows["class_id"] == 0))
        few = self._copies(waiting)
        silent = (few["key"]["protocol"] != _TCP) & (few["key"]["protocol"] != _UDP)
        late = (few["payload_bytes"] > 0) & (few["first_ns"].astype(np.int64) < before_ns)
        found: list[int] = waiting[((few["flags"] & layout.FLOW_CLOSED) != 0) | silent | late].tolist()
        return found


def _sums(rows: npt.NDArray[np.void], classes: int) -> ClassTotals:
    numbers = rows["class_id"].astype(np.int64)
    columns: Sequence[npt.NDArray[np.uint64] | None] = (
        None,
        rows["packets"][:, 0],
        rows["packets"][:, 1],
        rows["bytes"][:, 0],
        rows["bytes"][:, 1],
        rows["payload_bytes"],
        rows["opened_bytes"],
    )
    totals = np.empty((classes, COUNT_FIELDS), dtype=np.int64)
    for i, column in enumerate(columns):  # weights are doubles: exact below 2^53 bytes, nine petabytes a class
        totals[:, i] = np.bincount(numbers, weights=column, minlength=classes)
    return totals


_TCP: Final = 6
_UDP: Final = 17
_FLOW_DNS: Final = 4
"""enum flow_kind"""
_ADDRESS_BYTES: Final = {0x0800: 4, 0x86DD: 16}
"""EtherType -> bytes of an address"""

# Names of this module: several are looked up for each slice.
_VERDICT: Final = layout.VERDICT
_CLASS_OFFSET: Final = layout.CLASS_OFFSET
_SEAL_OFFSET: Final = layout.CLASS_OFFSET + 4
_ROW_BYTES: Final = layout.ROW.itemsize
_TAGGED: Final = layout.FLOW_TAGGED

_CLIENT: Final = struct.Struct("<16s16s4xH77xB")
"""A row: addresses, ethertype, client."""

_new: Final = tuple.__new__
"""Makes a named tuple as the tuple that it is: 0.15 us, not 0.4, for each flow."""

_PLACE: Final = struct.Struct("<16s16s4xHBx72xHxB2xH")
"""A row: addresses, ethertype, protocol, flags, client, vlan."""

_FLOW: Final = struct.Struct("<16s16sHHHBxQ64xHxB2xH24x16s16sHHHBx8x")
"""A row: key (addresses, ports, ethertype, protocol), first_ns, flags, client, vlan, outer key (as key)."""


def _endpoints(key: Sequence[Any], client: int) -> Endpoints:
    size = _ADDRESS_BYTES.get(key[4], 0)
    server = 1 - client
    return Endpoints(key[client][:size], key[2 + client], key[server][:size], key[2 + server])
