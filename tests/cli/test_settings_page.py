"""The table of settings in docs/configuration.md is today's, and a settings file with explanations is one that is read."""

from pathlib import Path

import pytest

from agent.cli.options import in_force
from agent.cli.settings_page import (
    BEGIN,
    END,
    KEYS_OF_THE_DEMO,
    rewritten,
    run_options,
    settings_file,
    table,
)
from agent.policy.problems import Problems

PAGE = Path(__file__).parent.parent.parent / "docs" / "configuration.md"


def test_the_page_is_todays() -> None:
    """Run `make docs` when this fails: an option has come, gone or changed."""
    page = PAGE.read_text(encoding="utf-8")

    assert rewritten(page, table(run_options())) == page


def test_every_option_has_its_row() -> None:
    """One row for each key, without the two that are about the file itself."""
    rows = table(run_options()).splitlines()[2:]

    assert [f"`{name}`" for name in run_options().actions] == [row.split(" | ")[0].removeprefix("| ") for row in rows]
    assert "interface" in run_options().actions
    assert "config.file" not in run_options().actions


@pytest.mark.parametrize("page", ["", BEGIN, f"{END}{BEGIN}"])
def test_a_page_without_marks(page: str) -> None:
    """Nothing is written into a page that does not say where."""
    with pytest.raises(ValueError, match="the page has no"):
        rewritten(page, "x")


def test_the_file_says_what_it_is_told_and_no_more(tmp_path: Path) -> None:
    """The given values are in force, from their lines; every other key stands behind a "#"."""
    file, options, problems = tmp_path / "hallwatch.yaml", run_options(), Problems()
    file.write_text(settings_file(options, {"interface": "[eth1, eth2]", "rules": "rules"}), encoding="utf-8")
    found = in_force(options, options.parser.parse_args([]), file, problems)

    assert 0 == len(problems)
    assert ["eth1", "eth2"] == found.arguments.interface
    assert tmp_path / "rules" == found.arguments.rules.directory
    assert {"interface", "rules"} == {name for name, source in found.sources.items() if source != "default"}


def test_every_key_can_be_put_in_force(tmp_path: Path) -> None:
    """With its "#" taken away, each line is one that is read: a default as it is, or a word to be replaced."""
    file, options, problems = tmp_path / "hallwatch.yaml", run_options(), Problems()
    lines = settings_file(options, {}).splitlines()
    text = "\n".join(line.removeprefix("#") for line in lines if line[:1] + line[1:2] != "# ")
    file.write_text(text.replace(": URL\n", ": redis://127.0.0.1:6379/0\n"), "utf-8")
    found = in_force(options, options.parser.parse_args([]), file, problems)

    assert 0 == len(problems)
    assert set(options.actions) - KEYS_OF_THE_DEMO == {
        name for name, source in found.sources.items() if source != "default"
    }
