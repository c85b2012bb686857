"""Words of the command line: how a command ends, and what people did wrong."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes, the same for every command."""

    OK = 0
    FAILED = 1
    """What was asked for could not be done, or not all of it."""
    USAGE = 2
    """The command line or the rules are wrong; nothing was done."""
    INTERRUPTED = 130
    """128 + SIGINT, as shells have it."""
    BROKEN_PIPE = 141
    """128 + SIGPIPE: the reader of our output went away, which is its right."""


EXIT_CODES = """\
exit codes:
  0  done
  1  it failed, or a part of it; standard error says what
  2  the command line or the rules are wrong; nothing was done
"""


class FailedError(Exception):
    """What was asked for could not be done; the text says why."""


class UsageError(Exception):
    """The command line asks for something that cannot be; the text says what would be right."""
