"""hallwatch selftest: this machine -> whether the promise holds on it, in words for people and in JSON."""

import argparse
import json
import sys
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING

from agent.cli.outcome import Exit, FailedError, UsageError
from agent.cli.run import GATES

if TYPE_CHECKING:
    from rich.table import Table

    from agent.selftest.run import Outcome

DESCRIPTION = """\
Test on this machine that payloads stay unopened and that every packet is counted.

It makes two network namespaces with a cable between them, so that no real network is touched. One process watches one
end with the real gate, rules and naming. Another sends a synthetic school day into the other end, in which every
payload byte that must stay closed is part of a mark. Then all memory of the process that watched is searched for the
marks, whole and half, and its counts are compared with what was sent. Everything that was made is taken away again,
also on Ctrl-C.

It takes root, iproute2, and some 20 seconds. It proves the promise for what was sent, on this kernel, with this gate.
"""
EPILOG = """\
examples:
  sudo hallwatch selftest                   the gate that `hallwatch run` would use here
  sudo hallwatch selftest --control         the gate left off: shows that the search does find marks
  sudo hallwatch selftest --gate process    the gate for machines without BPF; its promise is weaker, and it says so
  sudo hallwatch selftest --widen 512       opens too much on purpose: must fail

exit codes:
  0  passed (with --control: the marks were found)
  1  failed; or it broke off, and standard error says why
  2  the command line is wrong, or it cannot run here; standard error says what is missing
"""

DEFAULT_SEED = 1
DEFAULT_VISITS = 2000
"""Some 60,000 packets, made in 5 s and sent in 6."""
MAX_VISITS = 5000
"""All of it must fit into the memory of the control."""
MAX_WIDEN_BYTES = 8192
"""A widened ClientHello must still fit what the kernel's gate hands over at once."""


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "selftest",
        help="test on this machine that payloads stay unopened",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--gate", choices=GATES, default="auto", help="which gate to test (default: auto)")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--control", action="store_true", help="leave the gate off; the search must then find the marks")
    kind.add_argument(
        "--widen",
        type=partial(_number, most=MAX_WIDEN_BYTES),
        default=0,
        metavar="BYTES",
        help="for testing the self-test: opens too much on purpose; must fail",
    )
    parser.add_argument(
        "--seed", type=int, default=DEFAULT_SEED, help="of the traffic; another number is another school day"
    )
    parser.add_argument(
        "--visits",
        type=partial(_number, most=MAX_VISITS),
        default=DEFAULT_VISITS,
        metavar="N",
        help=f"how much traffic, some 30 packets a visit (default: {DEFAULT_VISITS}, at most {MAX_VISITS})",
    )
    parser.add_argument("--json", action="store_true", help="the result as JSON on standard output")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the self-test, and show what it came to."""
    # Imported here: the lab's words come with it, and no other command has a use for them.
    from agent.cli.console import console_for
    from agent.selftest import BrokenOffError, CannotRunError
    from agent.selftest.run import run_selftest

    progress = console_for(sys.stderr)
    try:
        outcome = run_selftest(
            gate=arguments.gate,
            control=arguments.control,
            widen_bytes=arguments.widen,
            seed=arguments.seed,
            visits=arguments.visits,
            on_step=lambda step: progress.print(f"... {step}", style="dim"),
        )
    except CannotRunError as error:
        raise UsageError(f"the self-test cannot run here: {error}") from error
    except BrokenOffError as error:
        raise FailedError(f"the self-test broke off: {error}") from error
    if arguments.json:
        print(json.dumps(as_json(outcome), indent=2))
    else:
        _show(outcome)
    return Exit.OK if outcome.passed else Exit.FAILED


def as_json(outcome: "Outcome") -> dict[str, object]:
    """The outcome as JSON has it; the numbers of flows are left to their count."""
    made, found = asdict(outcome.made), asdict(outcome.found)
    made["marked_flows"] = len(outcome.made.marked_flows)
    found["flows"] = len(outcome.found.flows)
    found["bytes"] = outcome.found.bytes
    return {
        "passed": outcome.passed,
        "control": outcome.control,
        "gate": outcome.ready.gate,
        "why": outcome.ready.why,
        "packet_ring_bytes": outcome.ready.ring_bytes,
        "kernel": outcome.kernel,
        "seconds": round(outcome.seconds, 1),
        "checks": [asdict(check) for check in outcome.checks],
        "made": made,
        "sent": asdict(outcome.sent),
        "seen": asdict(outcome.seen),
        "search": found,
    }


def headline(outcome: "Outcome") -> str:
    """The verdict in one or two sentences, for someone who has to answer for it."""
    if outcome.control:
        if outcome.passed:
            return "The control passed. With the gate left off the search finds what entered the program."
        return "The control FAILED. The search did not find everything, so a self-test that finds nothing means little."
    if not outcome.passed:
        return "The self-test FAILED. Do not rely on Hallwatch on this machine before this is explained."
    if outcome.ready.ring_bytes:
        return (
            "The self-test passed, with the weaker promise. Nothing was found outside the place where packets arrive; "
            f"but that place is a ring of {outcome.ready.ring_bytes >> 20} MiB in the program's own memory, full of "
            "whole packets, and was not searched. The gate in the kernel does without it."
        )
    opened, payload = sum(outcome.seen.opened.values()), outcome.seen.payload_bytes
    return (
        f"The self-test passed. Of {payload / 1e6:,.1f} MB of payload the program was given {opened / 1e6:,.1f} MB, in "
        "which connections introduce themselves; nothing of the rest was found in it, and every packet was counted."
    )


def _show(outcome: "Outcome") -> None:
    from rich.text import Text

    from agent.cli.console import console_for

    console = console_for(sys.stdout)
    console.print()
    console.print(headline(outcome), style="bold green" if outcome.passed else "bold red", soft_wrap=True)
    console.print()
    for check in outcome.checks:
        mark = Text("passed  ", "green") if check.passed else Text("FAILED  ", "bold red")
        console.print(mark.append(check.what, ""), soft_wrap=True)
        console.print(Text("        " + check.detail, "dim"), soft_wrap=True)
    console.print()
    console.print(_details(outcome))


def _details(outcome: "Outcome") -> "Table":
    from rich.table import Table

    found = outcome.found
    left_out = ", ".join(f"{name} ({size:,} bytes)" for name, size in sorted(found.left_out.items()))
    rows = {
        "gate": f"{outcome.ready.gate}: {outcome.ready.why}",
        "kernel": outcome.kernel,
        "time": f"{outcome.seconds:.1f} s",
        "searched": f"{found.searched_mappings:,} mappings, {found.searched_bytes:,} bytes",
        "left out": left_out or "nothing",
        "opened": ", ".join(f"{kind} {size:,}" for kind, size in sorted(outcome.seen.opened.items())) or "no count",
    }
    details = Table.grid(padding=(0, 2))
    for row in rows.items():
        details.add_row(*row)
    return details


def _number(text: str, most: int) -> int:
    """A number from 1 to `most`."""
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {most}")
    return int(text)
