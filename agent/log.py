"""Events with key=value pairs -> one line each on standard error, shaped for a terminal or for journald.

What is worth an event: starting, ready, reloaded, degraded, recovered, stopping. Never a packet, a payload, or (above
DEBUG) a name that people visit.
"""

import json
import logging
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TextIO

LEVELS = ("debug", "info", "warning", "error")

_SYSLOG = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}
"""journald reads the priority from a "<N>" before the line: sd-daemon(3), SyslogLevelPrefix= in systemd.exec(5)."""
_VALUES = "hallwatch_values"


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
        values: dict[str, object] = dict(getattr(record, _VALUES, {}))
        if record.exc_info:
            values["traceback"] = self.formatException(record.exc_info)
        words = [_quoted(record.getMessage()), *(f"{key}={_quoted(value)}" for key, value in values.items())]
        if self._journald:
            return f"<{_SYSLOG.get(record.levelno, 5)}>{' '.join(words)}"
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        return " ".join((time.replace("+00:00", "Z"), record.levelname.lower(), *words))


def set_up(level: str = "info", *, stream: TextIO | None = None, journald: bool | None = None) -> None:
    """Send every logger of the process, libraries' too, to one stream (standard error) in our shape.

    Args:
        level: One of LEVELS.
        journald: Whether the reader is journald; found out from JOURNAL_STREAM when not given.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LineFormatter(journald=_stderr_is_journal() if journald is None else journald))
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)


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


def _quoted(value: object) -> str:
    """A value as one word, or a JSON string where it is empty or holds spaces, quotes or control characters.

    JSON escapes line ends, so that no value can forge a second event.
    """
    text = str(value)
    plain = text.isprintable() and not any(character in ' "=\\' for character in text)
    return text if plain and text else json.dumps(text)
