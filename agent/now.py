"""Words of what is shown: the newest counts and rates, as the agent's own page and `hallwatch top` both read them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from agent.snapshot import GateTotals
from agent.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Line:
    """What one category, or one application, was used for."""

    name: str
    """Identifier of the category or of the application."""
    title: str
    """The same for people."""
    category: str
    flows: int
    """Since the start, as every number here that is not a rate."""
    sent_bytes: int
    """Frame bytes on the wire that clients sent, without FCS."""
    received_bytes: int
    bytes_per_s: float
    """Both ways, over the last seconds; see Now.span_s."""
    verdicts: Mapping[Verdict, int] = field(default_factory=dict)
    """Frame bytes both ways under each verdict."""
    verdicts_per_s: Mapping[Verdict, float] = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        return self.sent_bytes + self.received_bytes


@dataclass(frozen=True, slots=True)
class InForce:
    """By which policy traffic is judged."""

    district: str
    """As the rules name it, or "" where they are nobody's pack."""
    document: str
    """The written policy, by number and title, or ""."""
    rules: int
    """How many, without the default."""
    loaded_s: float
    """When, in seconds since the epoch."""
    reloaded: bool
    """Whether the newest attempt to load rules succeeded; otherwise those from before are still in force."""
    notice: str = ""
    """How the posted notice stands to this policy, in a few words."""
    notice_true: bool = True
    """False when what was posted no longer says what is done, or when no notice can be written."""


@dataclass(frozen=True, slots=True)
class Now:
    """Everything that is shown of one moment. No address, host name, user or device is in it."""

    version: str
    time_s: float
    """When the counts were taken, in seconds since the epoch."""
    waiting: str | None
    """Why the agent is not ready, or None."""
    span_s: float
    """The seconds that the rates are over; 0 while there are none."""
    flows: int
    opened_bytes: int
    """Of transport payload, like the next three."""
    unopened_bytes: int
    opened_bytes_per_s: float
    unopened_bytes_per_s: float
    gate: GateTotals
    verdicts: Mapping[Verdict, int] = field(default_factory=dict)
    """Frame bytes both ways under each verdict, every verdict named."""
    verdicts_per_s: Mapping[Verdict, float] = field(default_factory=dict)
    categories: tuple[Line, ...] = ()
    """By bytes, most first."""
    applications: tuple[Line, ...] = ()
    """By bytes, most first. What is in no catalogue is one of them, "unknown"."""
    applications_left_out: int = 0
    """Further ones, where a document holds only a part."""
    evidence: Mapping[str, int] = field(default_factory=dict)
    """What names rest on -> flows, best first."""
    opened: Mapping[str, int] = field(default_factory=dict)
    """What was opened -> bytes."""
    limits: Mapping[str, int] = field(default_factory=dict)
    """Limits that have been met -> how often."""
    policy: InForce | None = None

    @property
    def bytes_per_s(self) -> float:
        return sum(self.verdicts_per_s.values())
