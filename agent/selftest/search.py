"""A process' memory -> the marks in it, whole or in part, and how much of the memory was looked at.

The one who searches must be another process than the one that is searched, or it finds its own needles.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from agent.lab.canary import CANARY_BYTES, PATTERN, PREFIX
from agent.selftest import memory

HALF_BYTES: Final = CANARY_BYTES // 2
"""Halves are searched too: any 15 bytes of a marked stretch hold one of them whole."""
UNREADABLE_BY_ANYONE: Final = ("[vvar", "[vsyscall]")
"""Pages that the kernel shows to every process, such as its clock; it writes them itself and lets no one else read them
through /proc. No packet can come there."""

_FIRST_HALF: Final = re.compile(re.escape(PREFIX[:HALF_BYTES]))
_SECOND_HALF: Final = re.compile(re.escape(PREFIX[HALF_BYTES:]) + rb"([0-9a-f]{6})")


@dataclass(frozen=True, slots=True)
class Found:
    """What a search came to."""

    flows: frozenset[int]
    """Whose marks were found, as far as the halves tell: a first half alone does not."""
    whole: int
    """Whole marks; a mark counts once for each copy in memory."""
    halves: int
    """Halves, those of whole marks included."""
    places: Mapping[str, int] = field(default_factory=dict)
    """name of the mapping -> halves in it"""
    searched_mappings: int = 0
    searched_bytes: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)
    """name of a mapping that was not searched on purpose -> its bytes"""
    unread: Mapping[str, int] = field(default_factory=dict)
    """name of a mapping that should have been searched and could not be read -> its bytes"""

    @property
    def bytes(self) -> int:
        """Bytes of marks in memory, copies included."""
        return self.halves * HALF_BYTES


def search(pid: int, marked_flows: frozenset[int], *, leave_out: Callable[[str], bool] = lambda _: False) -> Found:
    """Searches everything that the process can read.

    Args:
        pid: of another process; it should stand still.
        marked_flows: numbers of the flows whose marks there are. Six digits may follow two letters by chance.
        leave_out: whether a mapping of this name is not to be searched.

    Raises:
        CannotRunError: no permission.
        OSError: there is no such process.
    """
    tally = _Tally(marked_flows)
    searched: list[int] = []
    left_out: Counter[str] = Counter()
    unread: Counter[str] = Counter()
    with memory.Memory(pid) as process:
        for mapping in process.mappings:
            if not mapping.readable:
                continue  # reserved address space and guard pages: the process cannot read them either
            if mapping.name.startswith(UNREADABLE_BY_ANYONE) or leave_out(mapping.name):
                left_out[mapping.name] += mapping.bytes
                continue
            try:
                tally.look(mapping.name, process.chunks(mapping))
            except OSError:
                unread[mapping.name] += mapping.bytes
            else:
                searched.append(mapping.bytes)
    return Found(
        flows=frozenset(tally.flows),
        whole=tally.whole,
        halves=sum(tally.places.values()),
        places=dict(tally.places),
        searched_mappings=len(searched),
        searched_bytes=sum(searched),
        left_out=dict(left_out),
        unread=dict(unread),
    )


class _Tally:
    """Marks found so far."""

    def __init__(self, marked_flows: frozenset[int]) -> None:
        self._marked = marked_flows
        self.flows: set[int] = set()
        self.whole = 0
        self.places: Counter[str] = Counter()

    def look(self, place: str, chunks: Iterable[bytes]) -> None:
        """Counts the marks in one mapping; those across two chunks too."""
        tail = b""
        for chunk in chunks:
            self._count(place or "(plain memory)", tail + chunk, old=len(tail))
            tail = (tail + chunk)[-(CANARY_BYTES - 1) :]

    def _count(self, place: str, data: bytes, old: int) -> None:
        """Counts the marks in `data` that end behind its first `old` bytes: the others were counted before."""
        firsts = [match.end() for match in _FIRST_HALF.finditer(data) if match.end() > old]
        seconds = [int(match[1], 16) for match in _SECOND_HALF.finditer(data) if match.end() > old]
        seconds = [number for number in seconds if number in self._marked]
        if not firsts and not seconds:
            return
        self.flows.update(seconds)
        self.places[place] += len(firsts) + len(seconds)
        self.whole += sum(int(match[1], 16) in self._marked for match in PATTERN.finditer(data) if match.end() > old)
