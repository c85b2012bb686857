"""Words of a district's pack: the written policy, clause by clause, each with its rules or why nothing is looked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True, slots=True)
class WrittenPolicy:
    """The document that the clauses are of."""

    number: str
    title: str
    source: str
    """Where it can be read."""
    adopted: date | None = None
    effective: date | None = None
    revised: tuple[date, ...] = ()

    @property
    def dates(self) -> str:
        """Its dates in words, such as "adopted 2018-02-27, revised 2023-01-10 and 2024-03-12"; "" without any."""
        parts = [f"{word} {day}" for word, day in (("adopted", self.adopted), ("effective", self.effective)) if day]
        if self.revised:
            *earlier, last = map(str, self.revised)
            parts.append(f"revised {', '.join(earlier)}{' and ' if earlier else ''}{last}")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause of it, in our own words."""

    identifier: str
    """Such as "hamden-4118.5R/prohibited-uses/3"."""
    number: str
    """Where it stands, as printed."""
    paraphrase: str
    rules: tuple[str, ...] = ()
    """Identifiers of the rules that serve it: those it lists, then those that rest on it."""
    not_observable: str = ""
    """What of it is not looked for, and why; "" when rules serve all of it."""


@dataclass(frozen=True, slots=True)
class Pack:
    """A district's policy as far as the rule files tell it; empty for a site that has only rules."""

    district: str = ""
    policy: WrittenPolicy | None = None
    clauses: Mapping[str, Clause] = field(default_factory=dict)
    """identifier -> clause, in the order of the policy"""

    def in_words(self, clause: str) -> str:
        """What a rule's clause says: place and paraphrase of a clause of the pack, or its own words."""
        found = self.clauses.get(clause)
        return clause if found is None else f"{found.number}: {found.paraphrase} ({found.identifier})"
