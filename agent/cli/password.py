"""hallwatch password: a password, asked for on the terminal -> the lines that let its user in."""

import argparse
import json
import re
import sys
from getpass import getpass

from agent.cli.outcome import EXIT_CODES, Exit, UsageError

DESCRIPTION = """\
Ask for a password, twice, and print what a web configuration holds of it: a bcrypt hash, from which it cannot be worked
out. The password is neither shown nor kept, and does not stand on the command line, where every user of
the machine could read it.

Without a terminal the password is the first line of standard input.
"""
EPILOG = f"""\
examples:
  hallwatch password prometheus                    asks, and prints
  hallwatch password prometheus >> web-config.yml  asks, and adds the user to a file that has none yet

{EXIT_CODES}"""

DEFAULT_COST = 12
"""Some 0.3 s of CPU, once for each scraper and start; to guess passwords takes as long for each guess."""
MIN_COST, MAX_COST = 10, 14
"""Below is quickly guessed; above makes the first scrape wait too long, see agent.web.web_config."""
MIN_CHARACTERS = 8
"""NIST SP 800-63B section 5.1.1.1: the least for a secret that people choose."""
MAX_BYTES = 72
"""bcrypt looks at no more."""
_user = re.compile(r"[^\s:\x00-\x1f\x7f]{1,255}")


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "password",
        help="make the entry of a user who may see the counts",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("user", metavar="USER", type=_name, help="the user's name, such as prometheus")
    parser.add_argument(
        "--cost",
        type=int,
        choices=range(MIN_COST, MAX_COST + 1),
        default=DEFAULT_COST,
        metavar="N",
        help=f"each step doubles the time of a check; {MIN_COST} to {MAX_COST} (default: {DEFAULT_COST})",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the lines for the web configuration."""
    from agent.web.passwords import hashed

    password = _password()
    if len(password) < MIN_CHARACTERS:
        raise UsageError(f"the password has fewer than {MIN_CHARACTERS} characters; nothing was printed")
    if len(password.encode()) > MAX_BYTES:
        raise UsageError(
            f"the password is longer than {MAX_BYTES} bytes, of which bcrypt sees no more; take a shorter one"
        )
    print(f"basic_auth_users:\n  {json.dumps(arguments.user)}: {hashed(password.encode(), arguments.cost)}")
    return Exit.OK


def _password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline(MAX_BYTES * 4).rstrip("\r\n")
    password = getpass("Password: ")
    if getpass("Once more: ") != password:
        raise UsageError("the two differ; nothing was printed")
    return password


def _name(text: str) -> str:
    """The name of a user (RFC 7617 section 2)."""
    if not _user.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no name: no colon, no space, at most 255 characters")
    return text
