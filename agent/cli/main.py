"""A command line -> the command it names, run, and an exit code."""

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from agent import __version__
from agent.cli.outcome import EXIT_CODES, Exit, FailedError, UsageError
from agent.gate.library import NativeGateError
from agent.policy.problems import RulesError
from agent.settings import SettingsError
from agent.shipped import NotShippedError

COMMANDS = (
    "run",
    "replay",
    "check",
    "explain",
    "coverage",
    "notice",
    "authorise",
    "audit",
    "password",
    "selftest",
    "top",
    "install",
)
"""Each is a module beside this one, in the order in which --help shows them."""

DESCRIPTION = """\
Counts what a school network is used for, judges it by the written policy, and leaves payloads unopened.

Try it, without root and without a network:
  hallwatch run --demo          a synthetic school day, on http://127.0.0.1:10484/
  hallwatch explain tiktok.com  how a name becomes a verdict
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: Its words without the program's name; those of the process when not given.

    Returns:
        The exit code, one of Exit.
    """
    try:
        code = _run(argv)
        sys.stdout.flush()
    except BrokenPipeError:
        # What is still buffered would raise again when the interpreter flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.BROKEN_PIPE
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    if argv is None:
        gc.freeze()  # the process ends: to search all that it holds for circles once more takes 0.02 s
    return code


def _run(argv: Sequence[str] | None) -> int:
    try:
        words = sys.argv[1:] if argv is None else list(argv)
        arguments = _parser(words).parse_args(words)
        code: int = arguments.run(arguments)
    except SystemExit as end:  # argparse has said what there is to say: --help, --version, or what is wrong
        return end.code if isinstance(end.code, int) else Exit.USAGE
    except RulesError as error:
        print(error, file=sys.stderr)
        what = "settings" if isinstance(error, SettingsError) else "rules"
        _complain(f"the {what} cannot be used: {len(error.problems) + error.further} problem(s), listed above")
        return Exit.USAGE
    except (UsageError, NotShippedError) as error:
        _complain(str(error))
        return Exit.USAGE
    except (FailedError, NativeGateError) as error:
        _complain(str(error))
        return Exit.FAILED
    except BrokenPipeError:
        raise
    except OSError as error:
        _complain(f"{error.filename}: {error.strerror}" if error.filename else str(error))
        return Exit.FAILED
    return code


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hallwatch",
        description=DESCRIPTION,
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"hallwatch {__version__}")
    parser.set_defaults(run=lambda _arguments: parser.error("which command? See hallwatch --help"))
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    # Only the command that is meant is imported: with the others it takes 0.07 s of CPU more to start.
    for name in words[:1] if words and words[0] in COMMANDS else COMMANDS:
        import_module(f"agent.cli.{name}").add_to(commands)
    return parser


def _complain(text: str) -> None:
    print(f"hallwatch: {text}", file=sys.stderr)
