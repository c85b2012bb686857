"""Entries -> lines at the end of a log: hash-chained, in files of a day, kept for so many days.

Nothing is made before the first entry. Lines reach the file at once and the disk within a second (`tick`), and after them
the head; so a crash can leave a second of lines that the head does not tell of yet, and never the reverse. When the disk
is full, or the log is, entries are counted and dropped: the daemon goes on.
"""

import errno
import fcntl
import os
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from agent.authority.chain import Link, line_after
from agent.authority.head import Head, write_head
from agent.authority.log_files import LogFile, day_of, log_files, name_of
from agent.authority.resume import resume
from agent.authority.statement import time_text

MAX_FILE_BYTES: Final = 16 * 1024 * 1024
"""Some 50,000 lines: read through in a second at a start."""
MAX_LOG_BYTES: Final = 2 * 1024 * 1024 * 1024
"""A segment with 10 flows a second fills it in a week; a device never does. Keeps the log from filling a disk."""
LOCK: Final = "lock"
"""Held by the one process that writes."""


@dataclass(slots=True)
class _Writing:
    """The file that is being written."""

    descriptor: int
    day: date
    size: int


class RecordLog:
    """Appends to the log in a directory, and deletes what is `keep_days` days old.

    `limits_met` counts what could not be as it should: "records_lost", "record_log_full" (an entry beyond
    `max_log_bytes`, lost too), "record_log_unsynced" (a tick whose lines or head did not reach the disk, or whose old
    files could not be deleted), "record_log_damaged" (the log was not as an earlier run left it).
    """

    def __init__(self, directory: Path, *, keep_days: int, max_log_bytes: int = MAX_LOG_BYTES) -> None:
        self._directory = directory
        self._keep_days = keep_days
        self._max_log_bytes = max_log_bytes
        self._lock: int | None = None
        self._writing: _Writing | None = None
        self._first = 1
        self._last = Link()
        self._synced = Link()
        self._bytes = 0
        self._damage = ""
        self._pruned_on: date | None = None
        self.limits_met: Counter[str] = Counter()

    def keep(self, days: int) -> None:
        """From the next tick on, what is so many days old is deleted."""
        if days != self._keep_days:
            self._keep_days, self._pruned_on = days, None

    def append(self, entry: Mapping[str, object], now_ns: int) -> bool:
        """Writes one entry; False when it was lost, which is counted."""
        try:
            if self._lock is None:
                self._attach()
            if self._bytes >= self._max_log_bytes:
                self.limits_met["record_log_full"] += 1
                return False
            self._write(self._file_for(now_ns), entry)
        except OSError:
            self._let_go()
            self.limits_met["records_lost"] += 1
            return False
        return True

    def tick(self, now_ns: int) -> None:
        """Brings what was written to the disk, and deletes what is too old. To be called each second."""
        try:
            self._sync()
            if self._pruned_on != day_of(now_ns):
                self._prune(day_of(now_ns))
        except OSError:
            self.limits_met["record_log_unsynced"] += 1  # the next tick tries again

    def close(self) -> None:
        """Brings everything to the disk, and lets go of it."""
        with suppress(OSError):  # what did not reach the disk is found again at the next start, after the head
            self._sync()
        self._let_go()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _attach(self) -> None:
        """Takes the log over from the run before."""
        self._directory.mkdir(mode=0o700, exist_ok=True)
        lock = os.open(self._directory / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            resumed = resume(self._directory)
        except OSError:
            os.close(lock)
            raise
        self._lock = lock
        self._first, self._last, self._bytes = resumed.first, resumed.last, resumed.bytes
        self._synced = self._last
        self._damage = resumed.damage
        self.limits_met["record_log_damaged"] += bool(resumed.damage)

    def _file_for(self, now_ns: int) -> _Writing:
        """The file in force, or a new one, whose first line carries the hash of the last one of the file before."""
        day, writing = day_of(now_ns), self._writing
        if writing is not None and writing.day == day and writing.size < MAX_FILE_BYTES:
            return writing
        self._sync()
        self._let_go()
        path = self._directory / name_of(self._last.sequence + 1, day)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        writing = _Writing(os.open(path, flags, 0o600), day, 0)
        try:
            entry = {"kind": "opened", "at": time_text(now_ns)}
            self._write(writing, {**entry, "damage": self._damage} if self._damage else entry)
            _sync_directory(self._directory)
        except OSError:
            os.close(writing.descriptor)
            if not writing.size:
                path.unlink()  # its name must be free for the next try
            raise
        self._damage = ""
        self._writing = writing
        return writing

    def _write(self, writing: _Writing, entry: Mapping[str, object]) -> None:
        line, link = line_after(self._last, entry)
        if os.write(writing.descriptor, line) != len(line):
            os.ftruncate(writing.descriptor, writing.size)  # a disk that fills up takes half a line
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._last = link
        writing.size += len(line)
        self._bytes += len(line)

    def _sync(self) -> None:
        """The lines, and then the head that tells of them."""
        if self._last == self._synced:
            return
        if self._writing is not None:
            os.fsync(self._writing.descriptor)
        write_head(self._directory, Head(self._first, self._last))
        self._synced = self._last

    def _let_go(self) -> None:
        """Closes the file; the next entry begins another."""
        if self._writing is None:
            return
        with suppress(OSError):  # a failing disk has been counted where it failed
            os.fsync(self._writing.descriptor)
        os.close(self._writing.descriptor)
        self._writing = None

    def _prune(self, today: date) -> None:
        """Deletes the files whose time is over. The head says first that they will be gone."""
        if self._lock is None and self._directory.is_dir():
            self._attach()
        if self._lock is not None:
            files = log_files(self._directory)
            over, kept = _divided(files, today, timedelta(days=self._keep_days))
            if over:
                if not kept:
                    self._let_go()
                self._first = kept[0].sequence if kept else self._last.sequence + 1
                write_head(self._directory, Head(self._first, self._last))
                self._synced = self._last
            for file in over:
                self._bytes -= file.path.stat().st_size
                file.path.unlink()
        self._pruned_on = today


def _divided(files: list[LogFile], today: date, keep: timedelta) -> tuple[list[LogFile], list[LogFile]]:
    """The files at the beginning of the log whose time is over, and the others.

    A clock that stepped back leaves an old day behind newer ones, and one that was ahead a day to come. Such a file goes
    with its neighbours: taken out of the middle, its lines would be missing from the chain.
    """
    over = 0
    for number, file in enumerate(files, 1):
        if file.day <= today - keep:
            over = number
        elif file.day <= today:
            break
    return files[:over], files[over:]


def _sync_directory(directory: Path) -> None:
    """Brings the name of a new file to the disk."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
