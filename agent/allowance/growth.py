"""Flow rows, tick by tick -> what each row with a class grew by since the last tick, exactly once."""

from typing import Final, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

FIELDS: Final = 7
"""Columns of counts, in the order of agent.snapshot.Counts."""
SENT_BYTES: Final = 3
RECEIVED_BYTES: Final = 4

Numbers = npt.NDArray[np.int64]


class Rows(Protocol):
    """What is read of the gate's flow table; see agent.gate.table.FlowTable."""

    def grown(self, high_water: int, packets: Numbers) -> Numbers: ...
    def counts_of(self, slots: Numbers) -> Numbers: ...
    def classes_of(self, slots: Numbers) -> Numbers: ...
    def times_of(self, slots: Numbers) -> Numbers: ...
    def client(self, slot: int) -> bytes: ...


class Grown(NamedTuple):
    """Rows with new packets, a line for each in every array."""

    slots: Numbers
    classes: Numbers
    first_ns: Numbers
    """The first packet, where it is new too; else the last packet once more."""
    last_ns: Numbers
    counts: Numbers
    """What was added to each of FIELDS columns; the flow itself counts in the first tick after it was named."""


class Growth:
    """Remembers what each row had counted at the last tick: 64 bytes for each row that was ever in use at once."""

    def __init__(self) -> None:
        self._counts = np.zeros((0, FIELDS), dtype=np.int64)
        self._packets = np.zeros(0, dtype=np.int64)

    def since_last(self, rows: Rows, high_water: int) -> Grown:
        """What rows grew by since the last call. A row's first call has everything that it counted, named or not."""
        self._make_room(high_water)
        slots = rows.grown(high_water, self._packets)
        counts, times = rows.counts_of(slots), rows.times_of(slots)
        added = counts - self._counts[slots]
        begins = self._packets[slots] == 0
        self._counts[slots] = counts
        self._packets[slots] = counts[:, 1] + counts[:, 2]
        first_ns = np.where(begins, times[:, 0], times[:, 1])
        return Grown(slots, rows.classes_of(slots), first_ns, times[:, 1], added)

    def forget(self, slots: Numbers) -> None:
        """The rows have been given back: their next flow begins with nothing."""
        slots = slots[slots < len(self._packets)]
        self._counts[slots] = 0
        self._packets[slots] = 0

    def _make_room(self, high_water: int) -> None:
        missing = high_water - len(self._packets)
        if missing > 0:
            missing = max(missing, len(self._packets))  # doubling, so that growing is seldom
            self._counts = np.pad(self._counts, ((0, missing), (0, 0)))
            self._packets = np.pad(self._packets, (0, missing))
