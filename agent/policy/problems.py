"""What is wrong in rule files -> one error that shows all of it, each with file, line and remedy."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

max_problems = 1_000
"""Problems that are kept; beyond this a file is no rule file at all, and nobody reads on. The rest is counted."""

max_shown_characters = 60
"""Characters of a wrong value that a message repeats: enough to find it, too few to flood a terminal."""

max_listed_words = 24
"""Allowed words that a message lists: all categories fit, all applications need not."""


class Mark(NamedTuple):
    """A place in a rule file. A named tuple, as Text is: the shipped rules have 12,000 of each, 0.6 us a piece."""

    file: str
    line: int
    """Counted from 1; 0 means the file as a whole."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, and what would be right."""

    file: str
    line: int
    """Counted from 1; 0 means the file as a whole."""
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{Mark(self.file, self.line)}: {self.what}; {self.remedy}"


class RulesError(Exception):
    """The rules cannot be used. `problems` holds every reason, in order of file and line; str() is one per line."""

    def __init__(self, problems: Iterable[Problem], further: int = 0) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.file, problem.line)))
        self.further = further
        """Problems beyond max_problems, which were counted and not kept."""
        super().__init__(self.problems)

    def __str__(self) -> str:
        lines = [str(problem) for problem in self.problems]
        if self.further:
            lines.append(f"and {self.further} more problems")
        return "\n".join(lines)


class Problems:
    """Problems being collected while files are read, so that all are shown at once."""

    __slots__ = ("_further", "_problems")

    def __init__(self) -> None:
        self._problems: list[Problem] = []
        self._further = 0

    def add(self, mark: Mark, what: str, remedy: str) -> None:
        """Note that `what` is wrong at `mark`; `remedy` says what would be right."""
        if len(self._problems) < max_problems:
            self._problems.append(Problem(mark.file, mark.line, what, remedy))
        else:
            self._further += 1

    def __len__(self) -> int:
        return len(self._problems) + self._further

    @property
    def is_full(self) -> bool:
        """True when no further problem is kept, so that nobody need look for its remedy."""
        return len(self._problems) >= max_problems

    def raise_if_any(self, error: type[RulesError] = RulesError) -> None:
        """Raise RulesError, or its kind, with everything that was added, or do nothing."""
        if self._problems:
            raise error(self._problems, self._further)


def shown(text: str) -> str:
    """A value from a file as a message repeats it: quoted, cut short, nothing that a terminal would act on."""
    cut = text if len(text) <= max_shown_characters else text[: max_shown_characters - 3] + "..."
    return '"' + "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in cut) + '"'


def listed(words: Iterable[str]) -> str:
    """Words as a message lists them: joined by commas, the tail counted when there are many."""
    every = list(words)
    tail = f" and {len(every) - max_listed_words} more" if len(every) > max_listed_words else ""
    return ", ".join(every[:max_listed_words]) + tail


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that a misspelt one was probably meant to be, or None."""
    near = difflib.get_close_matches(word[:max_shown_characters].lower(), sorted(known), n=1)
    return near[0] if near else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The remedy for a word that is not among the known ones: the nearest one, or the list of what there is."""
    words = sorted(known)
    near = nearest(word, words)
    if near is not None:
        return f'did you mean "{near}"?'
    return f"one of: {listed(words)}" if words else "there are none yet"
