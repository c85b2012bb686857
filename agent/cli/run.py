"""hallwatch run: count, and show the counts, until told to stop."""

import argparse
import faulthandler
import os
import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from agent import log
from agent.allowance.small_cells import MIN_DEVICES
from agent.cli.config_check import NO_SOURCE, SOURCES, check
from agent.cli.devices import add_devices_options, exchange_of
from agent.cli.options import Options, changed_in_file, in_force, options_of
from agent.cli.outcome import EXIT_CODES, FailedError, UsageError
from agent.cli.rules import add_rules_option, chosen_directory
from agent.cli.web_config import add_web_config_option, examined, unusable
from agent.policy.problems import Mark, Problems
from agent.settings import SettingsError

if TYPE_CHECKING:
    from agent.start import Settled  # with all that a daemon imports

DESCRIPTION = """\
Count, and serve the counts on / (for people) and /metrics (for Prometheus), until Ctrl-C or SIGTERM.

With --demo the traffic is a synthetic school day: it needs no root, no network and no configuration. What it plays is
made on the spot, goes through the same gate as real traffic, and holds nobody's data.

With -i it is what arrives on an interface, such as a mirror port of the district's core switch. The gate then stands in
the kernel where that can be had (tried on Linux 6.1 and 6.18), and no packet enters this process; otherwise it reads a
ring of packets in this process. Which one, and why, is said at the start. Attaching takes root, or CAP_NET_RAW
and CAP_BPF; all privileges are dropped before the first packet is counted.

Every option may also stand in the file that --config.file names, without its dashes: "interface: eth1". The command
line wins over the file. docs/configuration.md lists the keys.

SIGHUP, or POST /-/reload, loads the rules again; rules with mistakes are refused and the old ones stay. What changed in
the settings file waits for a restart, and is named in the log. An interface that goes down or away is waited for.
SIGTERM and SIGINT end it cleanly.
"""
EPILOG = f"""\
examples:
  hallwatch run --demo
  hallwatch run --demo --rules my-rules --web.listen-address 127.0.0.1:9999
  hallwatch run -i eth1                         a mirror port
  hallwatch run -i eth1 -i eth2                 the two directions of an optical tap, as one
  hallwatch run -i eth1 --web.listen-address 10.0.9.2:10484 --web.config.file /etc/hallwatch/web-config.yml
  hallwatch run -i eth1 --gate kernel           rather not at all than with packets in the process
  hallwatch run --config.file hallwatch.yaml --config.check     what would be in force, and from where

{EXIT_CODES}"""

DEFAULT_LISTEN = "127.0.0.1:10484"
DEFAULT_SEED = 1
GATES = ("auto", "kernel", "process")
DEFAULT_MAX_FLOWS = 1 << 18
"""5,000 devices with some 50 flows each: 112 MiB."""
MIN_FLOWS = 1 << 10
MAX_FLOWS = 1 << 24
"""7 GiB of kernel memory, for a tap of many such districts."""

STDERR = 2
"""The descriptor: a signal handler writes to it, whatever sys.stderr is."""

LEAST_MIN_DEVICES = 2
"""A number of one device would be about one person."""
MOST_MIN_DEVICES = 1_000


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "run",
        help="count traffic and serve the counts",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=partial(run, options=add_options(parser)))


def add_options(parser: argparse.ArgumentParser) -> Options:
    """Give a parser the options of the command."""
    parser.add_argument(
        "--config.file", dest="config_file", metavar="FILE", type=Path, help="settings, in YAML (default: none)"
    )
    parser.add_argument(
        "--config.check",
        dest="config_check",
        action="store_true",
        help="tell what is in force and from where, or everything that is wrong; start nothing",
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--demo", action="store_true", help="play a synthetic school day")
    source.add_argument(
        *("-i", "--interface"),
        action="append",
        metavar="NAME",
        help="watch this interface; several are one tap",
    )
    parser.add_argument("--gate", choices=GATES, default="auto", help="where the gate stands (default: auto)")
    parser.add_argument(
        "--max-flows",
        type=_flows,
        default=DEFAULT_MAX_FLOWS,
        help=f"rows of the flow table, some 450 bytes each (default: {DEFAULT_MAX_FLOWS}, for 5,000 devices)",
    )
    add_rules_option(parser)
    parser.add_argument(
        "--state",
        metavar="DIR",
        type=Path,
        default=os.environ.get("STATE_DIRECTORY"),
        help="where today's numbers outlive a restart; no address is in them (default: $STATE_DIRECTORY, or nowhere)",
    )
    parser.add_argument(
        "--min-devices",
        metavar="K",
        type=_devices,
        default=MIN_DEVICES,
        help=f"tell no number of fewer devices than this (default: {MIN_DEVICES})",
    )
    parser.add_argument(
        "--authorisations",
        metavar="DIR",
        type=Path,
        help="with -i: keep records of flows that an authorisation in DIR covers (default: there are no records)",
    )
    add_devices_options(parser)
    parser.add_argument(
        "--web.listen-address",
        dest="listen",
        metavar="HOST:PORT",
        type=listen_address,
        default=listen_address(DEFAULT_LISTEN),
        help=f"where to serve; port 0 takes any free one (default: {DEFAULT_LISTEN})",
    )
    add_web_config_option(
        parser, "TLS, client certificates and users of what is served (default: plain HTTP for everybody)"
    )
    parser.add_argument(
        "--seed", type=int, default=DEFAULT_SEED, help="start of the demo's random numbers; the same seed, the same day"
    )
    parser.add_argument("--log-level", choices=log.LEVELS, default="info", help="least urgent event that is logged")
    return options_of(parser, alternatives=[SOURCES])


def run(said: argparse.Namespace, *, options: Options) -> int:
    """Run the daemon to its end, or only tell how it would run."""
    problems = Problems()
    start = in_force(options, said, said.config_file, problems)
    names = start.arguments.interface or ()
    if len(set(names)) < len(names):
        where, _, line = start.sources["interface"].rpartition(":")
        mark = Mark(where, int(line)) if where else Mark(line, 0)
        problems.add(mark, "an interface stands here twice, and each of its packets would count twice", "name it once")
    if said.config_check:
        return check(options, start, said.config_file, problems)
    problems.raise_if_any(SettingsError)
    if start.silent(options, SOURCES):
        raise UsageError(NO_SOURCE)
    arguments = start.arguments
    # Imported here, since the demo makes its traffic with scapy: no other command should wait a second for that.
    from agent.capture.interface import InterfaceError
    from agent.gate.kernel import KernelGateError
    from agent.start import run_demo, run_tap
    from agent.web.web_config import WebConfigError

    def changed_settings() -> tuple[str, ...]:
        return changed_in_file(options, said, said.config_file, start)

    log.set_up(arguments.log_level)
    faulthandler.enable(STDERR)  # a watchdog ends a run by SIGABRT: then it says where it stood
    host, port = arguments.listen
    rules = chosen_directory(arguments.rules)
    if arguments.web_config is not None:
        examined(arguments.web_config)  # before anything is attached; the daemon itself logs what it warns of
    settled: Settled = {
        "district": arguments.rules.district,
        "state": arguments.state,
        "min_devices": arguments.min_devices,
        "devices": exchange_of(arguments, rules),
        "changed_settings": changed_settings,
        "web_config": arguments.web_config,
    }
    try:
        if arguments.demo:
            return run_demo(policy_directory=rules, host=host, port=port, seed=arguments.seed, **settled)
        return run_tap(
            policy_directory=rules,
            host=host,
            port=port,
            interfaces=arguments.interface,
            gate=arguments.gate,
            max_flows=arguments.max_flows,
            authorisations=arguments.authorisations,
            **settled,
        )
    except WebConfigError as error:  # it could be read a moment ago: without privileges it cannot
        raise unusable(error) from error
    except (InterfaceError, KernelGateError) as error:
        raise FailedError(str(error)) from error


def _flows(text: str) -> int:
    """A number of flows that a table can have."""
    if not text.isdecimal() or not MIN_FLOWS <= int(text) <= MAX_FLOWS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from {MIN_FLOWS} to {MAX_FLOWS}")
    return int(text)


def _devices(text: str) -> int:
    """A number of devices that nobody stands out among."""
    if not text.isdecimal() or not LEAST_MIN_DEVICES <= int(text) <= MOST_MIN_DEVICES:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from {LEAST_MIN_DEVICES} to {MOST_MIN_DEVICES}")
    return int(text)


def listen_address(text: str) -> tuple[str, int]:
    """HOST:PORT -> host and port; an IPv6 address stands in brackets, as in a URL (RFC 3986 section 3.2.2).

    Raises:
        ArgumentTypeError: It is not of that form.
    """
    matched = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\[\]:\s]+)):([0-9]{1,5})", text)
    if matched is None or int(matched[3]) > 0xFFFF:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT, such as {DEFAULT_LISTEN} or [::1]:10484")
    return matched[1] or matched[2], int(matched[3])
