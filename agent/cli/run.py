"""hallwatch run: count, and show the counts, until told to stop."""

import argparse
import re

from agent import log
from agent.cli.outcome import EXIT_CODES, UsageError
from agent.cli.rules import add_rules_option, rules_directory

DESCRIPTION = """\
Count, and serve the counts on / (for people) and /metrics (for Prometheus), until Ctrl-C or SIGTERM.

With --demo the traffic is a synthetic school day: it needs no root, no network and no configuration. What it plays is
made on the spot, goes through the same gate as real traffic, and holds nobody's data.
"""
EPILOG = f"""\
examples:
  hallwatch run --demo
  hallwatch run --demo --rules my-rules --web.listen-address 127.0.0.1:9999

{EXIT_CODES}"""

DEFAULT_LISTEN = "127.0.0.1:10484"
DEFAULT_SEED = 1


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "run",
        help="count traffic and serve the counts",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--demo", action="store_true", help="play a synthetic school day")
    add_rules_option(parser)
    parser.add_argument(
        "--web.listen-address",
        dest="listen",
        metavar="HOST:PORT",
        type=listen_address,
        default=listen_address(DEFAULT_LISTEN),
        help=f"where to serve; port 0 takes any free one (default: {DEFAULT_LISTEN})",
    )
    parser.add_argument(
        "--seed", type=int, default=DEFAULT_SEED, help="start of the demo's random numbers; the same seed, the same day"
    )
    parser.add_argument("--log-level", choices=log.LEVELS, default="info", help="least urgent event that is logged")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the daemon to its end."""
    if not arguments.demo:
        raise UsageError("a live tap cannot be read yet, only the synthetic school day: hallwatch run --demo")
    # The demo makes its traffic with scapy, which takes a second to import: no other command should wait for it.
    from agent.daemon import run_demo

    log.set_up(arguments.log_level)
    host, port = arguments.listen
    return run_demo(policy_directory=rules_directory(arguments.rules), host=host, port=port, seed=arguments.seed)


def listen_address(text: str) -> tuple[str, int]:
    """HOST:PORT -> host and port; an IPv6 address stands in brackets, as in a URL (RFC 3986 section 3.2.2).

    Raises:
        ArgumentTypeError: It is not of that form.
    """
    matched = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\[\]:\s]+)):([0-9]{1,5})", text)
    if matched is None or int(matched[3]) > 0xFFFF:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT, such as {DEFAULT_LISTEN} or [::1]:10484")
    return matched[1] or matched[2], int(matched[3])
