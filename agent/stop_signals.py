"""SIGTERM and SIGHUP -> KeyboardInterrupt, as for Ctrl-C, where a command has something to put back before it ends."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

STOPS: Final = (signal.SIGTERM, signal.SIGHUP)
"""What else ends a command that a person started: a kill, and a terminal that goes away."""


@contextmanager
def stop_signals_interrupt() -> Iterator[None]:
    """Meanwhile the signals raise; afterwards they do what they did before. For the main thread only (signal(3))."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = [signal.signal(number, interrupt) for number in STOPS]
    try:
        yield
    finally:
        for number, handler in zip(STOPS, before, strict=True):
            signal.signal(number, handler)
