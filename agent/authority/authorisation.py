"""Words of an authorisation: on which ground, on what information, by whom, for what, and from when to when."""

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address
from typing import Final

MAX_DAYS: Final = 30
"""The longest that an authorisation may last: a working month. What takes longer is approved again, by a person."""
MIN_INFORMATION_CHARACTERS: Final = 20
"""The law asks for specific information (Conn. Gen. Stat. 31-40x); a word or two are none."""
MAX_INFORMATION_CHARACTERS: Final = 2_000
"""A paragraph; the investigation's own file holds the rest."""
MAX_NAME_CHARACTERS: Final = 200
"""A name and an office."""

Address = IPv4Address | IPv6Address


class Ground(StrEnum):
    """A ground that the law names. Which of them holds, and whether any does, counsel decides."""

    A = "A"
    """Conn. Gen. Stat. 31-40x, first exception: compliance with law, or work-related misconduct."""
    B = "B"
    """Conn. Gen. Stat. 31-40x, second exception: unauthorised transfer of the employer's data."""
    LAW = "law"
    """Conn. Gen. Stat. 31-48d: reasonable grounds to believe that conduct violates the law."""
    RIGHTS = "rights"
    """Conn. Gen. Stat. 31-48d: ... violates the legal rights of the employer or of other employees."""
    HOSTILE = "hostile"
    """Conn. Gen. Stat. 31-48d: ... creates a hostile work environment."""


GROUND_TEXTS: Final = {
    Ground.A: "investigating compliance with law, or work-related misconduct (Conn. Gen. Stat. 31-40x, exception A)",
    Ground.B: "investigating unauthorised transfer of the board's data (Conn. Gen. Stat. 31-40x, exception B)",
    Ground.LAW: "reasonable grounds: conduct that violates the law (Conn. Gen. Stat. 31-48d)",
    Ground.RIGHTS: "reasonable grounds: conduct that violates the legal rights of the board or of employees (31-48d)",
    Ground.HOSTILE: "reasonable grounds: conduct that creates a hostile work environment (Conn. Gen. Stat. 31-48d)",
}
"""Ground -> what it is, for people."""


@dataclass(frozen=True, slots=True)
class Device:
    """A scope: the flows that one address opens."""

    address: Address


@dataclass(frozen=True, slots=True)
class Network:
    """A scope: the flows of one segment."""

    segment: str


Scope = Device | Network


@dataclass(frozen=True, slots=True)
class Authorisation:
    """A written permission to keep flow records. Times are nanoseconds since the epoch, and whole seconds."""

    identifier: str
    ground: Ground
    information: str
    """The specific information on which it rests."""
    received_on: str
    """The day on which that information was received, ISO 8601."""
    approved_by: str
    scope: Scope
    written_ns: int
    from_ns: int
    until_ns: int
    """The first moment at which it holds no more."""
    names: bool = False
    """Whether names of hosts may be recorded."""
