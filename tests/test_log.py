"""Events as lines."""

import io
import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent import log
from agent.log import EventLog, set_up


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """Leave the process's logging as it was."""
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    yield
    root.setLevel(level)
    root.handlers[:] = handlers


def lines(level: str = "debug", *, journald: bool = False) -> tuple[EventLog, io.StringIO]:
    stream = io.StringIO()
    # basicConfig(force=True) closes the handlers it replaces, and pytest's are not ours to close.
    logging.getLogger().handlers.clear()
    set_up(level, stream=stream, journald=journald)
    return EventLog("hallwatch.test"), stream


def test_an_event_on_a_terminal() -> None:
    """Time in UTC, level, event, then the values."""
    events, stream = lines()
    events.info("listening", url="http://127.0.0.1:10484/", rules=12)
    expected = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info listening url=http://127\.0\.0\.1:10484/ rules=12\n"
    assert re.fullmatch(expected, stream.getvalue()), stream.getvalue()


def test_an_event_for_journald() -> None:
    """journald adds the time itself and reads the priority from <N>."""
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
    """One event is one line, also with a traceback."""
    events, stream = lines(journald=True)
    try:
        int("what happened")
    except ValueError:
        events.defect("failed", where="here")
    (line,) = stream.getvalue().splitlines()
    assert line.startswith('<3>failed where=here traceback="Traceback')
    assert "invalid literal" in line


def test_libraries_speak_in_the_same_shape() -> None:
    """A record that is not ours becomes an event with its message as one word."""
    _, stream = lines(journald=True)
    logging.getLogger("asyncio").error("Task %s was destroyed", 7)
    assert '<3>"Task 7 was destroyed"\n' == stream.getvalue()


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
