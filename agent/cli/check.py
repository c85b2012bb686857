"""hallwatch check: a directory of rules -> everything that is wrong in it, or what it amounts to."""

import argparse

from agent.cli.outcome import EXIT_CODES, Exit
from agent.cli.rules import add_rules_option, load_rules, rules_directory

DESCRIPTION = """\
Load the rules as the daemon would, and tell what they amount to.

What is wrong is listed all at once, a line each: file, line, what is wrong, and what would be right.
"""
EPILOG = f"""\
examples:
  hallwatch check                   the rules shipped with Hallwatch
  hallwatch check --rules my-rules  your own, before the daemon reloads them

{EXIT_CODES}"""


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
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the summary of rules that are in order; RulesError otherwise."""
    policy = load_rules(arguments.rules)
    applications = [entry.application for entry in policy.catalogue.entries.values()]
    categories = {application.category for application in applications}
    print(f"{rules_directory(arguments.rules)}: in order")
    print(f"  {len(applications):>7,} applications in {len(categories)} categories")
    print(
        f"  {len(policy.rulebook.rules):>7,} rules, and what follows when none fits: {policy.rulebook.default.verdict}"
    )
    print(f"  {len(policy.segments.by_identifier):>7,} segments: {', '.join(policy.segments.by_identifier)}")
    print(f"  {len(policy.schedules.by_identifier):>7,} schedules: {', '.join(policy.schedules.by_identifier)}")
    print(f"  {policy.worst_case_series():>7,} series of a metric at the very most, were all of this ever seen")
    return Exit.OK
