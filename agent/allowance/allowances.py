"""Flow rows and the policy of the moment, tick by tick -> use beyond an allowance, for review; and the day in numbers.

A device has used a category in a minute when at a tick a flow of it had its last packet, or its first, in that minute.
A minute without a packet never counts. One with packets is missed only when all of them came after its last tick, and
their flows went on in the next minute before the next tick; ticks at the ends of minutes miss none, whether they come
each second or each minute. Minutes are those of the epoch, so the hour that the end of daylight saving repeats counts
twice.

A class never changes under a flow, and here it does not have to: the verdict moves. What the rows of a device grow by
in a tick that finds it beyond its allowance is credited to review, in place of incidental. So flows that are under way
move too, at once, and move back at midnight or when a reload gives more. A mark in the class, set when a flow begins,
would leave an afternoon's video tolerated to its end, and a flow that is open at midnight under review for good.

After a restart every device begins with nothing: to know it again would take the day's key and the hashes on a disk,
and both together are the addresses (there are few enough to try them all). So a restart forgives. What the day has
shown so far is kept by the caller (see `DaySoFar`), and told on: each number is the larger of those before and after
the restart, since the same devices may be in both, and none may count twice.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Final

import numpy as np
import numpy.typing as npt

from agent.allowance.day import Day, day_of
from agent.allowance.growth import FIELDS, RECEIVED_BYTES, SENT_BYTES, Grown, Growth, Rows
from agent.allowance.small_cells import MIN_DEVICES, Tally, without_small_cells
from agent.allowance.uses import MAX_USES, NO_ROOM, Uses
from agent.flow import FlowClass
from agent.snapshot import MINUTE_BOUNDS, IncidentalUse
from agent.verdict import Allowance, Decision, Verdict

SALT_BYTES: Final = 32
"""Of the key that is made each midnight."""

_MINUTE_NS: Final = 60_000_000_000
_WITHOUT_END: Final = 1 << 62

Numbers = npt.NDArray[np.int64]
Judge = Callable[[int], tuple[FlowClass, Decision]]
"""A class's number -> the class, and what policy says of it now."""


@dataclass(frozen=True, slots=True)
class DaySoFar:
    """What has been told of a day: all that outlives the process. It names no device, and tells no small number."""

    day: str
    """ISO 8601, by the clock on the wall."""
    uses: Mapping[tuple[str, str], IncidentalUse] = field(default_factory=dict)


class Allowances:
    """Incidental use of today.

    Args:
        new_salt: gives SALT_BYTES random bytes; asked at the start and at each midnight.
        min_devices: smaller numbers of devices are not told.
        before: what an earlier process told, of today or another day.
        max_uses: devices times categories that are kept.
    """

    def __init__(
        self,
        new_salt: Callable[[], bytes],
        *,
        min_devices: int = MIN_DEVICES,
        before: DaySoFar | None = None,
        max_uses: int = MAX_USES,
    ) -> None:
        self._new_salt = new_salt
        self._min_devices = min_devices
        self._before = before or DaySoFar("")
        self._max_uses = max_uses
        self._growth = Growth()
        self._day: Day | None = None
        self._uses = Uses(new_salt(), max_uses=max_uses)
        self._use_of = np.zeros(0, dtype=np.int64)
        """slot -> number of a use; 0 before its first incidental packet of the day"""
        self._is_beyond = np.zeros(0, dtype=np.bool_)
        self._at_rest = False
        self._met: Counter[str] = Counter(incidental_uses=0)

    @property
    def limits_met(self) -> Counter[str]:
        """How often MAX_USES was met: by each flow of a device whose use found no room."""
        met = Counter(self._met)
        met.update(self._uses.limits_met)
        return met

    def count(
        self, rows: Rows, high_water: int, *, wall_ns: int, ahead_ns: int, zone: tzinfo, judge: Judge | None
    ) -> dict[int, Sequence[int]]:
        """Adds what was used since the last call.

        Args:
            rows: the gate's flow table, with no row given back since the last call but by `forget`.
            high_water: rows below this number have been used.
            wall_ns: nanoseconds since the epoch.
            ahead_ns: of the wall before the clock that stamps packets.
            zone: whose midnight begins a day.
            judge: policy at `wall_ns`, for the class numbers in the rows; None while no rule has an allowance. Then
                nothing is counted, nor in the tick in which a reload brings one: 4 ms a tick of 13,000 rows.

        Returns:
            By class number, what rows of devices beyond their allowance grew by: the columns of agent.snapshot.Counts.
        """
        self._turn_to(wall_ns, zone)
        if judge is None:
            self._is_beyond[:] = False
            self._at_rest = True
            return {}
        self._make_room(high_water)
        grown = self._growth.since_last(rows, high_water)
        if self._at_rest:  # what rows grew by under rules without an allowance is no use of one
            self._at_rest = False
            return {}
        return self._count(rows, grown, ahead_ns, _Limits(grown.classes, judge))

    def forget(self, slots: Numbers) -> None:
        """The rows have been given back."""
        self._growth.forget(slots)
        slots = slots[slots < len(self._use_of)]
        self._use_of[slots] = 0
        self._is_beyond[slots] = False

    def is_beyond(self, slot: int) -> bool:
        """Whether the flow's latest packets came when its device was beyond its allowance."""
        return slot < len(self._is_beyond) and bool(self._is_beyond[slot])

    def told(self) -> tuple[DaySoFar, int]:
        """What may be told of today; and how many numbers of too few devices were held back."""
        today = "" if self._day is None else self._day.name
        cells: dict[tuple[str, str], Tally] = self._uses.tally(MINUTE_BOUNDS)
        if self._before.day == today:
            cells = _larger(cells, self._before.uses)
        uses, held_back = without_small_cells(cells, self._min_devices)
        return DaySoFar(today, uses), held_back

    def _count(self, rows: Rows, grown: Grown, ahead_ns: int, limits: "_Limits") -> dict[int, Sequence[int]]:
        first, last = ((times + ahead_ns) // _MINUTE_NS for times in (grown.first_ns, grown.last_ns))
        begins = 0 if self._day is None else self._day.start_ns // _MINUTE_NS
        self._is_beyond[grown.slots] = False
        # What came before midnight is yesterday's, which is closed: at most a tick's worth.
        lines = np.flatnonzero(limits.has_end[grown.classes] & (last >= begins))
        uses = self._uses_of(rows, grown, lines, limits)
        lines, uses = lines[uses != NO_ROOM], uses[uses != NO_ROOM]
        classes, added = grown.classes[lines], grown.counts[lines]
        octets = added[:, SENT_BYTES] + added[:, RECEIVED_BYTES]
        # A flow's first minute stands in a line of its own, unless it was yesterday's.
        begun = first[lines] >= begins
        self._uses.add(
            np.concatenate((uses, uses[begun])),
            np.concatenate((last[lines], first[lines][begun])),
            np.concatenate((octets, np.zeros_like(octets[begun]))),
        )
        over = self._uses.beyond(uses, limits.minutes[classes], limits.bytes[classes])
        self._is_beyond[grown.slots[lines[over]]] = True
        numbers, lines_of = np.unique(classes[over], return_inverse=True)
        sums = np.zeros((len(numbers), FIELDS), dtype=np.int64)
        np.add.at(sums, lines_of, added[over])
        return dict(zip(numbers.tolist(), sums.tolist(), strict=True))

    def _uses_of(self, rows: Rows, grown: Grown, lines: Numbers, limits: "_Limits") -> Numbers:
        """The number of each line's use. An address is hashed once for each flow, and once more after midnight."""
        slots = grown.slots[lines]
        fresh = self._use_of[slots] == 0
        for slot, number in zip(slots[fresh].tolist(), grown.classes[lines[fresh]].tolist(), strict=True):
            flow_class = limits.flow_classes[number]
            self._use_of[slot] = self._uses.number(flow_class.segment, flow_class.category, rows.client(slot))
        return self._use_of[slots]

    def _turn_to(self, wall_ns: int, zone: tzinfo) -> None:
        """At midnight everything about yesterday is dropped, its key first of all."""
        if self._day is not None and self._day.holds(wall_ns):
            return
        day = day_of(wall_ns, zone)
        yesterday, self._day = self._day, day
        if yesterday is not None and yesterday.name == day.name:
            return  # the same day in another zone, after a reload; or a time that no calendar has
        self._met.update(self._uses.limits_met)
        self._uses = Uses(self._new_salt(), max_uses=self._max_uses)
        self._use_of[:] = 0

    def _make_room(self, high_water: int) -> None:
        missing = high_water - len(self._use_of)
        if missing > 0:
            missing = max(missing, len(self._use_of))
            self._use_of = np.pad(self._use_of, (0, missing))
            self._is_beyond = np.pad(self._is_beyond, (0, missing))


class _Limits:
    """What policy says now of the classes that grew, as arrays by class number."""

    def __init__(self, classes: Numbers, judge: Judge) -> None:
        size = int(classes.max(initial=0)) + 1
        self.has_end = np.zeros(size, dtype=np.bool_)
        self.minutes = np.full(size, _WITHOUT_END, dtype=np.int64)
        self.bytes = np.full(size, _WITHOUT_END, dtype=np.int64)
        self.flow_classes: dict[int, FlowClass] = {}
        for number in np.flatnonzero(np.bincount(classes)).tolist():
            flow_class, decision = judge(number)
            if decision.verdict is Verdict.INCIDENTAL and decision.allowance is not None:
                self._set(number, flow_class, decision.allowance)

    def _set(self, number: int, flow_class: FlowClass, allowance: Allowance) -> None:
        self.flow_classes[number] = flow_class
        self.has_end[number] = True
        if allowance.minutes is not None:
            self.minutes[number] = allowance.minutes
        if allowance.bytes is not None:
            self.bytes[number] = allowance.bytes


def _larger(
    now: Mapping[tuple[str, str], Tally], before: Mapping[tuple[str, str], IncidentalUse]
) -> dict[tuple[str, str], Tally]:
    larger = dict(now)
    nothing: Tally = ((0,) * len(MINUTE_BOUNDS), 0)
    for cell, use in before.items():
        longer_than, over = larger.get(cell, nothing)
        larger[cell] = (tuple(map(max, longer_than, use.longer_than)), max(over, use.over_allowance))
    return larger
