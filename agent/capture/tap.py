"""What a daemon asks of a tap: a gate, its slices so far, its clock."""

from typing import Final, Protocol

from agent.contracts import Gate
from agent.gate.slices import SliceBatch

WAITING_SLICES: Final = "waiting_slices"
"""The limit that `lost_chunks` counts."""


class Tap(Protocol):
    """A source of packets with a gate before it."""

    @property
    def gate(self) -> Gate:
        """Counts every packet of this tap."""

    @property
    def behind(self) -> bool:
        """Whether the last read may have left something for the next."""

    def read(self) -> SliceBatch:
        """What the gate has opened since the last call, up to a bounded amount of work."""

    @property
    def lost_chunks(self) -> int:
        """How often opened bytes had to be let go unread because too many waited, or they waited too long."""

    def now_ns(self) -> int:
        """The time by the clock that stamps this tap's packets, in nanoseconds."""

    def dropped_packets(self) -> int:
        """Packets lost before the gate, since the start."""

    def problem(self) -> str | None:
        """Why the tap delivers nothing at the moment, or None."""

    def close(self) -> None:
        """Detaches. The gate's table stays readable until then, and not after."""
