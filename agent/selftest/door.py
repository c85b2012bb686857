"""Slices as they leave the gate -> the same slices, kept and measured: what was opened stays in memory to be searched.

Python gives memory back and writes over it. A byte that left the gate by mistake might be gone before anyone looks. So
everything that comes through the door is kept until the search is over, which makes the search a stronger test.
"""

from collections import Counter
from typing import Final

from agent.flow import Slice, SliceKind

MAX_KEPT_BYTES: Final = 128 << 20
"""Twice what a self-test sends in all, so that even a gate that opens everything is shown to do so."""


class Door:
    """Keeps bytes, and notes how many of them came by each row of the table of what is opened."""

    def __init__(self, *, max_kept_bytes: int = MAX_KEPT_BYTES) -> None:
        self._max_kept_bytes = max_kept_bytes
        self._kept: list[bytes] = []
        self._by_flow: Counter[tuple[int, int, int, int]] = Counter()
        self._furthest: Counter[int] = Counter()
        self.kept_bytes = 0
        self.kept_all = True

    def keep(self, data: bytes) -> None:
        """Keeps the bytes, as far as there is room."""
        if self.kept_bytes + len(data) > self._max_kept_bytes:
            self.kept_all = False
            return
        self._kept.append(data)
        self.kept_bytes += len(data)

    def take(self, piece: Slice, first_ns: int) -> None:
        """Keeps and measures a slice.

        Args:
            piece: as the gate gave it.
            first_ns: when its flow began, since slots are used again.
        """
        self.keep(piece.data)
        self._by_flow[piece.kind, piece.slot, first_ns, piece.direction] += len(piece.data)
        self._furthest[piece.kind] = max(self._furthest[piece.kind], piece.offset + len(piece.data))

    def received(self) -> dict[str, int]:
        """Bytes by kind of slice, as SliceKind names it in lower case."""
        total: Counter[str] = Counter()
        for (kind, *_), size in self._by_flow.items():
            total[_name(kind)] += size
        return dict(total)

    def most(self) -> dict[str, int]:
        """The most bytes of one flow and direction, by kind of slice."""
        most: dict[str, int] = {}
        for (kind, *_), size in self._by_flow.items():
            most[_name(kind)] = max(most.get(_name(kind), 0), size)
        return most

    def furthest(self) -> dict[str, int]:
        """The furthest end of a slice in its stream or datagram, by kind of slice."""
        return {_name(kind): end for kind, end in self._furthest.items()}


def _name(kind: int) -> str:
    return SliceKind(kind).name.lower()
