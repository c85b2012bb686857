"""Files of rules that extend one another: who comes first, what is replaced, and what is wrong only together."""

from collections.abc import Callable
from pathlib import Path

import pytest

from agent.policy import extending, rule_files
from agent.policy.policy import Policy, load
from agent.policy.problems import RulesError
from tests.policy.conftest import FILES

DISTRICT = """\
district: Newtown
policy: {number: 1, title: Use, source: As published}
clauses:
  - {id: n/1, number: First, paraphrase: P, rules: [social]}
  - {id: n/2, number: Second, paraphrase: P, not_observable: N}
rules:
  - {id: social, what: {categories: [social_networking]}, verdict: incidental, clause: n/1, because: B}
  - {id: torrents, what: {protocols: [bittorrent]}, verdict: review, because: B}
default: {verdict: permitted, because: D}
expect:
  - {name: x.com, segment: staff, at: 2026-11-23T10:15, verdict: incidental, rule: social}
"""


def policy_of(rules: Callable[..., Path], site: str, district: str = DISTRICT) -> Policy:
    """Returns the policy of a site that extends the district."""
    text = f"extends: districts/newtown.yaml\n{site}"
    return load(rules({"rules.yaml": text, "districts/newtown.yaml": district}))


def told(rules: Callable[..., Path], files: dict[str, str], district: str | None = None) -> list[str]:
    """Returns what is wrong, without the directory."""
    directory = rules(files)
    try:
        load(directory, district=district)
    except RulesError as error:
        return [str(problem).removeprefix(f"{directory}/") for problem in error.problems]
    return []


def test_one_line_takes_all(rules: Callable[..., Path]) -> None:
    """A site that only extends has the rules, the default, the clauses and the name of what it extends."""
    policy = policy_of(rules, "")

    assert ["social", "torrents"] == [rule.identifier for rule in policy.rulebook.rules]
    assert ("D", "Newtown", ["n/1", "n/2"]) == (
        policy.rulebook.default.because,
        policy.pack.district,
        list(policy.pack.clauses),
    )


def test_own_rules_come_first(rules: Callable[..., Path]) -> None:
    """In their order, whatever is extended; what the extended file expects of itself is not expected of the site."""
    policy = policy_of(
        rules,
        "rules:\n"
        "  - {id: a, what: {applications: [x]}, verdict: review, because: B}\n"
        "  - {id: b, verdict: review, because: B}\n"
        "default: {verdict: review, because: Own}\n"
        "district: Our schools\n",
    )

    assert ["a", "b", "social", "torrents"] == [rule.identifier for rule in policy.rulebook.rules]
    assert ("Own", "Our schools", "1") == (
        policy.rulebook.default.because,
        policy.pack.district,
        policy.pack.policy and policy.pack.policy.number,
    )


def test_the_same_id_replaces(rules: Callable[..., Path]) -> None:
    """A rule with the id of an extended one stands in its stead, where the extending file puts it."""
    policy = policy_of(rules, "rules: [{id: torrents, verdict: prohibited, clause: n/1, because: Own}]\n")

    assert [("torrents", "Own"), ("social", "B")] == [(rule.identifier, rule.because) for rule in policy.rulebook.rules]
    assert ("social", "torrents") == policy.pack.clauses["n/1"].rules


def test_three_files_in_a_row(rules: Callable[..., Path]) -> None:
    """What is extended may itself extend."""
    directory = rules(
        {
            "rules.yaml": "extends: districts/b.yaml\nrules: [{id: a, what: {applications: [x]}, verdict: review, because: B}]\n",
            "districts/b.yaml": "extends: c.yaml\nrules: [{id: b, verdict: review, because: B}]\n",
            "c.yaml": "rules: [{id: c, verdict: review, because: B}]\ndefault: {verdict: review, because: C}\n",
        }
    )

    assert ["a", "b", "c"] == [rule.identifier for rule in load(directory).rulebook.rules]
    assert ["b", "c"] == [rule.identifier for rule in load(directory, district="b").rulebook.rules]


@pytest.mark.parametrize(
    ("site", "problem"),
    [
        (
            "extends: districts/newtwon.yaml\n",
            'rules.yaml:1: "districts/newtwon.yaml" is no file of rules in this directory; did you mean "districts/newt',
        ),
        ("extends: newtown\n", 'rules.yaml:1: "newtown" is no file of rules in this directory; one of: districts/'),
        ("extends: ../secret.yaml\n", 'rules.yaml:1: "../secret.yaml" is no file of rules in this directory'),
        ("extends: segments.yaml\n", 'rules.yaml:1: "segments.yaml" is no file of rules in this directory'),
        ("extends: rules.yaml\n", 'rules.yaml:1: "rules.yaml" is extended in a circle; let one of these files stand'),
        ("extends: [a.yaml]\nrules: []\n", 'rules.yaml:1: "extends" holds a list where plain text belongs'),
        ('extends: ""\n', 'rules.yaml:1: "extends" is empty'),
        ("rules: []\n", 'rules.yaml:1: this file of rules has no "default"; add "default:"'),
    ],
)
def test_what_cannot_be_extended(rules: Callable[..., Path], site: str, problem: str) -> None:
    """Each is one problem, at the line where it is asked for."""
    (line,) = told(rules, {"rules.yaml": site, "districts/newtown.yaml": DISTRICT})

    assert line.startswith(problem)


@pytest.mark.parametrize("name", ["newtwon", "../newtown", "", "Newtown", "newtown.yaml"])
def test_a_district_that_is_not_there(rules: Callable[..., Path], name: str) -> None:
    """Nothing but a name of the directory is taken, and the nearest one is proposed."""
    (line,) = told(rules, {"districts/newtown.yaml": DISTRICT}, district=name)

    assert line.startswith(f'districts: there is no district "{name}"; ')
    assert '"newtown"' in line or "one of: newtown" in line


def test_files_in_a_row_have_a_limit(rules: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that goes on is stopped at the line that asks for one too many."""
    monkeypatch.setattr(rule_files, "max_extended", 1)

    assert ["rules.yaml:1: more than 1 files that extend one another; join some of them"] == told(
        rules, {"rules.yaml": "extends: districts/newtown.yaml\n", "districts/newtown.yaml": DISTRICT}
    )


def test_faults_of_an_extended_file_have_its_name(rules: Callable[..., Path]) -> None:
    """And a rule that cannot be read to its end is known all the same: it is told once."""
    broken = DISTRICT.replace("verdict: incidental, clause", "verdict: tolerated, clause")
    (line,) = told(rules, {"rules.yaml": "extends: districts/newtown.yaml\n", "districts/newtown.yaml": broken})

    assert line.startswith('districts/newtown.yaml:7: "verdict": "tolerated" is not known')


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        (("clause: n/1", "clause: n/3"), 'districts/newtown.yaml:7: clause: "n/3" is not known; did you mean "n/'),
        (
            (", not_observable: N", ""),
            'districts/newtown.yaml:5: no rule serves the clause "n/2", and nothing says why',
        ),
        (("rules: [social]", "rules: [socil]"), 'districts/newtown.yaml:4: rule: "socil" is not known; did you mean'),
    ],
)
def test_clauses_and_rules_name_each_other(rules: Callable[..., Path], changed: tuple[str, str], problem: str) -> None:
    """A rule rests on a clause that is there, a clause lists rules that are there, and something is said of each."""
    (line,) = told(rules, {"districts/newtown.yaml": DISTRICT.replace(*changed)}, district="newtown")

    assert line.startswith(problem)


def test_another_policys_words_may_stand_beside_clauses(rules: Callable[..., Path]) -> None:
    """Words with a space are no id; without any clauses everything is words."""
    words = DISTRICT.replace("verdict: review, because", 'verdict: review, clause: "Student handbook, page 7", because')

    assert [] == told(rules, {"districts/newtown.yaml": words}, district="newtown")
    assert [] == told(rules, {"rules.yaml": FILES["rules.yaml"].replace('"4.1"', "n/7")})


def test_a_rule_that_nothing_reaches(rules: Callable[..., Path]) -> None:
    """Within a file it is a mistake, told with both rules and lines; behind an extending file's rule it is the purpose."""
    every = "  - {id: every, verdict: review, because: B}\n"
    lines = told(rules, {"rules.yaml": FILES["rules.yaml"].replace("rules:\n", f"rules:\n{every}")})

    remedy = "put it above line 2, or remove it"
    hidden = (("social-in-school", 3), ("staff-social", 10), ("peer-to-peer", 16))
    assert [
        f'rules.yaml:{line}: the rule "{name}" is never reached: all that it fits, "every" takes; {remedy}'
        for name, line in hidden
    ] == lines
    overruling = {"rules.yaml": f"extends: districts/newtown.yaml\nrules:\n{every}", "districts/newtown.yaml": DISTRICT}
    assert [] == told(rules, overruling)


def test_rules_of_all_files_have_one_limit(rules: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Two files of one rule each are two rules."""
    monkeypatch.setattr(extending, "max_rules", 2)
    site = "extends: districts/newtown.yaml\nrules: [{id: a, what: {applications: [x]}, verdict: review, because: B}]\n"
    (line,) = told(rules, {"rules.yaml": site, "districts/newtown.yaml": DISTRICT})

    assert line.startswith("districts/newtown.yaml:8: more than 2 rules with those of the files that are extended")
