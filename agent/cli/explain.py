"""hallwatch explain: a name -> the steps to its verdict, for people and for machines."""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from agent.cli.outcome import EXIT_CODES, Exit, UsageError
from agent.cli.rules import add_rules_option, load_rules
from agent.policy.explain import Explanation, UnknownSegmentError, explain
from agent.policy.policy import Policy

DESCRIPTION = """\
Show how a host name, or an application of the catalogue, becomes a verdict: what it is taken for, and which rule
speaks of it, on which clause of the written policy.

Without --segment, the verdicts in all segments stand side by side. With it, every step on the way is shown.
"""
EPILOG = f"""\
examples:
  hallwatch explain www.tiktok.com
  hallwatch explain youtube --segment students
  hallwatch explain chatgpt.com --segment staff --at 2026-11-23T10:15

{EXIT_CODES}"""


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "explain",
        help="show how a name becomes a verdict",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", metavar="NAME", help="a host name such as www.youtube.com, or an application: youtube")
    add_rules_option(parser)
    parser.add_argument("--segment", help="a segment of segments.yaml (default: all, side by side)")
    parser.add_argument(
        "--at",
        metavar="TIME",
        type=_time,
        help="ISO 8601, by the clock of the rules' time zone unless it names an offset (default: now)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document, with the steps of every segment")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Explain, and print."""
    if "/" in arguments.name:
        raise UsageError(f"{arguments.name!r} is an address of a page; give the host name alone, as in www.youtube.com")
    policy = load_rules(arguments.rules)
    now_ns = time.time_ns() if arguments.at is None else _nanoseconds(arguments.at, policy)
    segments = list(policy.segments.by_identifier) if arguments.segment is None else [arguments.segment]
    try:
        found = [explain(policy, arguments.name, segment, now_ns) for segment in segments]
    except UnknownSegmentError as error:
        raise UsageError(f"--segment: {error}") from error
    if arguments.json:
        json.dump(_document(arguments.name, policy.schedules.local(now_ns), found), sys.stdout, indent=2)
        print()
    elif arguments.segment is None:
        _show_side_by_side(found)
    else:
        _show_steps(found[0])
    return Exit.OK


def _show_steps(explanation: Explanation) -> None:
    from rich.text import Text

    from agent.cli.console import VERDICT_STYLES, console_for, table

    console = console_for(sys.stdout)
    steps = table("From name to verdict", "step", "outcome", numbers_from=2)
    for step in explanation.steps:
        steps.add_row(step.what, step.outcome)
    console.print(steps)
    decision = explanation.decision
    style = f"bold {VERDICT_STYLES[decision.verdict]}"
    console.print(Text.assemble((decision.verdict, style), f": {decision.because} (rule {decision.rule})"))
    if decision.clause:
        console.print(f"It rests on: {decision.clause}")


def _show_side_by_side(explanations: Sequence[Explanation]) -> None:
    from rich.text import Text

    from agent.cli.console import VERDICT_STYLES, console_for, table

    console = console_for(sys.stdout)
    first = explanations[0]
    shared = [step for step in first.steps if all(step in other.steps for other in explanations[1:])]
    naming = table("What it is", "step", "outcome", numbers_from=2)
    for step in shared:
        if step.what in {"name", "catalogue", "account", "evidence", "time"}:
            naming.add_row(step.what, step.outcome)
    console.print(naming)
    verdicts = table("Verdicts", "segment", "verdict", "rule", "clause of the policy", numbers_from=4)
    for explanation in explanations:
        decision = explanation.decision
        verdict = Text(decision.verdict, VERDICT_STYLES[decision.verdict])
        verdicts.add_row(explanation.flow_class.segment, verdict, decision.rule, decision.clause or decision.because)
    console.print(verdicts)
    console.print(f"Every step, for one segment: --segment {first.flow_class.segment}")


def _document(name: str, local: datetime, explanations: Sequence[Explanation]) -> dict[str, object]:
    return {
        "name": name,
        "time": local.isoformat(),
        "explanations": [
            {
                "class": asdict(explanation.flow_class),
                "verdict": explanation.decision.verdict,
                "rule": explanation.decision.rule,
                "clause": explanation.decision.clause,
                "because": explanation.decision.because,
                "steps": [asdict(step) for step in explanation.steps],
            }
            for explanation in explanations
        ],
    }


def _time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time such as 2026-11-23T10:15") from None


def _nanoseconds(time_of: datetime, policy: Policy) -> int:
    local = time_of if time_of.tzinfo is not None else time_of.replace(tzinfo=policy.schedules.calendar.zone)
    return int(local.timestamp()) * 1_000_000_000
