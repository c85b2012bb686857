"""Events with key=value pairs -> one line each on standard error, or one entry with fields each in the journal.

What is worth an event: starting, ready, reloaded, degraded, recovered, stopping. Never a packet, a payload, an address, or
a name that people visit; so of an exception the type and the way to it are told, and not its text, which may quote them.
"""

import json
import logging
import os
import sys
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, TextIO

from agent.journal import SOCKET, Journal

LEVELS = ("debug", "info", "warning", "error")

_SYSLOG = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}
"""journald reads the priority from a "<N>" before the line: sd-daemon(3), SyslogLevelPrefix= in systemd.exec(5)."""
_VALUES = "hallwatch_values"

IDENTIFIER: Final = "hallwatch"
"""Of our entries, as syslog(3) and `journalctl -t` know it."""
MAX_CHAIN: Final = 8
"""Exceptions behind one another that are told; a chain can be a ring."""
FIELD_PREFIX: Final = "HALLWATCH_"
"""Of our fields: HALLWATCH_EVENT, and one for each value."""


class EventLog:
    """Writes events under one logger's name. Hand it to whoever has something to say."""

    def __init__(self, name: str = "hallwatch") -> None:
        self._logger = logging.getLogger(name)

    def debug(self, event: str, /, **values: object) -> None:
        self._write(logging.DEBUG, event, values)

    def info(self, event: str, /, **values: object) -> None:
        self._write(logging.INFO, event, values)

    def warning(self, event: str, /, **values: object) -> None:
        self._write(logging.WARNING, event, values)

    def error(self, event: str, /, **values: object) -> None:
        self._write(logging.ERROR, event, values)

    def defect(self, event: str, /, **values: object) -> None:
        """An exception that should not have been: an error event with the traceback. Call it while handling."""
        self._write(logging.ERROR, event, values, traceback=True)

    def _write(self, level: int, event: str, values: Mapping[str, object], *, traceback: bool = False) -> None:
        self._logger.log(level, "%s", event, extra={_VALUES: values}, exc_info=traceback)


class LineFormatter(logging.Formatter):
    """A log record -> "time level event key=value ..."; for journald, which adds the time itself, "<N>event ..."."""

    def __init__(self, *, journald: bool) -> None:
        super().__init__()
        self._journald = journald

    def format(self, record: logging.LogRecord) -> str:
        values = _values(record)
        if record.exc_info and record.exc_info[1]:
            values["traceback"] = _traceback(record.exc_info[1])
        line = _line(record, values)
        if self._journald:
            return f"<{_SYSLOG.get(record.levelno, 5)}>{line}"
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        return f"{time.replace('+00:00', 'Z')} {record.levelname.lower()} {line}"


class JournalHandler(logging.Handler):
    """A log record -> an entry of the journal; what the journal does not take goes to `instead`, as a line."""

    def __init__(self, journal: Journal, instead: logging.Handler) -> None:
        super().__init__()
        self._journal = journal
        self._instead = instead

    def emit(self, record: logging.LogRecord) -> None:
        values = _values(record)
        message = _line(record, values)
        if record.exc_info and record.exc_info[1]:
            values["traceback"] = _traceback(record.exc_info[1])
            message = f"{message}\n{values['traceback']}"  # the journal keeps lines together, so a person can read it
        fields = [
            ("MESSAGE", message),
            ("PRIORITY", str(_SYSLOG.get(record.levelno, 5))),
            ("SYSLOG_IDENTIFIER", IDENTIFIER),
        ]
        if hasattr(record, _VALUES):
            fields.append((f"{FIELD_PREFIX}EVENT", record.getMessage()))
        fields += [(FIELD_PREFIX + name.upper(), str(value)) for name, value in values.items()]
        try:
            self._journal.send(fields)
        except OSError:
            self._instead.handle(record)

    def close(self) -> None:
        self._journal.close()
        super().close()


def set_up(
    level: str = "info", *, stream: TextIO | None = None, journald: bool | None = None, journal: str = SOCKET
) -> None:
    """Send every logger of the process, libraries' too, to the journal if it reads us, else to one stream, in our shape.

    Args:
        level: One of LEVELS.
        stream: Standard error when not given.
        journald: Whether the reader is journald; found out from JOURNAL_STREAM when not given.
        journal: journald's socket.
    """
    handler: logging.Handler = logging.StreamHandler(stream)
    read_by_journald = _stderr_is_journal() if journald is None else journald
    handler.setFormatter(LineFormatter(journald=read_by_journald))
    if read_by_journald:
        handler = JournalHandler(Journal(journal), handler)
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    sys.excepthook = _ended_by


def _stderr_is_journal() -> bool:
    """Whether standard error is the stream that JOURNAL_STREAM names as "device:inode" (systemd.exec(5))."""
    named = os.environ.get("JOURNAL_STREAM")
    if not named:
        return False
    try:
        status = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):  # closed, or replaced by an object without a descriptor: not the journal then
        return False
    return named == f"{status.st_dev}:{status.st_ino}"


def _ended_by(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Logs the exception that ends the process: sys.excepthook, which would tell its text."""
    del trace
    if issubclass(kind, Exception):
        logging.getLogger(IDENTIFIER).critical("%s", "defect", extra={_VALUES: {}}, exc_info=error)


def _traceback(error: BaseException) -> str:
    """Where an exception came from, and those behind it, first the oldest; at most MAX_CHAIN of them, without their texts.

    The text of an OSError is the system's own, and says what to do.
    """
    said: list[str] = []
    found: BaseException | None = error
    while found is not None and len(said) < MAX_CHAIN:
        reason = f": {found.strerror}" if isinstance(found, OSError) and found.strerror else ""
        steps = "".join(traceback.format_tb(found.__traceback__))
        said.append(f"Traceback (most recent call last):\n{steps}{type(found).__qualname__}{reason}")
        found = found.__cause__ or (None if found.__suppress_context__ else found.__context__)
    return "\n\nled to:\n\n".join(reversed(said))


def _values(record: logging.LogRecord) -> dict[str, object]:
    return dict(getattr(record, _VALUES, {}))


def _line(record: logging.LogRecord, values: Mapping[str, object]) -> str:
    """The event and its values as words; a library's message is one word."""
    return " ".join([_quoted(record.getMessage()), *(f"{key}={_quoted(value)}" for key, value in values.items())])


def _quoted(value: object) -> str:
    """A value as one word, or a JSON string where it is empty or holds spaces, quotes or control characters.

    JSON escapes line ends, so that no value can forge a second event.
    """
    text = str(value)
    plain = text.isprintable() and not any(character in ' "=\\' for character in text)
    return text if plain and text else json.dumps(text)
