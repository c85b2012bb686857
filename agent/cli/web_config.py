"""The option --web.config.file -> the file that it names, examined as the daemon would."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from agent.cli.outcome import UsageError
from agent.policy.problems import Problem

if TYPE_CHECKING:
    from agent.web.web_config import WebConfigError


def add_web_config_option(parser: argparse.ArgumentParser, what: str) -> None:
    """Give a command the option --web.config.file; `arguments.web_config` is then a path, or None."""
    parser.add_argument("--web.config.file", dest="web_config", metavar="FILE", type=Path, help=what)


def examined(path: Path) -> Sequence[str]:
    """What is allowed in a web configuration that can be used, but hardly meant; a line each.

    Raises:
        UsageError: It cannot be used; every reason has been told on standard error.
    """
    # Imported here: h11 and cryptography are nothing that a command without the option should wait for.
    from agent.web.protection import load, warnings
    from agent.web.web_config import WebConfigError

    try:
        return warnings(load(path), time.time())
    except WebConfigError as error:
        raise unusable(error) from error


def problems_in(path: Path) -> tuple[Problem, ...]:
    """Everything for which a web configuration cannot be used; () when it can."""
    from agent.web.protection import load
    from agent.web.web_config import WebConfigError

    try:
        load(path)
    except WebConfigError as error:
        return error.problems
    return ()


def unusable(error: "WebConfigError") -> UsageError:
    """Tell every reason, a line each, and sum them up as the error to end with."""
    print(error, file=sys.stderr)
    return UsageError(f"the web configuration cannot be used: {len(error.problems)} problem(s), listed above")
