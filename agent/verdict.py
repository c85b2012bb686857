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
class Decision:
    """A verdict and how it was reached."""

    verdict: Verdict
    rule: str
    """Identifier of the first rule that matched, or "default"."""
    clause: str
    """Clause of the written policy that the rule rests on, or ""."""
    because: str
    steps: tuple[Step, ...]
