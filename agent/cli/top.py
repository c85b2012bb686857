"""hallwatch top: what an agent sees now, in a terminal."""

import argparse
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Final

from agent.cli.agent_client import Place, ask, place_of, tls, user_of_file, user_of_netrc
from agent.cli.outcome import EXIT_CODES, Exit, FailedError, UsageError
from agent.now import Now
from agent.stop_signals import stop_signals_interrupt

DESCRIPTION = """\
Show in a terminal what an agent sees now: payload left unopened, categories and applications by rate, the gate. It asks
the agent's page for its numbers (/now.json) and shows no address, host name, user or device, since none is there.

On a terminal it renews itself until q or Ctrl-C, and goes on asking when the agent does not answer for a while. Into a
pipe, a file or a terminal that cannot do that (TERM=dumb) it prints one round after the other, and ends with 1 when a round has no answer.
"""
EPILOG = f"""\
examples:
  hallwatch top
  hallwatch top --once | grep -i 'generative ai'
  hallwatch top https://tap.example.org:10484/ --ca-file ca.pem --user-file ~/.hallwatch-user

{EXIT_CODES}"""

DEFAULT_URL: Final = "http://127.0.0.1:10484/"
DEFAULT_INTERVAL_S: Final = 2.0
LEAST_INTERVAL_S: Final = 0.5
"""The agent has new counts once a second."""
MOST_INTERVAL_S: Final = 3_600.0
NOT_RENEWED: Final = frozenset({"dumb", "unknown"})
"""Terminals that cannot be written over (rich would show nothing there until the end)."""


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "top",
        help="show what an agent sees now",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "url", metavar="URL", nargs="?", default=DEFAULT_URL, help=f"the agent's page (default: {DEFAULT_URL})"
    )
    parser.add_argument(
        "--interval",
        metavar="SECONDS",
        type=_interval,
        default=DEFAULT_INTERVAL_S,
        help=f"between rounds (default: {DEFAULT_INTERVAL_S:g})",
    )
    rounds = parser.add_mutually_exclusive_group()
    rounds.add_argument("-n", "--rounds", metavar="N", type=_rounds, help="end after so many rounds (default: never)")
    rounds.add_argument("--once", dest="rounds", action="store_const", const=1, help="the same as --rounds 1")
    parser.add_argument("--ca-file", metavar="FILE", type=Path, help="trust these authorities, not the system's (PEM)")
    parser.add_argument("--cert", metavar="FILE", type=Path, help="show this certificate to the agent (PEM)")
    parser.add_argument("--key", metavar="FILE", type=Path, help="the key of --cert, where it is not in the same file")
    user = parser.add_mutually_exclusive_group()
    user.add_argument("--user-file", metavar="FILE", type=Path, help="who asks: NAME:PASSWORD on the first line")
    user.add_argument(
        "--netrc", metavar="FILE", type=Path, help="who asks: the host's entry in a file such as ~/.netrc"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Show the agent, round by round."""
    place = place_of(arguments.url)
    if not place.secure and (arguments.ca_file or arguments.cert):
        raise UsageError("--ca-file and --cert are for https:// only")
    if arguments.key and not arguments.cert:
        raise UsageError("--key is the key of a certificate, so it stands with --cert")
    user = _user(place, arguments.user_file, arguments.netrc)
    context = tls(arguments.ca_file, arguments.cert, arguments.key) if place.secure else None

    def answer() -> Now:
        return ask(place, context=context, user=user)

    rounds = count() if arguments.rounds is None else iter(range(arguments.rounds))
    if sys.stdout.isatty() and arguments.rounds != 1 and os.environ.get("TERM") not in NOT_RENEWED:
        return _live(answer, rounds, arguments.interval)
    return _plain(answer, rounds, arguments.interval)


def _plain(answer: Callable[[], Now], rounds: Iterator[int], interval_s: float) -> int:
    from agent.cli.console import console_for
    from agent.cli.now_screen import screen

    console = console_for(sys.stdout)
    for number in rounds:
        if number:
            time.sleep(interval_s)
            console.print()
        console.print(screen(answer(), width=console.width))
        sys.stdout.flush()
    return Exit.OK


def _live(answer: Callable[[], Now], rounds: Iterator[int], interval_s: float) -> int:
    from rich.live import Live

    from agent.cli.console import console_for
    from agent.cli.keys import Keys
    from agent.cli.now_screen import screen

    console = console_for(sys.stdout)
    shown, trouble = answer(), ""  # an agent that cannot be reached at all is an error, and leaves the screen alone
    with (
        stop_signals_interrupt(),
        Keys(sys.stdin) as keys,
        Live(console=console, screen=True, auto_refresh=False) as live,
    ):
        for number in rounds:
            if number:
                try:
                    shown, trouble = answer(), ""
                except FailedError as error:
                    trouble = trouble or f"no answer since {time.strftime('%H:%M:%S')}: {error}"
            live.update(screen(shown, width=console.width, height=console.height, trouble=trouble), refresh=True)
            if keys.quit_within(interval_s):
                break
    return Exit.OK


def _user(place: Place, user_file: Path | None, netrc_file: Path | None) -> str | None:
    if user_file is None and netrc_file is None:
        return None
    if not place.secure and not place.local:
        raise UsageError(f"a password would cross the network to {place} unprotected: https:// is for that")
    return user_of_file(user_file) if user_file else user_of_netrc(netrc_file or Path(), place.host)


def _interval(text: str) -> float:
    """Seconds between rounds."""
    if not re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,3})?", text) or not LEAST_INTERVAL_S <= float(text) <= MOST_INTERVAL_S:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from {LEAST_INTERVAL_S} to {MOST_INTERVAL_S:.0f}")
    return float(text)


def _rounds(text: str) -> int:
    """How many rounds."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 on")
    return int(text)
