"""Events as lines."""

import io
import logging
import os
import re
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent import log
from agent.log import EventLog, JournalHandler, set_up


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """Leave the process's logging as it was."""
    root = logging.getLogger()
    level, handlers, hook = root.level, root.handlers[:], sys.excepthook
    yield
    for handler in root.handlers:
        if isinstance(handler, JournalHandler):
            handler.close()
    sys.excepthook = hook
    root.setLevel(level)
    root.handlers[:] = handlers


def lines(level: str = "debug", *, journald: bool = False) -> tuple[EventLog, io.StringIO]:
    stream = io.StringIO()
    # basicConfig(force=True) closes the handlers it replaces, and pytest's are not ours to close.
    logging.getLogger().handlers.clear()
    set_up(level, stream=stream, journald=journald, journal="/nowhere/journal")  # so what it gets stays in this test
    return EventLog("hallwatch.test"), stream


def test_an_event_on_a_terminal() -> None:
    """Time in UTC, level, event, then the values."""
    events, stream = lines()
    events.info("listening", url="http://127.0.0.1:10484/", rules=12)
    expected = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info listening url=http://127\.0\.0\.1:10484/ rules=12\n"
    assert re.fullmatch(expected, stream.getvalue()), stream.getvalue()


def test_an_event_for_the_stream_of_journald() -> None:
    """Where the journal's socket cannot be had: journald adds the time itself and reads the priority from <N>."""
    events, stream = lines(journald=True)
    events.debug("a")
    events.info("b", n=1)
    events.warning("c")
    events.error("d")
    assert "<7>a\n<6>b n=1\n<4>c\n<3>d\n" == stream.getvalue()


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("plain", "plain"),
        ("", '""'),
        ("two words", '"two words"'),
        ('a"b', '"a\\"b"'),
        ("a=b", '"a=b"'),
        ("line\n<3>forged", '"line\\n<3>forged"'),
        ("\x1b[31mred", '"\\u001b[31mred"'),
        (None, "None"),
        (1.5, "1.5"),
    ],
)
def test_values_are_one_word_each(value: object, shown: str) -> None:
    """Whatever a value holds, it neither ends the line nor looks like another pair."""
    events, stream = lines(journald=True)
    events.info("event", value=value)
    assert f"<6>event value={shown}\n" == stream.getvalue()


def test_levels() -> None:
    """What is less urgent than the level is not written."""
    events, stream = lines("warning", journald=True)
    events.info("silent")
    events.warning("heard")
    assert "<4>heard\n" == stream.getvalue()


def test_a_defect_has_its_traceback_on_the_same_line() -> None:
    """One event is one line, also with a traceback; it tells where, and not what was read there."""
    events, stream = lines(journald=True)
    try:
        int("what happened")
    except ValueError:
        events.defect("failed", where="here")
    (line,) = stream.getvalue().splitlines()
    assert line.startswith('<3>failed where=here traceback="Traceback')
    assert line.endswith('int(\\"what happened\\")\\nValueError"')
    assert "invalid literal" not in line


def test_exceptions_behind_one_another() -> None:
    """All are told, the oldest first, even where they stand in a ring; of a system error also what the system says."""
    events, stream = lines(journald=True)
    name = "moc.elpmaxe"[::-1]  # a traceback shows our lines, so the name is in none of them
    ring = KeyError(name)
    ring.__context__ = ring
    try:
        try:
            raise ring
        except KeyError as error:
            raise PermissionError(13, "Permission denied", name) from error
    except PermissionError:
        events.defect("failed")
    (line,) = stream.getvalue().splitlines()

    assert log.MAX_CHAIN - 1 == line.count("\\nKeyError\\n\\nled to:\\n")
    assert line.endswith('\\nPermissionError: Permission denied"')
    assert name not in line


def test_what_ends_the_process() -> None:
    """An exception that nobody catches becomes an event too; Ctrl-C is none."""
    _, stream = lines(journald=True)
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert "" == stream.getvalue()
    sys.excepthook(ZeroDivisionError, ZeroDivisionError("what was read"), None)

    assert '<2>defect traceback="Traceback (most recent call last):\\nZeroDivisionError"\n' == stream.getvalue()


def test_libraries_speak_in_the_same_shape() -> None:
    """A record that is not ours becomes an event with its message as one word."""
    _, stream = lines(journald=True)
    logging.getLogger("asyncio").error("Task %s was destroyed", 7)
    assert '<3>"Task 7 was destroyed"\n' == stream.getvalue()


# ---- Entries of the journal


@pytest.fixture
def journald(tmp_path: Path) -> Iterator[socket.socket]:
    """A socket in the place of journald's; events go to it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind(str(tmp_path / "journal"))
        made.settimeout(0)
        logging.getLogger().handlers.clear()
        set_up("debug", stream=io.StringIO(), journald=True, journal=str(tmp_path / "journal"))
        yield made


def entry(journald: socket.socket) -> dict[str, str]:
    """The next entry's fields, of which none has a line end."""
    lines = journald.recv(1 << 16).decode().splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_an_entry(journald: socket.socket) -> None:
    """A field for each value, and the line that a person reads."""
    EventLog("hallwatch.test").warning("degraded", problem="interface tap0 is down", n=2)

    assert {
        "MESSAGE": 'degraded problem="interface tap0 is down" n=2',
        "PRIORITY": "4",
        "SYSLOG_IDENTIFIER": "hallwatch",
        "HALLWATCH_EVENT": "degraded",
        "HALLWATCH_PROBLEM": "interface tap0 is down",
        "HALLWATCH_N": "2",
    } == entry(journald)


def test_an_entry_of_a_library(journald: socket.socket) -> None:
    """It has a message, and is no event of ours."""
    logging.getLogger("asyncio").error("Task %s was destroyed", 7)

    assert {"MESSAGE": '"Task 7 was destroyed"', "PRIORITY": "3", "SYSLOG_IDENTIFIER": "hallwatch"} == entry(journald)


def test_an_entry_of_a_defect(journald: socket.socket) -> None:
    """The traceback can be read as it is, and is a field too."""
    try:
        int("what happened")
    except ValueError:
        EventLog("hallwatch.test").defect("failed", where="here")
    received = journald.recv(1 << 16)

    assert b"failed where=here\nTraceback (most recent call last):\n" in received
    assert b"\nHALLWATCH_TRACEBACK\n" in received


def test_what_the_journal_does_not_take(tmp_path: Path) -> None:
    """It is written to the stream instead, and nothing is lost."""
    logging.getLogger().handlers.clear()
    stream = io.StringIO()
    set_up("debug", stream=stream, journald=True, journal=str(tmp_path / "journal"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind(str(tmp_path / "journal"))
        EventLog("hallwatch.test").info("short")
        EventLog("hallwatch.test").info("long", text="x" * (1 << 24))

    assert f"<6>long text={'x' * (1 << 24)}\n" == stream.getvalue()


def test_journald_is_recognised(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """JOURNAL_STREAM must name the very stream that standard error is (systemd.exec(5))."""
    with (tmp_path / "stderr").open("w", encoding="utf-8") as stderr:
        monkeypatch.setattr("sys.stderr", stderr)
        monkeypatch.delenv("JOURNAL_STREAM", raising=False)
        assert not log._stderr_is_journal()
        monkeypatch.setenv("JOURNAL_STREAM", "1:1")
        assert not log._stderr_is_journal()
        status = os.fstat(stderr.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
        assert log._stderr_is_journal()
    assert not log._stderr_is_journal()  # closed
