"""Coverage: what a rule counts is said from its conditions, and every rule stands in the table once at least."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from agent.flow import Account, Evidence
from agent.policy.coverage import coverage, in_words
from agent.policy.policy import Policy, load
from agent.policy.rules import Rule
from agent.verdict import Allowance, Verdict

DISTRICT = """\
clauses:
  - {id: n/1, number: First, paraphrase: P, rules: [social]}
  - {id: n/2, number: Second, paraphrase: P, not_observable: N}
rules:
  - {id: social, what: {categories: [social_networking]}, verdict: incidental, clause: n/1, because: B}
  - {id: torrents, what: {protocols: [bittorrent]}, verdict: review, because: B}
default: {verdict: permitted, because: D}
"""

RULE = Rule("r", Verdict.REVIEW, "B")


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (RULE, "everything, for everyone, always: review"),
        (
            replace(RULE, categories=frozenset({"social_networking", "unclassified"})),
            "social networking, what is in no catalogue, for everyone, always: review",
        ),
        (
            replace(RULE, applications=frozenset({"youtube", "x"}), segments=frozenset({"staff"})),
            "X, YouTube, for Staff, always: review",
        ),
        (
            replace(RULE, accounts=frozenset({Account.BOARD}), evidence=frozenset({Evidence.ECH})),
            "everything (only accounts board; evidence ech), for everyone, always: review",
        ),
        (
            replace(RULE, segments=frozenset(), when=("a", "b"), unless=("c",)),
            "everything, for nobody here (this site has no such segment), while a or b unless c: review",
        ),
        (
            replace(RULE, verdict=Verdict.INCIDENTAL, allowance=Allowance(minutes=30)),
            "everything, for everyone, always: incidental up to 30 minutes a device, category and day, then review",
        ),
    ],
)
def test_a_rule_in_words(policy: Policy, rule: Rule, words: str) -> None:
    """What, who, when, and as what."""
    assert words == in_words(policy, rule)


def test_the_table(rules: Callable[..., Path]) -> None:
    """Each clause has its rules' words; rules that rest on no clause, and the default, stand apart."""
    found = coverage(load(rules({"districts/newtown.yaml": DISTRICT}), district="newtown"))

    assert [("n/1", ("social networking, for everyone, always: incidental",)), ("n/2", ())] == [
        (row.clause.identifier, row.counted) for row in found.rows
    ]
    assert [
        ("torrents", "everything (only protocols bittorrent), for everyone, always: review"),
        ("default", "all that no rule speaks of: permitted"),
    ] == [(rule.identifier, words) for rule, words in found.others]


def test_rules_without_clauses(policy: Policy) -> None:
    """A site without a pack still sees what is counted."""
    found = coverage(policy)

    assert () == found.rows
    assert [*(rule.identifier for rule in policy.rulebook.rules), "default"] == [
        rule.identifier for rule, _ in found.others
    ]
