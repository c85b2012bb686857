"""The option --rules."""

import argparse
from pathlib import Path

from agent.cli.rules import add_rules_option, load_rules, rules_directory
from agent.rules_location import shipped_rules


def test_shipped_unless_chosen(own_rules: Path) -> None:
    """Without the option the shipped rules are meant; with it, that directory and nothing of the shipped ones."""
    parser = argparse.ArgumentParser()
    add_rules_option(parser)
    assert shipped_rules() == rules_directory(parser.parse_args([]).rules)
    schedules = own_rules / "schedules.yaml"
    schedules.write_text(schedules.read_text().replace("America/New_York", "Europe/Berlin"))
    policy = load_rules(parser.parse_args(["--rules", str(own_rules)]).rules)
    assert "Europe/Berlin" == str(policy.schedules.calendar.zone)
