"""What the processes of a self-test tell each other: frozen values, one line of JSON each."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TypeVar

from agent.selftest import BrokenOffError, CannotRunError


@dataclass(frozen=True, slots=True)
class Made:
    """The traffic, before it is sent."""

    packets: int
    bytes: int
    """Of whole frames, as everywhere in a self-test."""
    marked_bytes: int
    """Bytes that must stay closed, in whole marks."""
    marked_flows: Sequence[int]
    """Numbers of the flows of which some frame holds a whole mark, ascending."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What was handed to the network."""

    packets: int
    bytes: int
    retries: int
    """How often the interface had no room at first."""
    lost_packets: int
    """What the interface itself says that it lost on the way."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A process watches the interface from now on."""

    pid: int
    gate: str
    """"kernel", "process", or "none" in the control."""
    why: str
    """Why it is this gate, in one line."""
    ring_bytes: int = 0
    """Memory of this process through which whole packets pass; 0 with the kernel's gate."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the watching process counted, with all its flows ended. The control only counts packets and bytes."""

    packets: int
    bytes: int
    dropped_packets: int
    """Lost before the gate."""
    kept_bytes: int
    """Everything that came through the gate, kept in memory for the search."""
    kept_all: bool
    """Whether there was room to keep it all."""
    missing_packets: int = 0
    """What the accounts cannot explain."""
    missing_bytes: int = 0
    untracked_packets: int = 0
    undecodable_packets: int = 0
    lost_slices: int = 0
    """Opened bytes for which there was no room on the way."""
    flows: int = 0
    payload_bytes: int = 0
    opened: Mapping[str, int] = field(default_factory=dict)
    """What the gate says it opened, in bytes by kind of slice."""
    received: Mapping[str, int] = field(default_factory=dict)
    """What came through it, in bytes by kind of slice."""
    most: Mapping[str, int] = field(default_factory=dict)
    """The most bytes of one flow and direction, by kind of slice."""
    furthest: Mapping[str, int] = field(default_factory=dict)
    """The furthest end of a slice in its stream or datagram, by kind of slice."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The process cannot do its part on this machine."""

    reason: str


Report = Made | Sent | Ready | Seen | Refused
_Report = TypeVar("_Report", Made, Sent, Ready, Seen)

_KINDS = {kind.__name__: kind for kind in (Made, Sent, Ready, Seen, Refused)}


def to_line(report: Report) -> str:
    """A report as one line of JSON."""
    return json.dumps({"report": type(report).__name__, **asdict(report)}) + "\n"


def from_line(line: str, kind: type[_Report]) -> _Report:
    """Reads a line of `to_line`.

    Raises:
        CannotRunError: the process refused.
        BrokenOffError: it said something else.
    """
    try:
        fields = json.loads(line)
        report = _KINDS[fields.pop("report")](**fields)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BrokenOffError(
            f"a part of the self-test said {line.strip()[:80]!r} instead of {kind.__name__}"
        ) from error
    if isinstance(report, Refused):
        raise CannotRunError(report.reason)
    if not isinstance(report, kind):
        raise BrokenOffError(f"a part of the self-test said {type(report).__name__} instead of {kind.__name__}")
    return report
