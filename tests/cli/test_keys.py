"""Keys from a pseudo-terminal."""

import os
import pty
import termios
from collections.abc import Iterator
from io import StringIO
from typing import TextIO

import pytest

from agent.cli.keys import Keys

LONG_S = 20.0


@pytest.fixture
def terminal() -> Iterator[tuple[int, TextIO]]:
    """Where a person types, and what a program reads."""
    person, program = pty.openpty()
    with os.fdopen(program, "r") as stream:
        yield person, stream
    os.close(person)


@pytest.mark.parametrize(
    ("pressed", "quits"), [(b"q", True), (b"Q", True), (b"\x04", True), (b"xq", True), (b"\x1b[A", False)]
)
def test_quit(terminal: tuple[int, TextIO], pressed: bytes, quits: bool) -> None:
    """q ends it without Enter; other keys only end the waiting."""
    person, stream = terminal
    with Keys(stream) as keys:
        os.write(person, pressed)
        assert quits == keys.quit_within(LONG_S)


def test_nobody_pressed_anything(terminal: tuple[int, TextIO]) -> None:
    """The time passes, and that is all."""
    with Keys(terminal[1]) as keys:
        assert not keys.quit_within(0.01)


def test_the_terminal_is_left_as_it_was(terminal: tuple[int, TextIO]) -> None:
    """Also when what was done in between failed."""
    _, stream = terminal
    before = termios.tcgetattr(stream)
    found = []

    def fail() -> None:
        with Keys(stream):
            found.append(termios.tcgetattr(stream))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert before not in found
    assert before == termios.tcgetattr(stream)


def test_no_terminal() -> None:
    """Input that is no terminal is left alone."""
    stream = StringIO("q")
    with Keys(stream) as keys:
        assert not keys.quit_within(0.01)
    assert "q" == stream.read()
