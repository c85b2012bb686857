"""Flow rows, tick by tick -> keyed hashes of the devices that used each segment and category today, each handed on once.

A device is a client's address in a segment, as it is for allowances. Its address is not kept: a row of the flow table
is looked at once a day, and what stays of it is a bit. A device that has an IPv4 and an IPv6 address is told apart by
neither, so the two versions are counted apart.
"""

from collections import Counter
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from agent.devices.daily import day_key, hash_of, mark_of
from agent.flow import FlowClass
from agent.snapshot import DeviceScope

MAX_HASHES: Final = 262_144
"""Devices times categories in a day: 10,000 devices with 25 each. Some 100 bytes each: 26 MiB. An address space that
somebody walks through (a spoofed /16 has 65,536 addresses) cannot take more."""

_IP_VERSIONS: Final = {4: 4, 16: 6}
"""Bytes of an address -> version of the Internet Protocol."""

Numbers = npt.NDArray[np.int64]


class Rows(Protocol):
    """What is read of the gate's flow table; see agent.gate.table.FlowTable."""

    def live(self, high_water: int) -> Numbers: ...
    def classes_of(self, slots: Numbers) -> Numbers: ...
    def times_of(self, slots: Numbers) -> Numbers: ...
    def client(self, slot: int) -> bytes: ...


class Today(NamedTuple):
    """A day by the clock on the wall. Times are nanoseconds since the epoch."""

    name: str
    """ISO 8601, such as "2026-11-22"."""
    start_ns: int
    end_ns: int
    """The first nanosecond of the next day."""


class Batch(NamedTuple):
    """Hashes to be handed on, of one day."""

    day: Today
    hashes: dict[DeviceScope, list[bytes]]
    """In the order of their bytes, which says nothing about who came first."""


class Census:
    """The devices of one day, as this tap has seen them.

    Args:
        secret: the district's.
        max_hashes: how many are kept.
    """

    def __init__(self, secret: bytes, *, max_hashes: int = MAX_HASHES) -> None:
        self._secret = secret
        self._max_hashes = max_hashes
        self.mark = mark_of(secret)
        """Of the district, in the names of sketches."""
        self.today = Today("", 0, 0)
        """The day of the last count; its name is empty before the first."""
        self._key = b""
        self._known: dict[DeviceScope, set[bytes]] = {}
        self._waiting: dict[DeviceScope, list[bytes]] = {}
        self._size = 0
        self._is_counted = np.zeros(0, dtype=np.bool_)
        self.limits_met: Counter[str] = Counter(device_hashes=0)

    def count(
        self,
        rows: Rows,
        high_water: int,
        *,
        today: Today,
        ahead_ns: int,
        flow_class: Callable[[int], FlowClass],
        is_device: Callable[[str, bytes], bool],
    ) -> None:
        """Adds the devices of flows that were named, or went on after midnight, since the last call.

        Args:
            rows: the gate's flow table, with no row given back since the last call but by `forget`.
            high_water: rows below this number have been used.
            today: a new one drops everything about the old, its key first of all.
            ahead_ns: of the wall before the clock that stamps packets.
            flow_class: the class of a number in the rows.
            is_device: whether an address is that of a device inside a segment.
        """
        if today.name != self.today.name:
            self._begin(today)
        self._make_room(high_water)
        slots = rows.live(high_water)
        slots = slots[~self._is_counted[slots]]
        slots = slots[rows.classes_of(slots) != 0]
        slots = slots[rows.times_of(slots)[:, 1] + ahead_ns >= today.start_ns]  # else it is yesterday's
        self._is_counted[slots] = True
        for slot, number in zip(slots.tolist(), rows.classes_of(slots).tolist(), strict=True):
            client, found = rows.client(slot), flow_class(number)
            version = _IP_VERSIONS.get(len(client))
            if version is not None and is_device(found.segment, client):
                self._add(DeviceScope(found.segment, "", version), client)
                self._add(DeviceScope(found.segment, found.category, version), client)

    def forget(self, slots: Numbers) -> None:
        """The rows have been given back."""
        self._is_counted[slots[slots < len(self._is_counted)]] = False

    def next_batch(self, most: int) -> Batch | None:
        """At most so many hashes that were not handed on yet; None when none wait. They count as handed on."""
        hashes: dict[DeviceScope, list[bytes]] = {}
        room = most
        while self._waiting and room > 0:
            scope, waiting = next(iter(self._waiting.items()))
            hashes[scope] = sorted(waiting[-room:])
            del waiting[-room:]
            room -= len(hashes[scope])
            if not waiting:
                del self._waiting[scope]
        return Batch(self.today, hashes) if hashes else None

    def hand_on_again(self) -> None:
        """All of today is to be handed on once more: whoever took it may have lost it. A sketch does not mind."""
        self._waiting = {scope: list(known) for scope, known in self._known.items()}

    def devices(self) -> dict[DeviceScope, int]:
        """How many devices this tap has seen today."""
        return {scope: len(known) for scope, known in self._known.items()}

    def _add(self, scope: DeviceScope, client: bytes) -> None:
        known = self._known.setdefault(scope, set())
        digest = hash_of(self._key, scope, client)
        if digest in known:
            return
        if self._size >= self._max_hashes:
            self.limits_met["device_hashes"] += 1
            return
        self._size += 1
        known.add(digest)
        self._waiting.setdefault(scope, []).append(digest)

    def _begin(self, today: Today) -> None:
        self.today = today
        self._key = day_key(self._secret, today.name)
        self._known, self._waiting, self._size = {}, {}, 0
        self._is_counted[:] = False

    def _make_room(self, high_water: int) -> None:
        missing = high_water - len(self._is_counted)
        if missing > 0:
            self._is_counted = np.pad(self._is_counted, (0, max(missing, len(self._is_counted))))
