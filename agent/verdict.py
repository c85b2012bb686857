"""Words of policy: what the written policy says of a class of traffic at a given time, and why."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """The four answers a rule can give."""

    PERMITTED = "permitted"
    INCIDENTAL = "incidental"
    """Tolerated: "limited, occasional" personal use."""
    PROHIBITED = "prohibited"
    REVIEW = "review"
    """Counted for a person to look at; neither tolerated nor forbidden by itself."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was considered on the way to a verdict."""

    what: str
    """Such as "segment", "schedule" or "rule social-in-class"."""
    outcome: str
    """Such as "staff (VLAN 10)" or "no: categories are retail"."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """How much incidental use is tolerated: of a device, in a category, on a day. What goes beyond is for review."""

    minutes: int | None = None
    """Distinct minutes of the day with traffic; None when minutes do not matter."""
    bytes: int | None = None
    """Frame bytes both ways; None when bytes do not matter."""

    def __str__(self) -> str:
        minutes = [] if self.minutes is None else [f"{self.minutes:,} minutes"]
        size = [] if self.bytes is None else [f"{self.bytes:,} bytes"]
        return " or ".join(minutes + size)


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict and how it was reached."""

    verdict: Verdict
    rule: str
    """Identifier of the first rule that matched, or "default"."""
    clause: str
    """Clause of the written policy that the rule rests on, or ""."""
    because: str
    steps: tuple[Step, ...]
    allowance: Allowance | None = None
    """Of an incidental verdict: how far it reaches; None when there is no end to it."""
