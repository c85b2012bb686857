"""Entries -> lines of which each carries the hash of the one before; and lines -> what was done to them since.

A line is a JSON object in its canonical bytes (sorted keys, no space) with three fields of the chain's own: `sequence`
counts from 1 over all files, `previous` is the hash of the line before, and `hash` is SHA-256 over the canonical bytes of
the object without `hash`. So no line can be changed, removed or moved without another one showing it. What a chain
cannot show by itself is the loss of its end: that is what its head, kept apart, is for.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from agent.authority.statement import canonical

START: Final = "0" * 64
"""`previous` of the first line of all."""
MAX_LINE_BYTES: Final = 64 * 1024
"""A record with its 64 names of 253 bytes each has some 20 kB."""


@dataclass(frozen=True, slots=True)
class Link:
    """The last line of a chain, as the next one refers to it."""

    sequence: int = 0
    hash: str = START


def line_after(last: Link, entry: Mapping[str, object]) -> tuple[bytes, Link]:
    """The next line, with its line end, and the link to it."""
    document: dict[str, object] = {**entry, "sequence": last.sequence + 1, "previous": last.hash}
    digest = _hash(document)
    return canonical({**document, "hash": digest}) + b"\n", Link(last.sequence + 1, digest)


class Follower:
    """Reads a chain line by line."""

    def __init__(self, after: Link | None) -> None:
        """Begin after a known line, or anywhere when `after` is None."""
        self._last = after
        self.entry: dict[str, object] = {}
        """The line that was read last, as far as it could be."""

    @property
    def last(self) -> Link:
        """The last line as it stands, even where something is wrong with it."""
        return self._last or Link()

    def feed(self, line: bytes) -> tuple[str, ...]:
        """What is wrong with the next line, in words; () when nothing is. `line` ends with its line end."""
        self.entry = {}
        if not line.endswith(b"\n"):
            return ("the line is cut off",)
        document = _object(line)
        if document is None:
            return ("the line is no record",)
        sequence, previous, digest = (document.get(key) for key in ("sequence", "previous", "hash"))
        if not isinstance(sequence, int) or not isinstance(previous, str) or not isinstance(digest, str):
            return ("the line has no sequence, previous or hash",)
        self.entry = document
        found = []
        rest = {key: value for key, value in document.items() if key != "hash"}
        if digest != _hash(rest) or line != canonical(document) + b"\n":
            found.append("the line was changed: it does not have its own hash")
        if self._last is not None:
            expected = self._last.sequence + 1
            if sequence > expected:
                missing = f"line {expected}" if sequence == expected + 1 else f"lines {expected} to {sequence - 1}"
                found.append(f"{missing} of the log missing before this one ({sequence})")
            elif sequence < expected:
                found.append(f"the line is out of order: it is {sequence} of the log where {expected} belongs")
            elif previous != self._last.hash:
                found.append("the line does not follow the one before, which was changed or replaced")
        self._last = Link(sequence, digest)
        return tuple(found)


def _hash(document: Mapping[str, object]) -> str:
    return hashlib.sha256(canonical(document)).hexdigest()


def _object(line: bytes) -> dict[str, object] | None:
    """The JSON object of a line, or None when it holds none that has canonical bytes."""
    try:
        document: object = json.loads(line)
        if isinstance(document, dict):
            canonical(document)
            return {str(key): value for key, value in document.items()}
    except (ValueError, RecursionError):
        return None
    return None
