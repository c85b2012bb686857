"""The files of a log: their names, in order, and the lines in them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

from agent.authority.chain import MAX_LINE_BYTES

_NAME: Final = re.compile(r"records-([0-9]{12})-([0-9]{4}-[0-9]{2}-[0-9]{2})\.jsonl", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, order=True)
class LogFile:
    """One file of a log, named for its first line and for the day, in UTC, on which it was begun."""

    sequence: int
    day: date
    path: Path


def log_file(path: Path) -> LogFile | None:
    """The file if its name is one of a log's files."""
    found = _NAME.fullmatch(path.name)
    if found is None:
        return None
    try:
        return LogFile(int(found[1]), date.fromisoformat(found[2]), path)
    except ValueError:  # such as 2026-02-31
        return None


def log_files(directory: Path) -> list[LogFile]:
    """The files of the log in a directory, in the order of their lines.

    Raises:
        OSError: The directory cannot be listed.
    """
    # A pipe by such a name would never end; what is no file holds no line, and the chain shows which are missing.
    return sorted(found for path in directory.iterdir() if (found := log_file(path)) and path.is_file())


def name_of(sequence: int, day: date) -> str:
    """The name of a file that begins with line `sequence`, on `day`."""
    return f"records-{sequence:012}-{day.isoformat()}.jsonl"


def day_of(time_ns: int) -> date:
    """The day, in UTC, of a time in nanoseconds since the epoch."""
    return (_EPOCH + timedelta(seconds=time_ns // 1_000_000_000)).date()


def lines_of(path: Path) -> Iterator[bytes]:
    """The lines of a file, each with its line end; an overlong one is cut, and reads as one that was.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        while line := file.readline(MAX_LINE_BYTES):
            yield line
