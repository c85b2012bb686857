"""A terminal -> whether somebody pressed q, without waiting for the end of a line."""

import os
import select
import termios
import tty
from types import TracebackType
from typing import Any, Final, Self, TextIO

QUIT: Final = frozenset(b"qQ\x04")
"""q, and Ctrl-D, which ends a terminal's input."""
MAX_KEYS: Final = 64
"""Bytes taken at once; what was pasted beyond comes with the next look."""


class Keys:
    """Takes single keys from a terminal while it is entered; from anything else it takes nothing."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._before: list[Any] | None = None

    def __enter__(self) -> Self:
        if self._stream.isatty():
            self._before = termios.tcgetattr(self._stream)
            tty.setcbreak(self._stream)  # keys at once and not echoed; Ctrl-C stays a signal
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            termios.tcsetattr(self._stream, termios.TCSADRAIN, self._before)

    def quit_within(self, seconds: float) -> bool:
        """Waits so long, or until a key is pressed; True when it was one of QUIT, or the terminal is gone."""
        watched = [self._stream] if self._before is not None else []
        ready, _, _ = select.select(watched, [], [], seconds)
        if not ready:
            return False
        pressed = os.read(self._stream.fileno(), MAX_KEYS)
        return not pressed or bool(QUIT & set(pressed))
