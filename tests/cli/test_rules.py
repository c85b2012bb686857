"""The options --rules and --district."""

import argparse
from pathlib import Path

import pytest

from agent.cli.outcome import UsageError
from agent.cli.rules import RulesChoice, add_rules_option, load_rules, rules_directory
from agent.shipped import shipped_rules


def chosen(*words: str) -> RulesChoice:
    """Returns what a command line chooses."""
    parser = argparse.ArgumentParser()
    add_rules_option(parser)
    choice: RulesChoice = parser.parse_args(words).rules
    return choice


def test_shipped_unless_chosen(own_rules: Path) -> None:
    """Without the option the shipped rules are meant; with it, that directory and nothing of the shipped ones."""
    assert shipped_rules() == rules_directory(chosen())
    schedules = own_rules / "schedules.yaml"
    schedules.write_text(schedules.read_text().replace("America/New_York", "Europe/Berlin"))
    policy = load_rules(chosen("--rules", str(own_rules)))
    assert "Europe/Berlin" == str(policy.schedules.calendar.zone)


def test_a_district_of_either(own_rules: Path) -> None:
    """A pack is taken from the directory that is chosen, in whatever order the two are written."""
    (own_rules / "districts" / "newtown.yaml").write_text("extends: districts/darien.yaml\ndistrict: Newtown\n")
    words = ["--rules", str(own_rules)], ["--district", "newtown"]

    assert "Darien Public Schools" == load_rules(chosen("--district", "darien")).pack.district
    assert ["Newtown", "Newtown"] == [
        load_rules(chosen(*first, *second)).pack.district for first, second in (words, words[::-1])
    ]
    assert f"{own_rules}, the pack of newtown" == str(chosen(*words[0], *words[1]))


def test_a_directory_alone_cannot_say_which_district() -> None:
    """What is given only a directory refuses a district instead of leaving it out, and says what will do."""
    with pytest.raises(UsageError) as caught:
        rules_directory(chosen("--district", "hamden"))

    assert 'write "extends: districts/hamden.yaml" into rules.yaml instead' in str(caught.value)


def test_what_a_board_declared_holds_as_of_today(own_rules: Path) -> None:
    """A decision that ran out long ago does not hold; one that runs on does."""
    service = "  - {{service: {0}, decided: 'Board, 2020-01-01', until: {1}, domains: [{0}.example]}}\n"
    lines = [service.format("past", "2020-12-31"), service.format("present", "2999-12-31")]
    (own_rules / "accounts.yaml").write_text("board_services:\n" + "".join(lines))
    services = load_rules(chosen("--rules", str(own_rules))).services

    assert (["present"], ["past"]) == (
        [one.service for one in services.declared],
        [one.service for one in services.lapsed],
    )
