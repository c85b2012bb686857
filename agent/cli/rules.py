"""The option --rules -> the policy it stands for."""

import argparse
from pathlib import Path

from agent.policy.policy import Policy, load
from agent.rules_location import shipped_rules


def add_rules_option(parser: argparse.ArgumentParser) -> None:
    """Give a command the option --rules DIR."""
    parser.add_argument(
        "--rules",
        metavar="DIR",
        type=Path,
        help="directory with catalogue/, segments.yaml, schedules.yaml and rules.yaml (default: the rules shipped)",
    )


def rules_directory(chosen: Path | None) -> Path:
    """The directory that was chosen, or the shipped one.

    Raises:
        NoShippedRulesError: None was chosen, and the installation has none.
    """
    return shipped_rules() if chosen is None else chosen


def load_rules(chosen: Path | None) -> Policy:
    """The policy in the directory that was chosen, or the shipped one.

    Raises:
        RulesError: With everything that is wrong in it.
        NoShippedRulesError: None was chosen, and the installation has none.
    """
    return load(rules_directory(chosen))
