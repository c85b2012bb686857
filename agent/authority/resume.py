"""A log as an earlier run left it -> where the next line belongs, and what was found wrong with it."""

import os
from dataclasses import dataclass
from pathlib import Path

from agent.authority.chain import Follower, Link
from agent.authority.head import Head, HeadError, read_head
from agent.authority.log_files import LogFile, lines_of, log_files


@dataclass(frozen=True, slots=True)
class Resumed:
    """Where a log goes on."""

    first: int
    """Sequence of the first line that is kept."""
    last: Link
    bytes: int
    damage: str
    """What was found wrong, for the next line to say it for good; "" when nothing was."""


def resume(directory: Path) -> Resumed:
    """Reads the end of the log in a directory. A line that a power cut left half written, after the head, is cut off.

    Raises:
        OSError: It cannot be read.
    """
    damage = ""
    try:
        head = read_head(directory)
    except HeadError:
        head, damage = None, "the head could not be read"
    files = log_files(directory)
    while files and not (files[-1].path.stat().st_size and _cut_torn_line(files[-1], head)):
        files.pop().path.unlink()  # it holds no line: the run ended while it began the file
    if not files and head is None:
        return Resumed(1, Link(), 0, damage)
    if head is None:
        damage = damage or "the head was missing"
    end, wrong = _end_of(files[-1], head) if files else (Link(), "")
    if head is not None and end.sequence < head.last.sequence and (files or head.first <= head.last.sequence):
        wrong = "the log ended before its head"
    last = end if head is None or end.sequence > head.last.sequence else head.last
    first = head.first if head is not None else files[0].sequence if files else 1
    return Resumed(first, last, sum(file.path.stat().st_size for file in files), damage or wrong)


def _end_of(file: LogFile, head: Head | None) -> tuple[Link, str]:
    """The last line of a file, and what is wrong in the file. It has as many lines as it has, whatever they say."""
    follower, wrong, lines = Follower(None), "", 0
    for line in lines_of(file.path):
        lines += 1
        if follower.feed(line):
            wrong = "the last file was changed"
        if head is not None and follower.last.sequence == head.last.sequence and follower.last != head.last:
            wrong = "the line of the head was replaced"
    # Or the next file would get the name of one that is there, and no record could be written.
    return Link(max(follower.last.sequence, file.sequence + lines - 1), follower.last.hash), wrong


def _cut_torn_line(file: LogFile, head: Head | None) -> bool:
    """Cuts a last line without its end, if the head does not speak of it; whether any line is left."""
    whole, size, follower = 0, file.path.stat().st_size, Follower(Link(file.sequence - 1))
    for line in lines_of(file.path):
        if line.endswith(b"\n"):
            whole += len(line)
            follower.feed(line)
    if whole < size and (head is None or follower.last.sequence >= head.last.sequence):
        os.truncate(file.path, whole)
        return whole > 0
    return True
