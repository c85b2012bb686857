"""hallwatch check: rules in order, and rules that are not."""

from pathlib import Path

import pytest

from agent.cli.main import main
from agent.cli.series import most_series
from agent.policy.policy import load
from agent.shipped import shipped_rules


def test_shipped_rules_are_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    """The shipped rules pass, and the summary counts what they hold."""
    assert 0 == main(["check"])
    shown = capsys.readouterr()
    assert "in order" in shown.out
    for what in ("applications in", "rules,", "segments: staff", "schedules: school_hours", "series"):
        assert what in shown.out
    assert "" == shown.err


def test_series_add_up(capsys: pytest.CaptureFixture[str]) -> None:
    """The bound is told metric by metric: the large ones by name, the small ones together, and the sum of all."""
    assert 0 == main(["check"])
    lines = capsys.readouterr().out.partition("series that an agent exports")[2].splitlines()[1:]
    counts = [int(line.split()[0].replace(",", "")) for line in lines]
    expected = most_series(load(shipped_rules()).worst_case())

    assert sum(expected.values()) == counts[-1] == sum(counts[:-1])
    assert {f"{expected[name]:,} {name}" for name in expected if expected[name] >= 100} == {
        " ".join(line.split()) for line in lines[:-2]
    }


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


@pytest.mark.parametrize("district", ["hamden", "wethersfield", "darien"])
def test_packs_are_in_order(district: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Every clause has rules or a reason, every rule its clause, and every expectation is met."""
    assert 0 == main(["check", "--district", district])
    shown = capsys.readouterr()
    assert f"the pack of {district}: in order" in shown.out
    assert f"clauses of {district.capitalize()} Public Schools" in shown.out
    assert "" == shown.err


PACK = """\
extends: students.yaml
district: Newtown
clauses:
  - {id: n/1, number: First, paraphrase: P, rules: [adult]}
rules:
  - {id: adult, what: {categories: [adult]}, verdict: prohibited, clause: n/1, because: B}
  - {id: ai, roles: [staff], what: {categories: [generative_ai]}, verdict: review, because: B}
expect:
  - {application: playboy, role: staff, at: 2026-11-24T10:15, verdict: prohibited, rule: adult}
"""


NEWTOWN = "districts/newtown.yaml"


@pytest.mark.parametrize(
    ("file", "change", "below", "found", "remedy"),
    [
        ("segments.yaml", ("[20]", "[10]"), 0, "VLAN 10 is in segment", "keep it in one segment"),
        ("segments.yaml", ("10.20.0.0/16", "10.10.0.0/16"), 0, "is in segment", "keep it in one segment"),
        ("schedules.yaml", ("time_zone: America/New_York", ""), 3, 'has no "time_zone"', 'add "time_zone:"'),
        ("schedules.yaml", ("America/New_York", "America/New_Yrok"), 0, "is no time zone", "did you mean"),
        (
            NEWTOWN,
            (
                "{id: ai, roles: [staff], what: {categories: [generative_ai]}",
                "{id: ai, what: {applications: [playboy]}",
            ),
            0,
            'the rule "ai" is never reached',
            "put it above line 6, or remove it",
        ),
        (NEWTOWN, ("categories: [adult]", "applications: [playboi]"), 0, "playboi", 'did you mean "playboy"?'),
        (NEWTOWN, ("clause: n/1", "clause: n/7"), 0, '"n/7" is not known', 'did you mean "n/1"?'),
        (NEWTOWN, ("}\nrules", "}\n  - {id: n/2, number: N, paraphrase: P}\nrules"), 1, "n/2", "not_observable"),
        (NEWTOWN, ("rules: [adult]", "rules: [audlt]"), 0, "audlt", 'did you mean "adult"?'),
        (
            NEWTOWN,
            ("10:15, verdict: prohibited", "10:15, verdict: review"),
            0,
            "expected of",
            "explain shows the steps",
        ),
        ("accounts.yaml", ("services: []", "services: [{service: S, hosts: [a.example]}]"), 0, 'no "decided"', "add"),
    ],
)
def test_what_is_found(
    file: str,
    change: tuple[str, str],
    below: int,
    found: str,
    remedy: str,
    own_rules: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Each kind of mistake ends with 2, and is one line: the file, the line (so far below the change), and a remedy."""
    (own_rules / NEWTOWN).write_text(PACK)
    assert 0 == main(["check", "--rules", str(own_rules), "--district", "newtown"])
    text = (own_rules / file).read_text()
    line = text[: text.index(change[0])].count("\n") + 1 + below
    (own_rules / file).write_text(text.replace(*change, 1))
    capsys.readouterr()

    assert 2 == main(["check", "--rules", str(own_rules), "--district", "newtown"])
    problem, total = capsys.readouterr().err.splitlines()
    assert problem.startswith(f"{own_rules / file}:{line}: ")
    assert found in problem
    assert remedy in problem
    assert "hallwatch: the rules cannot be used: 1 problem(s), listed above" == total


def test_a_decision_that_ran_out(own_rules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is told with its place and remedy, and ends with 2; what it declared is held as personal meanwhile."""
    declared = "board_services:\n  - service: Mail\n    decided: Board, 2019-08-18\n    until: 2020-08-31\n"
    (own_rules / "accounts.yaml").write_text(f"{declared}    applications: [gmail]\n")

    assert 2 == main(["check", "--rules", str(own_rules)])
    shown = capsys.readouterr()
    problem, total = shown.err.splitlines()
    assert "" == shown.out
    assert problem.startswith(f'{own_rules / "accounts.yaml"}:2: the decision that "Mail" is the board\'s ran out on ')
    assert "ask the board for a new decision, or remove it" in problem
    assert "hallwatch: the rules can be used; 1 problem(s), listed above" == total
