"""The options --rules and --district -> the policy they stand for."""

import argparse
import time
from dataclasses import dataclass, replace
from pathlib import Path

from agent.cli.outcome import UsageError
from agent.policy.policy import Policy, load
from agent.shipped import shipped_rules

DIRECTORY, DISTRICT = "DIR", "DISTRICT"


@dataclass(frozen=True, slots=True)
class RulesChoice:
    """Which rules a command line asks for."""

    directory: Path | None = None
    """None for the rules shipped."""
    district: str | None = None
    """A pack in districts/, in place of rules.yaml."""

    def over(self, other: "RulesChoice") -> "RulesChoice":
        """What this choice says, and the other's where this one says nothing."""
        return RulesChoice(self.directory or other.directory, self.district or other.district)

    def __str__(self) -> str:
        pack = "" if self.district is None else f", the pack of {self.district}"
        return f"{chosen_directory(self)}{pack}"


class _Choose(argparse.Action):
    """Puts a value into its part of the choice. Both options make one choice, so that no command takes half of it."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: object, option: str | None = None
    ) -> None:
        del parser, option
        chosen: RulesChoice = getattr(namespace, self.dest, RulesChoice())
        if self.metavar == DIRECTORY:
            chosen = replace(chosen, directory=Path(str(values)))
        else:
            chosen = replace(chosen, district=str(values))
        setattr(namespace, self.dest, chosen)


def add_rules_option(parser: argparse.ArgumentParser) -> None:
    """Give a command the options --rules DIR and --district DISTRICT; `arguments.rules` is then a RulesChoice."""
    parser.add_argument(
        "--rules",
        dest="rules",
        metavar=DIRECTORY,
        type=Path,
        action=_Choose,
        default=RulesChoice(),
        help="directory with catalogue/, segments.yaml, schedules.yaml and rules.yaml (default: the rules shipped)",
    )
    parser.add_argument(
        "--district",
        dest="rules",
        metavar=DISTRICT,
        action=_Choose,
        default=RulesChoice(),
        help="a pack in the directory's districts/, such as hamden, in place of its rules.yaml",
    )


def rules_directory(chosen: RulesChoice) -> Path:
    """The directory that was chosen, or the shipped one, for what reads rules.yaml itself.

    Raises:
        NotShippedError: None was chosen, and the installation has none.
        UsageError: A district was chosen too, which a directory alone cannot say.
    """
    if chosen.district is not None:
        extends = f"extends: districts/{chosen.district}.yaml"
        raise UsageError(f'--district is not for this command; write "{extends}" into rules.yaml instead')
    return chosen_directory(chosen)


def load_rules(chosen: RulesChoice) -> Policy:
    """The policy that was chosen, or the shipped one. What the board has declared holds if its end is not yet past.

    Raises:
        RulesError: With everything that is wrong in it.
        NotShippedError: None was chosen, and the installation has none.
    """
    return load(chosen_directory(chosen), district=chosen.district, now_ns=time.time_ns())


def chosen_directory(chosen: RulesChoice) -> Path:
    """The directory that was chosen, or the shipped one. Raises NotShippedError."""
    return shipped_rules() if chosen.directory is None else chosen.directory
