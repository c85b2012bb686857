"""Minutes and bytes of devices -> what each has used of each category today, under a hash that is another tomorrow.

A device is a client's address in a segment; its MAC address is not seen beyond the gate. The address is not kept. What
is kept of a use is blake2b (RFC 7693) of segment, category and address, keyed with 32 random bytes that are made when
the day begins, live in memory alone and are dropped at its end. So the uses of one device in two categories cannot be
told to be one device's without trying addresses, nor can those of two days. Which minutes they were is not kept
either: how many, and the last one.

What this does not do: who can read the memory of this process finds the key there, and could try every address of the
site on that day. The hash is a rule about what is kept, not a wall round it.
"""

from collections import Counter
from hashlib import blake2b
from typing import Final

import numpy as np
import numpy.typing as npt

MAX_USES: Final = 65_536
"""Devices times categories in a day: 5,000 devices with 13 each. Some 25 bytes, and 150 in the dictionary: 11 MiB."""

NO_ROOM: Final = -1
"""In place of a use's number when MAX_USES was met: the device's use in this category is tolerated without end."""

_DIGEST_BYTES: Final = 16
"""Two uses in a day of MAX_USES collide once in 10^29 days."""

_MINUTE_BITS: Final = 32
"""Minutes since the epoch have 28 bits until 2480, and 63 bits of nanoseconds end in 2262."""

Numbers = npt.NDArray[np.int64]


class Uses:
    """Everything that is known of the devices of one day. Number 0 is no use.

    Args:
        salt: 32 random bytes.
        max_uses: how many are kept.
    """

    def __init__(self, salt: bytes, *, max_uses: int = MAX_USES) -> None:
        self._salt = salt
        self._max_uses = max_uses
        self._numbers: dict[bytes, int] = {}
        self._cells: dict[tuple[str, str], int] = {}
        self._cell_of = np.zeros(max_uses + 1, dtype=np.int32)
        self._minutes = np.zeros(max_uses + 1, dtype=np.int32)
        self._last_minute = np.full(max_uses + 1, -1, dtype=np.int64)
        self._bytes = np.zeros(max_uses + 1, dtype=np.int64)
        self._over = np.zeros(max_uses + 1, dtype=np.bool_)
        self.limits_met: Counter[str] = Counter()

    def number(self, segment: str, category: str, client: bytes) -> int:
        """The number of a device's use of a category, from 1; NO_ROOM when there are too many."""
        place = f"{segment}\0{category}\0".encode()
        digest = blake2b(place + client, key=self._salt, digest_size=_DIGEST_BYTES).digest()
        known = self._numbers.get(digest)
        if known is not None:
            return known
        if len(self._numbers) >= self._max_uses:
            self.limits_met["incidental_uses"] += 1
            return NO_ROOM
        number = len(self._numbers) + 1
        self._numbers[digest] = number
        self._cell_of[number] = self._cells.setdefault((segment, category), len(self._cells))
        return number

    def add(self, numbers: Numbers, minutes: Numbers, octets: Numbers) -> None:
        """Adds to uses, a line for each; a number may stand in several.

        Args:
            numbers: as `number` gave them, none of them NO_ROOM.
            minutes: minutes since the epoch in which there was traffic; each counts once, one before the latest never.
            octets: bytes to add.
        """
        np.add.at(self._bytes, numbers, octets)
        later = minutes > self._last_minute[numbers]
        new = np.unique(numbers[later] << _MINUTE_BITS | minutes[later])  # one number for both: unique pairs are slow
        np.add.at(self._minutes, new >> _MINUTE_BITS, 1)
        self._last_minute[new >> _MINUTE_BITS] = new & (1 << _MINUTE_BITS) - 1  # in order: the latest stays

    def beyond(self, numbers: Numbers, minutes: Numbers, octets: Numbers) -> npt.NDArray[np.bool_]:
        """Which uses are beyond so many minutes or so many bytes, a line for each; from now on they count as over."""
        over: npt.NDArray[np.bool_] = (self._minutes[numbers] > minutes) | (self._bytes[numbers] > octets)
        self._over[numbers[over]] = True
        return over

    def tally(self, bounds: tuple[int, ...]) -> dict[tuple[str, str], tuple[tuple[int, ...], int]]:
        """By segment and category: devices with more minutes than each of `bounds`, and devices that went over."""
        known = slice(1, len(self._numbers) + 1)
        cells, minutes, over = self._cell_of[known], self._minutes[known], self._over[known]
        size = len(self._cells)
        longer = [np.bincount(cells[minutes > bound], minlength=size).tolist() for bound in bounds]
        overs = np.bincount(cells[over], minlength=size).tolist()
        return {cell: (tuple(column[i] for column in longer), overs[i]) for cell, i in self._cells.items()}
