"""hallwatch check: a directory of rules -> everything that is wrong in it, or what it amounts to."""

import argparse
import sys
from collections.abc import Sequence

from agent.cli.notice import standing
from agent.cli.outcome import EXIT_CODES, Exit, UsageError
from agent.cli.rules import add_rules_option, load_rules
from agent.cli.series import most_series
from agent.cli.web_config import add_web_config_option, examined
from agent.policy.accounts import BoardService
from agent.policy.policy import Policy
from agent.policy.problems import Problem

DESCRIPTION = """\
Load the rules as the daemon would, and tell what they amount to.

What is wrong is listed all at once, a line each: file, line, what is wrong, and what would be right. Among it are words
that no file defines, segments that overlap, rules that no traffic can reach, clauses that nothing is said of, and cases
under "expect:" that come out otherwise. A decision of the board that has run out does not stop the daemon, but is told.
"""
EPILOG = f"""\
examples:
  hallwatch check                   the rules shipped with Hallwatch
  hallwatch check --rules my-rules  your own, before the daemon reloads them
  hallwatch check --district hamden a pack, with the shipped segments and schedules
  hallwatch check --web.config.file /etc/hallwatch/web-config.yml

{EXIT_CODES}"""


FEW_SERIES = 100
"""A metric with fewer is not worth a line."""


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "check",
        help="find what is wrong in the rules",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_rules_option(parser)
    add_web_config_option(parser, "examine this web configuration too, with the keys and certificates that it names")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the summary of rules that are in order; RulesError otherwise, and UsageError for a web configuration."""
    unusable = None
    try:
        doubtful = () if arguments.web_config is None else examined(arguments.web_config)
    except UsageError as error:  # the rules are told of all the same
        doubtful, unusable = (), error
    policy = load_rules(arguments.rules)
    if unusable:
        raise unusable
    notice = standing(arguments.rules, policy)
    lapsed = [_lapsed(service) for service in policy.services.lapsed]
    if lapsed:
        print("\n".join(map(str, lapsed)), file=sys.stderr)
        print(f"hallwatch: the rules can be used; {len(lapsed)} problem(s), listed above", file=sys.stderr)
        return Exit.USAGE
    print(f"{arguments.rules}: in order")
    for count, what in _summary(policy):
        print(f"  {count:>7,} {what}")
    print(f"  notice: {notice}")
    print("  series that an agent exports at the very most, were all of this ever seen:")
    for count, what in _series(policy):
        print(f"  {count:>9,} {what}")
    if arguments.web_config is not None:
        print(f"{arguments.web_config}: in order")
        for text in doubtful:
            print(f"  but {text}")
    return Exit.OK


def _summary(policy: Policy) -> Sequence[tuple[int, str]]:
    applications = [entry.application for entry in policy.catalogue.entries.values()]
    categories = {application.category for application in applications}
    rulebook, clauses = policy.rulebook, policy.pack.clauses.values()
    lines = [
        (len(applications), f"applications in {len(categories)} categories"),
        (len(rulebook.rules), f"rules, and what follows when none fits: {rulebook.default.verdict}"),
        (len(policy.segments.by_identifier), f"segments: {', '.join(policy.segments.by_identifier)}"),
        (len(policy.schedules.by_identifier), f"schedules: {', '.join(policy.schedules.by_identifier)}"),
        (len(policy.services.declared), "services that the board has declared"),
    ]
    if clauses:
        served = sum(1 for clause in clauses if clause.rules)
        lines.append((len(clauses), f"clauses of {policy.pack.district or 'the policy'}, {served} of them with rules"))
    return lines


def _series(policy: Policy) -> Sequence[tuple[int, str]]:
    """The largest metrics, the others together, and all."""
    most = most_series(policy.worst_case())
    large = {name: count for name, count in most.items() if count >= FEW_SERIES}
    others = [count for name, count in most.items() if name not in large]
    lines = [(count, name) for name, count in sorted(large.items(), key=lambda line: -line[1])]
    lines.append((sum(others), f"in {len(others)} metrics with fewer than {FEW_SERIES} each"))
    return [*lines, (sum(most.values()), "in all; after a reload, those of the rules before stay beside them")]


def _lapsed(service: BoardService) -> Problem:
    what = f'the decision that "{service.service}" is the board\'s ran out on {service.until}'
    remedy = "it is held as personal since; ask the board for a new decision, or remove it"
    return Problem(service.mark.file, service.mark.line, what, remedy)
