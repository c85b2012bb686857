"""A module of this package -> a process that runs it, heard line by line with a limit of time, and never left behind."""

import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

import agent
from agent.selftest import BrokenOffError, reports

END_S: Final = 2.0
"""How long a process may take to end when it has been told to."""
MAX_LINE_BYTES: Final = 1 << 20
"""A report takes some kilobytes; the longest one lists the numbers of all marked flows."""
MAX_COMPLAINT_CHARACTERS: Final = 500

_ROOT: Final = Path(agent.__file__).resolve().parent.parent
# Not `python -m`, which would let a folder called "agent" in the current directory take this package's place; and the
# package's root goes last, where it cannot hide a module of the standard library.
_START: Final = (
    "import runpy, sys; _, root, module, *sys.argv[1:] = sys.argv; sys.path.append(root);"
    "runpy.run_module(module, run_name='__main__', alter_sys=True)"
)

_Report = TypeVar("_Report", reports.Made, reports.Sent, reports.Ready, reports.Seen)


class Child:
    """A process of the self-test. A context manager: at its end the process is gone.

    It has a session of its own, so that Ctrl-C reaches only the one who tidies up.

    Args:
        module: dotted name; run as a program.
        arguments: for it.
        wrapper: words before the command, such as those that enter a network namespace.
    """

    def __init__(self, module: str, arguments: Sequence[str], wrapper: Sequence[str] = ()) -> None:
        self._name = module
        self._heard = b""
        # Not a pipe: one that nobody reads would stop the process when it is full.
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - closed in __exit__
        self._process = subprocess.Popen(  # noqa: S603 - this package's own modules
            [*wrapper, sys.executable, "-P", "-c", _START, str(_ROOT), module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            bufsize=0,  # a line that could not be sent must not be sent again when the pipe is closed
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            # The end of its standard input tells it to go. After a failure nobody waits for that.
            self._process.wait(END_S if error is None else 0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._complaints.close()

    def say(self, line: str) -> None:
        """Sends a line to its standard input.

        Raises:
            BrokenOffError: it is no longer there.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise self._ended() from error

    def hear(self, kind: type[_Report], *, within_s: float) -> _Report:
        """Waits for its next report.

        Raises:
            CannotRunError: it cannot do its part here.
            BrokenOffError: it ended, said something else, or took longer.
        """
        return reports.from_line(self._line(within_s), kind)

    def _line(self, within_s: float) -> str:
        assert self._process.stdout is not None
        pipe = self._process.stdout.fileno()
        until_s = time.monotonic() + within_s
        while b"\n" not in self._heard:
            if not select.select([pipe], [], [], max(0.0, until_s - time.monotonic()))[0]:
                raise BrokenOffError(f"{self._name} took longer than {within_s:.0f} s")
            chunk = os.read(pipe, 1 << 16)
            if not chunk:
                raise self._ended()
            self._heard += chunk
            if len(self._heard) > MAX_LINE_BYTES:
                raise BrokenOffError(f"{self._name} said more than {MAX_LINE_BYTES} bytes at once")
        line, _, self._heard = self._heard.partition(b"\n")
        return line.decode("utf-8", "replace")

    def _ended(self) -> BrokenOffError:
        """What it said on standard error before it ended."""
        try:
            code: int | str = self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            code = "none yet"
        self._complaints.seek(0)
        complaint = self._complaints.read().decode("utf-8", "replace").strip()[-MAX_COMPLAINT_CHARACTERS:]
        return BrokenOffError(f"{self._name} ended too early (exit code {code}): {complaint or 'it said nothing'}")
