"""The coverage as a page, beside what the command prints."""

from pathlib import Path

import pytest

from agent.policy.coverage import coverage, not_advice
from agent.policy.policy import load
from agent.shipped import shipped_rules
from agent.web.coverage_page import coverage_body
from tests.web.outline import outline


@pytest.mark.parametrize("district", [None, "hamden", "darien"])
def test_everything_that_the_command_prints(district: str | None) -> None:
    """Every clause, every rule, every reason; and who decides what the law is."""
    policy = load(shipped_rules(), district=district)
    text = outline(coverage_body(policy).html).text
    found = coverage(policy)
    told = [" ".join(part.split()) for row in found.rows for part in (row.clause.paraphrase, row.clause.not_observable)]
    told += [counted for row in found.rows for counted in row.counted]
    told += [counted for _, counted in found.others] + [rule.identifier for rule, _ in found.others] + [not_advice]

    assert [] == [part for part in told if part not in text]
    assert ("carry no clauses" in text) == (district is None)


def test_words_of_a_rule_are_not_markup(tmp_path: Path) -> None:
    """Whatever stands in a rule file is shown, and does nothing."""
    for path in shipped_rules().rglob("*.yaml"):
        copy = tmp_path / path.relative_to(shipped_rules())
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    rules = tmp_path / "rules.yaml"
    hostile = "<script>alert(1)</script>"
    rules.write_text(rules.read_text("utf-8").replace("Prohibited uses: accessing", f"{hostile} accessing"), "utf-8")
    found = outline(coverage_body(load(tmp_path)).html)

    assert "script" not in found.tags
    assert hostile in found.text
