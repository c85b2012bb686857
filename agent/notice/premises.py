"""Words of the premises: the district's buildings, the taps that stand in them, and how long things are kept."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Building:
    """A building of the district."""

    identifier: str
    name: str
    address: str = ""


@dataclass(frozen=True, slots=True)
class Tap:
    """A place where packets are copied to the daemon."""

    identifier: str
    building: str
    """Identifier of the building in which it stands."""
    where: str
    """The place inside the building, in words: "network room, mirror port of the core switch"."""
    interfaces: tuple[str, ...]
    """The daemon's interfaces that receive the copies; `hallwatch run -i` names them."""
    segments: tuple[str, ...]
    """Identifiers of the segments whose traffic passes there."""
    covers: tuple[str, ...]
    """Identifiers of the buildings whose traffic passes there; its own, unless the file says more."""


@dataclass(frozen=True, slots=True)
class Retention:
    """What the district states about how long things are kept."""

    counts_days: int
    """How long its Prometheus keeps the counts."""
    records_days: int
    """How long records made under an authorisation are kept; the daemon deletes them after that."""


@dataclass(frozen=True, slots=True)
class Premises:
    """Everything that premises.yaml says."""

    district: str
    contact: str
    """Whom to ask about electronic monitoring."""
    buildings: tuple[Building, ...]
    taps: tuple[Tap, ...]
    retention: Retention
    distinct_devices: str
    """Where the store stands in which agents count distinct devices together; empty when they do not."""
    posted_where: tuple[str, ...]
    """The conspicuous places where the notice hangs."""

    def undeclared(self, interfaces: tuple[str, ...]) -> tuple[str, ...]:
        """Those of `interfaces` that no tap names: to watch them would be monitoring at a place without notice."""
        declared = {name for tap in self.taps for name in tap.interfaces}
        return tuple(name for name in interfaces if name not in declared)
