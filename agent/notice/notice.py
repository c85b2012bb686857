"""Words of the notice: everything that it describes, and the fingerprint over exactly that.

The values are facts (identifiers, numbers, the district's own words); the sentences around them are in wording.py. So a
better sentence in a newer Hallwatch asks nobody to post the notice again, and a changed fact does.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum


class Collected(StrEnum):
    """A type of monitoring which may occur."""

    COUNTS = "counts"
    """Flows, packets and bytes, added up by network, category, application, verdict and account."""
    NAMES = "names"
    """Names of services, read from the introductions of connections."""
    DNS = "dns"
    """Questions to and answers of name servers."""
    DEVICE_MINUTES = "device_minutes"
    """Minutes of use for each device, category and day, under a number that changes daily."""
    DISTINCT_DEVICES = "distinct_devices"
    """Keyed hashes of devices, added to sketches in a store that the district's agents share."""
    RECORDS = "records"
    """Records about one device or one network, under a written authorisation."""


@dataclass(frozen=True, slots=True)
class NoticedBuilding:
    """A building as the notice names it."""

    id: str
    name: str
    address: str


@dataclass(frozen=True, slots=True)
class NoticedTap:
    """A place where monitoring may occur."""

    id: str
    building: str
    """Identifier of the building in which it stands."""
    where: str
    networks: tuple[str, ...]
    """Identifiers of the networks whose traffic passes there."""
    covers: tuple[str, ...]
    """Identifiers of the buildings whose traffic passes there."""


@dataclass(frozen=True, slots=True)
class Network:
    """A segment of the district's network."""

    id: str
    title: str
    vlans: tuple[int, ...]
    prefixes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """How long one kind of thing is kept."""

    id: str
    """"counts", "records", "names" or "distinct_devices"."""
    days: int


@dataclass(frozen=True, slots=True)
class Opened:
    """One limit of what the gate opens."""

    id: str
    """Its name in gate_core.h."""
    value: int
    """Bytes or datagrams, as its name says."""


@dataclass(frozen=True, slots=True)
class Notice:
    """All that a notice describes. Every tuple has an order of its own, so that a file's lines may be moved about."""

    district: str
    contact: str
    collected: tuple[Collected, ...]
    categories: tuple[str, ...]
    """Kinds of use that are told apart."""
    services: tuple[str, ...]
    """What the board has declared as its own; anything else is held to be personal."""
    unknown_names_open: bool
    """Whether names in no catalogue are taken to be of no personal account."""
    opened: tuple[Opened, ...]
    kept: tuple[Kept, ...]
    devices_store: str
    """Where the sketches of distinct devices are kept; empty when there are none."""
    max_authorisation_days: int
    buildings: tuple[NoticedBuilding, ...]
    taps: tuple[NoticedTap, ...]
    networks: tuple[Network, ...]
    elsewhere: tuple[str, ...]
    """Networks that no tap names; they are counted at whichever tap sees them."""


def canonical(description: Mapping[str, object]) -> bytes:
    """A description as the bytes that are hashed: JSON with sorted keys and no space, in UTF-8."""
    return json.dumps(description, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def description_of(notice: Notice) -> dict[str, object]:
    """The notice as a JSON object, to be kept beside its fingerprint."""
    # Through JSON and back, so that what was kept and what is in force compare as equal: lists, not tuples.
    description: dict[str, object] = json.loads(canonical(asdict(notice)))
    return description


def fingerprint_of(description: Mapping[str, object]) -> str:
    """SHA-256 over what a notice describes, in hex: neither its date, nor its form, nor its sentences."""
    return hashlib.sha256(canonical(description)).hexdigest()
