"""The files of an installation, and what is there already -> what is done about each, then done.

A file that the district may change is treated as dpkg treats a conffile. What was shipped last is remembered as digests; a
file that still has that digest is replaced, one that was changed stays and the new one is put beside it, and one that
was removed stays removed.
"""

import hashlib
import os
import stat
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path, PurePosixPath
from typing import Final

from agent.install.parts import Owner, Part, max_files

SHIPPED: Final = PurePosixPath("share/hallwatch/shipped.sha256")
"""Below the prefix: the digests of what was shipped last, in the form of sha256sum(1)."""

MODE: Final = 0o644
"""No secret is among these files, and the service's user must read them."""

max_shipped_bytes: Final = max_files * 512
"""A digest and a path, each line."""

NEW_SUFFIX: Final = ".new"


class LayDownError(Exception):
    """Nothing was laid down; the text says what is in the way."""


class Deed(Enum):
    """What is done about a file."""

    WRITE = "written"
    REPLACE = "replaced"
    SAME = "as it was"
    KEEP = "kept: yours"
    BESIDE = "kept: yours; the new one is beside it, as .new"
    ABSENT = "not written: you have removed it"


@dataclass(frozen=True, slots=True)
class Step:
    """One file and what is done about it."""

    part: Part
    deed: Deed


def plan(parts: Sequence[Part], root: Path, prefix: PurePosixPath) -> tuple[Step, ...]:
    """What would be done about each file.

    Raises:
        LayDownError: Something is in the way, or may not be written: told before anything is done.
        OSError: A file cannot be read.
    """
    before = _read_shipped(root, prefix)
    steps = tuple(Step(part, _deed(part, _below(root, part.target), before.get(part.target))) for part in parts)
    for step in steps:
        if step.deed in {Deed.WRITE, Deed.REPLACE, Deed.BESIDE}:
            _check_writable(_below(root, step.part.target))
    return steps


def lay_down(steps: Sequence[Step], root: Path, prefix: PurePosixPath) -> None:
    """Do what was planned, each file in one step; then remember what was shipped.

    Raises:
        OSError: A file cannot be written.
    """
    for step in steps:
        target = _below(root, step.part.target)
        match step.deed:
            case Deed.WRITE | Deed.REPLACE:
                _write(target, step.part.content)
            case Deed.BESIDE:
                _write(target.with_name(target.name + NEW_SUFFIX), step.part.content)
    lines = [
        f"{_digest(step.part.content)}  {step.part.target}\n" for step in steps if step.part.owner is Owner.DISTRICT
    ]
    record = _below(root, prefix / SHIPPED)
    content = "".join(lines).encode()
    if not record.exists() or record.read_bytes() != content:
        _write(record, content)


def _deed(part: Part, target: Path, before: str | None) -> Deed:
    if not target.exists():
        return Deed.ABSENT if before is not None else Deed.WRITE
    if not target.is_file():
        raise LayDownError(f"{target} is no file; move it away")
    there = target.read_bytes()
    if there == part.content:
        return Deed.SAME
    if part.owner is Owner.PROGRAM:
        return Deed.REPLACE
    if part.owner is Owner.DISTRICT_ONLY:
        return Deed.BESIDE
    if _digest(there) == before:
        return Deed.REPLACE
    return Deed.KEEP if before == _digest(part.content) else Deed.BESIDE


def _below(root: Path, target: PurePosixPath) -> Path:
    """A target's place below the root. A symbolic link that leads out of it would be followed on the wrong machine."""
    path = root / target.relative_to("/")
    if not path.parent.resolve().is_relative_to(root.resolve()):
        raise LayDownError(f"{path.parent} leads out of {root}; make it a directory below it")
    return path


def _check_writable(target: Path) -> None:
    there = next(parent for parent in target.parents if parent.exists())
    if not there.is_dir():
        raise LayDownError(f"{there} is no directory; move it away")
    if not os.access(there, os.W_OK | os.X_OK):
        raise LayDownError(f"{there} cannot be written by this user; run it as root, or below a --root of your own")


def _read_shipped(root: Path, prefix: PurePosixPath) -> dict[PurePosixPath, str]:
    path = _below(root, prefix / SHIPPED)
    try:
        with path.open("rb") as file:
            data = file.read(max_shipped_bytes + 1)
    except FileNotFoundError:
        return {}
    found = {}
    for number, line in enumerate(data.decode("utf-8", errors="replace").splitlines(), 1):
        digest, _, target = line.partition("  ")
        if len(data) > max_shipped_bytes or len(digest) != hashlib.sha256().digest_size * 2 or target[:1] != "/":
            raise LayDownError(f"{path}:{number}: this is no list of digests; remove it, and compare files by hand")
        found[PurePosixPath(target)] = digest
    return found


def _write(target: Path, content: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else MODE
    descriptor, scratch = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            os.fchmod(file.fileno(), mode)
        Path(scratch).replace(target)
    except BaseException:
        Path(scratch).unlink(missing_ok=True)
        raise


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
