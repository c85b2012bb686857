"""The head of a log <-> the small file that says how long the log is and how its last line hashes.

It is written after each second in which lines were, apart from them. Whoever keeps a copy of it elsewhere can tell later
that the log still begins with everything that it held then.
"""

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agent.authority.chain import Link

HEAD: Final = "head.json"
MAX_HEAD_BYTES: Final = 4_096
"""Three fields, some 150 bytes."""

_HASH: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Head:
    """What a log holds."""

    first: int
    """Sequence of the first line that is kept; those before were deleted when their time was over."""
    last: Link


class HeadError(Exception):
    """The head cannot be read; the text says why."""


def read_head(directory: Path) -> Head | None:
    """The head of the log in a directory; None when it has none.

    Raises:
        HeadError: There is one, and it is none.
        OSError: It cannot be read.
    """
    path = directory / HEAD
    if path.exists() and not path.is_file():  # a pipe by that name would never end
        raise HeadError("this is no file")
    try:
        with path.open("rb") as file:
            data = file.read(MAX_HEAD_BYTES)
    except FileNotFoundError:
        return None
    try:
        document: object = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise HeadError(f"this is not JSON: {error}") from error
    match document:
        case {"first": int(first), "sequence": int(sequence), "hash": str(digest)} if _HASH.fullmatch(digest):
            return Head(first, Link(sequence, digest))
        case _:
            raise HeadError("this is no head of a log")


def write_head(directory: Path, head: Head) -> None:
    """Put the head into its place, in one step.

    Raises:
        OSError: It cannot be written; then the one before is still there.
    """
    document = {"first": head.first, "sequence": head.last.sequence, "hash": head.last.hash}
    scratch = directory / f".{HEAD}"
    scratch.unlink(missing_ok=True)  # left by a crash, or a link that somebody laid: nothing is written through it
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(json.dumps(document) + "\n")
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(directory / HEAD)


def link_of(text: str) -> Link:
    """The link that people wrote down as SEQUENCE:HASH.

    Raises:
        ValueError: It is not of that form.
    """
    sequence, _, digest = text.partition(":")
    if not sequence.isascii() or not sequence.isdecimal() or len(sequence) > 18 or not _HASH.fullmatch(digest):
        raise ValueError(f"{text!r} is not SEQUENCE:HASH, as audit verify prints it")
    return Link(int(sequence), digest)
