"""The files of a log, its head, and the authorisations -> everything that is not as it was written, with its line."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from agent.authority.authorisation import Authorisation, Network
from agent.authority.chain import Follower, Link
from agent.authority.head import HEAD, Head, HeadError, read_head
from agent.authority.log_files import LogFile, lines_of, log_file, log_files
from agent.authority.statement import time_of

MAX_FINDINGS: Final = 100
"""Kept, of any number: a log with more is no log. The rest is counted."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong."""

    path: Path
    line: int
    """Counted from 1; 0 means the file as a whole."""
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}" if self.line else f"{self.path}: {self.what}"


@dataclass(slots=True)
class Audit:
    """What came of reading a log through."""

    findings: list[Finding] = field(default_factory=list)
    further: int = 0
    """Findings beyond MAX_FINDINGS."""
    lines: int = 0
    records: int = 0
    """Lines that speak of flows."""
    end: Link = field(default_factory=Link)
    """The last line: what to keep elsewhere."""
    notes: list[str] = field(default_factory=list)
    """What could not be checked, and what need not be wrong."""

    def find(self, path: Path, line: int, what: str) -> None:
        """Notes that something is wrong."""
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(Finding(path, line, what))
        else:
            self.further += 1


class NoLogError(Exception):
    """What was named is no log; the text says what would be one."""


def verify(
    paths: Sequence[Path], *, known: Link | None = None, authorisations: Iterable[Authorisation] | None = None
) -> Audit:
    """Reads a log through.

    Args:
        paths: Its directory, or some of its files.
        known: A line whose hash people have, from a head that they kept elsewhere: it must be there as it was.
        authorisations: Those under which records may have been made; None leaves that unchecked.

    Raises:
        NoLogError: The paths are of no log.
        OSError: A file cannot be read.
    """
    directory, files, every = _files(paths)
    audit = Audit()
    head = _head(directory, audit)
    permitted = None if authorisations is None else {one.identifier: one for one in authorisations}
    from_start, to_end = files[:1] == every[:1], files[-1:] == every[-1:]
    if from_start and files and head is not None and files[0].sequence != head.first:
        what = f"the log begins with line {files[0].sequence}; its head says that it begins with line {head.first}"
        audit.find(files[0].path, 1, what)
    follower = Follower(Link() if from_start and files and files[0].sequence == 1 else None)
    landmarks = {"known": known} if head is None else {"known": known, "head": head.last}
    for file in files:
        _follow(file, follower, audit, landmarks, permitted)
    audit.end = follower.last if files or head is None else head.last
    if to_end:
        _check_end(directory, files, head, audit)
    else:
        audit.notes.append("the last file of the log was not named, so its end was not looked at")
    if known is not None:
        _check_known(known, directory, files, audit)
    return audit


def _files(paths: Sequence[Path]) -> tuple[Path, list[LogFile], list[LogFile]]:
    """The log's directory, the files to be read, and all that there are."""
    if len(paths) == 1 and paths[0].is_dir():
        every = log_files(paths[0])
        if not every and not (paths[0] / HEAD).exists():
            raise NoLogError(f"{paths[0]}: there is no log here; its files are named records-*.jsonl")
        return paths[0], every, every
    found = [(path, log_file(path)) for path in paths]
    strange = [str(path) for path, file in found if file is None]
    if strange:
        raise NoLogError(f"{', '.join(strange)}: no file of a log; those are named records-*.jsonl")
    files = sorted({file for _, file in found if file is not None})
    directories = {file.path.parent for file in files}
    if len(directories) != 1:
        raise NoLogError("name the files of one log, which are in one directory")
    directory = directories.pop()
    return directory, files, log_files(directory)


def _head(directory: Path, audit: Audit) -> Head | None:
    try:
        head = read_head(directory)
    except HeadError as error:
        audit.find(directory / HEAD, 0, str(error))
        return None
    if head is None:
        audit.find(directory / HEAD, 0, "the head is missing: whether lines are missing at the end cannot be told")
    return head


def _follow(
    file: LogFile,
    follower: Follower,
    audit: Audit,
    landmarks: Mapping[str, Link | None],
    permitted: Mapping[str, Authorisation] | None,
) -> None:
    """Reads one file."""
    for number, line in enumerate(lines_of(file.path), 1):
        audit.lines += 1
        for what in follower.feed(line):
            audit.find(file.path, number, what)
        entry = follower.entry
        if not entry:
            continue
        if number == 1 and follower.last.sequence != file.sequence:
            audit.find(file.path, 1, f"this file began with line {file.sequence} of the log")
        for name, mark in landmarks.items():
            if mark is not None and mark.sequence == follower.last.sequence and mark != follower.last:
                audit.find(file.path, number, f"the line was replaced: its hash is not the {name} one")
        if "damage" in entry:
            audit.find(file.path, number, f"when it was started, the recorder found: {entry['damage']}")
        if entry.get("kind") == "flow":
            audit.records += 1
            if permitted is not None and (why := _not_permitted(entry, permitted)):
                audit.find(file.path, number, why)


def _not_permitted(entry: Mapping[str, object], permitted: Mapping[str, Authorisation]) -> str | None:
    """What a record goes beyond, or None when its authorisation covers it."""
    name = str(entry.get("authorisation"))
    authorisation = permitted.get(name)
    if authorisation is None:
        return f"there is no authorisation {name}"
    try:
        started_ns, ended_ns = time_of(str(entry.get("started"))), time_of(str(entry.get("ended")))
    except ValueError:
        return "the record does not say when it was"
    if not authorisation.from_ns <= started_ns <= ended_ns < authorisation.until_ns:
        return f"the record is outside the time of the authorisation {name}"
    if isinstance(authorisation.scope, Network) and entry.get("segment") != authorisation.scope.segment:
        return f"the record is of another segment than the authorisation {name}"
    if "names" in entry and not authorisation.names:
        return f"the record holds names, which the authorisation {name} does not allow"
    return None


def _check_end(directory: Path, files: Sequence[LogFile], head: Head | None, audit: Audit) -> None:
    if head is None:
        return
    if not files:
        if head.first <= head.last.sequence:
            what = f"the head says that lines {head.first} to {head.last.sequence} are kept, and no file is there"
            audit.find(directory / HEAD, 0, what)
        return
    missing = head.last.sequence - audit.end.sequence
    if missing > 0:
        line = sum(1 for _ in lines_of(files[-1].path)) + 1
        what = f"the log ends with line {audit.end.sequence}, {missing} before the last one that its head tells of"
        audit.find(files[-1].path, line, what)
    elif missing < 0:
        audit.notes.append(f"{-missing} line(s) after the head: just written, or left by a crash, or added by hand")


def _check_known(known: Link, directory: Path, files: Sequence[LogFile], audit: Audit) -> None:
    if files and known.sequence < files[0].sequence:
        audit.notes.append(f"the known line {known.sequence} is not in these files: it is older")
    elif known.sequence > audit.end.sequence:
        path = files[-1].path if files else directory / HEAD
        audit.find(path, 0, f"the known line {known.sequence} is missing: the log ends with line {audit.end.sequence}")
