"""hallwatch explain: a name, an application or a captured flow -> the steps to its verdict, for people and for machines."""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path

from agent.cli.captured_flow import FORMS, captured_flow, wanted
from agent.cli.flow_lines import flow_line
from agent.cli.outcome import EXIT_CODES, Exit, UsageError
from agent.cli.rules import add_rules_option, load_rules
from agent.policy.explain import Explanation, UnknownSegmentError, explain, explain_class
from agent.policy.policy import Policy
from agent.policy.problems import shown
from agent.verdict import Step

DESCRIPTION = """\
Show how a host name, an application of the catalogue, or a flow of a capture file becomes a verdict: what it is taken
for, whose account that is, which rule speaks of it, on which clause of the written policy, and what would change the
answer.

Without --segment, the verdicts in all segments stand side by side. With it, every step on the way is shown. A flow is in
a segment, so its steps are shown; --segment then asks what it would be elsewhere.
"""
EPILOG = f"""\
examples:
  hallwatch explain www.tiktok.com
  hallwatch explain youtube --segment students
  hallwatch explain chatgpt.com --segment staff --at 2026-11-23T10:15
  hallwatch explain tiktok --segment staff --district hamden
  hallwatch explain --capture monday.pcapng --flow 12
  hallwatch explain --capture monday.pcapng --flow 10.20.1.7:51034-192.0.2.80:443

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
    parser.add_argument(
        "name", metavar="NAME", nargs="?", help="a host name such as www.youtube.com, or an application: youtube"
    )
    parser.add_argument("--capture", metavar="FILE", type=Path, help="explain a flow of this capture file instead")
    parser.add_argument("--flow", metavar="WHICH", help=f"with --capture: {FORMS}")
    add_rules_option(parser)
    parser.add_argument("--segment", help="a segment of segments.yaml (default: all, side by side)")
    parser.add_argument(
        "--at",
        metavar="TIME",
        type=_time,
        help="ISO 8601, by the clock of the rules' time zone unless it names an offset (default: now, or the flow's start)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document, with the steps of every segment")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Explain, and print."""
    _check(arguments)
    policy = load_rules(arguments.rules)
    try:
        if arguments.capture is not None:
            name, now_ns, found = _of_capture(arguments, policy)
        else:
            name, now_ns, found = _of_name(arguments, policy)
    except UnknownSegmentError as error:
        raise UsageError(f"--segment: {error}") from error
    if arguments.json:
        json.dump(_document(name, policy.schedules.local(now_ns), found), sys.stdout, indent=2)
        print()
    elif len(found) > 1:
        _show_side_by_side(found)
    else:
        _show_steps(found[0])
    return Exit.OK


def _check(arguments: argparse.Namespace) -> None:
    if (arguments.name is None) == (arguments.capture is None):
        raise UsageError("explain what? A host name or an application; or --capture FILE with --flow WHICH")
    if (arguments.capture is None) != (arguments.flow is None):
        raise UsageError("--capture and --flow belong together: the file, and which of its flows")
    if arguments.name is not None and "/" in arguments.name:
        raise UsageError(f"{arguments.name!r} is an address of a page; give the host name alone, as in www.youtube.com")


def _of_name(arguments: argparse.Namespace, policy: Policy) -> tuple[str | None, int, list[Explanation]]:
    now_ns = time.time_ns() if arguments.at is None else policy.schedules.moment(arguments.at)
    segments = list(policy.segments.by_identifier) if arguments.segment is None else [arguments.segment]
    return arguments.name, now_ns, [explain(policy, arguments.name, segment, now_ns) for segment in segments]


def _of_capture(arguments: argparse.Namespace, policy: Policy) -> tuple[str | None, int, list[Explanation]]:
    record = captured_flow(arguments.capture, wanted(arguments.flow), policy)
    line = flow_line(arguments.capture, record)
    now_ns = record.flow.first_ns if arguments.at is None else policy.schedules.moment(arguments.at)
    flow_class = record.flow_class
    if arguments.segment is not None:
        flow_class = replace(flow_class, segment=arguments.segment)
    ends = f"{line['src']} port {line['sport']} to {line['dst']} port {line['dport']}, {line['proto']}"
    vlan = "" if record.flow.vlan is None else f", VLAN {record.flow.vlan}"
    names = ", ".join(map(shown, record.hostnames)) or "none was given"
    seen = [Step("flow", f"{ends}{vlan}"), Step("name", names)]
    name = record.hostnames[0] if record.hostnames else None
    return name, now_ns, [explain_class(policy, flow_class, now_ns, seen)]


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
    if explanation.clause:
        console.print(f"It rests on: {explanation.clause}")
    if explanation.changes:
        changes = table("What would change the answer", "change", "the answer then", numbers_from=2)
        for change in explanation.changes:
            changes.add_row(change.what, change.outcome)
        console.print(changes)
    else:
        console.print("No other time, segment or declaration by the board would change the answer.")


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
        verdicts.add_row(explanation.flow_class.segment, verdict, decision.rule, explanation.clause or decision.because)
    console.print(verdicts)
    console.print(f"Every step, for one segment: --segment {first.flow_class.segment}")


def _document(name: str | None, local: datetime, explanations: Sequence[Explanation]) -> dict[str, object]:
    return {
        "name": name,
        "time": local.isoformat(),
        "explanations": [
            {
                "class": asdict(explanation.flow_class),
                "verdict": explanation.decision.verdict,
                "rule": explanation.decision.rule,
                "clause": explanation.decision.clause,
                "clause_says": explanation.clause,
                "because": explanation.decision.because,
                "steps": [asdict(step) for step in explanation.steps],
                "changes": [asdict(step) for step in explanation.changes],
            }
            for explanation in explanations
        ],
    }


def _time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time such as 2026-11-23T10:15") from None
