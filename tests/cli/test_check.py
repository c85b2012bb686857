"""hallwatch check: rules in order, and rules that are not."""

from pathlib import Path

import pytest

from agent.cli.main import main


def test_shipped_rules_are_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    """The shipped rules pass, and the summary counts what they hold."""
    assert 0 == main(["check"])
    shown = capsys.readouterr()
    assert "in order" in shown.out
    for what in ("applications in", "rules,", "segments: staff", "schedules: school_hours", "series"):
        assert what in shown.out
    assert "" == shown.err


def test_all_problems_at_once(own_rules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each problem is a line with file, line number, what is wrong and a remedy; then how many there are."""
    rules = own_rules / "rules.yaml"
    rules.write_text(rules.read_text().replace("categories: [adult]", "categories: [adlut]"))
    segments = own_rules / "segments.yaml"
    segments.write_text(segments.read_text().replace("vlans: [10]", "vlans: [4999]"))
    assert 2 == main(["check", "--rules", str(own_rules)])
    shown = capsys.readouterr()
    assert "" == shown.out
    *problems, total = shown.err.splitlines()
    assert any("rules.yaml:" in line and "adlut" in line and 'did you mean "adult"?' in line for line in problems)
    assert any("segments.yaml:" in line and "4999" in line for line in problems)
    assert f"hallwatch: the rules cannot be used: {len(problems)} problem(s), listed above" == total
