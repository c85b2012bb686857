"""The `allowance:` of a rule: read to the byte, refused with a remedy, carried by decisions, told in their steps."""

from collections.abc import Callable
from datetime import UTC
from pathlib import Path

import pytest

from agent.flow import Account, Evidence, FlowClass
from agent.policy.allowance_rules import max_bytes, max_minutes, read_allowance, units
from agent.policy.document import parse
from agent.policy.policy import load
from agent.policy.problems import Problems, RulesError
from agent.policy.rules import Rule, Rulebook
from agent.policy.schedules import Calendar, Schedules
from agent.verdict import Allowance, Step, Verdict

INCIDENTAL = Verdict.INCIDENTAL
CHAT = FlowClass("staff", "chat", "messaging", "tls", Evidence.SNI, Account.PERSONAL)


def read(text: str, verdict: Verdict | None = INCIDENTAL) -> tuple[Allowance | None, list[str]]:
    """Returns the allowance, and the problems."""
    problems = Problems()
    node = parse(text.encode(), "r.yaml", problems)
    allowance = read_allowance(node, verdict, problems)
    try:
        problems.raise_if_any()
    except RulesError as error:
        return allowance, [str(problem) for problem in error.problems]
    return allowance, []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{minutes: 30}", Allowance(minutes=30)),
        ("{minutes: 1}", Allowance(minutes=1)),
        (f"{{minutes: {max_minutes}}}", Allowance(minutes=max_minutes)),
        ('{bytes: "500 MiB"}', Allowance(bytes=500 << 20)),
        ("{bytes: 500MiB}", Allowance(bytes=500 << 20)),
        ("{minutes: 30, bytes: 2 GB}", Allowance(30, 2_000_000_000)),
        ("{bytes: 1 B}", Allowance(bytes=1)),
        (f"{{bytes: {max_bytes} B}}", Allowance(bytes=max_bytes)),
    ],
)
def test_what_is_read(text: str, expected: Allowance) -> None:
    """Minutes, bytes with their unit, or both."""
    assert (expected, []) == read(text)


def test_units() -> None:
    """Decimal and binary units mean what IEC 80000-13 says."""
    expected = {"B": 1, "kB": 1000, "MB": 1000**2, "GB": 1000**3, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}

    assert expected == units
    assert {unit: (Allowance(bytes=3 * size), []) for unit, size in expected.items()} == {
        unit: read(f"{{bytes: 3 {unit}}}") for unit in units
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{}", "has no end"),
        ("[30]", 'this "allowance" is a list'),
        ("{hours: 2, minutes: 5}", '"hours" is no key'),
        ("{minutes: 0}", f'"0" is no number of minutes; write 1 to {max_minutes}'),
        ("{minutes: 1441}", '"1441" is no number of minutes'),
        ("{minutes: -5}", '"-5" is no number of minutes'),
        ("{minutes: 1.5}", '"1.5" is no number of minutes'),
        ("{minutes: ٣}", "is no number of minutes"),
        ("{minutes: 30 min}", '"30 min" is no number of minutes'),
        ("{minutes: [5]}", '"minutes" holds a list'),
        ("{bytes: 500}", '"500" is no number of bytes'),
        ("{bytes: 500 mb}", '"500 mb" is no number of bytes'),
        ("{bytes: 0 B}", '"0 B" is none or too many'),
        ("{bytes: 1048577 GiB}", '"1048577 GiB" is none or too many'),
        ("{bytes: 99999999999999999999 B}", "is no number of bytes"),
    ],
)
def test_what_is_refused(text: str, words: str) -> None:
    """Each mistake is one problem, with its line and a remedy, and no allowance comes of it."""
    allowance, problems = read(text)

    assert 1 == len(problems)
    assert problems[0].startswith("r.yaml:1: ")
    assert words in problems[0]
    assert allowance is None or "hours" in text


@pytest.mark.parametrize("verdict", [Verdict.PERMITTED, Verdict.PROHIBITED, Verdict.REVIEW])
def test_only_what_is_incidental_has_one(verdict: Verdict) -> None:
    """An allowance under another verdict would never be looked at, so it is a mistake."""
    _, problems = read("{minutes: 30}", verdict)

    assert [f"r.yaml:1: this rule says {verdict}, and only what is incidental has an allowance"] == [
        problem.partition(";")[0] for problem in problems
    ]


def test_a_verdict_that_could_not_be_read() -> None:
    """Its own problem is enough."""
    assert (Allowance(30), []) == read("{minutes: 30}", None)


RULE = Rule("social", INCIDENTAL, "It is tolerated.", allowance=Allowance(30, 500 << 20))


def rulebook(*rules: Rule) -> Rulebook:
    return Rulebook(rules, Rule("default", Verdict.PERMITTED, "No rule speaks of it."), Schedules((), Calendar(UTC)))


def test_a_decision_carries_it() -> None:
    """The decision has the allowance of its rule, and a step says how far it reaches and what comes then."""
    decision = rulebook(RULE).decide(CHAT, 0)

    assert (INCIDENTAL, RULE.allowance) == (decision.verdict, decision.allowance)
    words = "30 minutes or 524,288,000 bytes a device, category and day; then review"
    assert (Step("rule social", "yes: incidental"), Step("allowance", words)) == decision.steps


def test_a_decision_without_one() -> None:
    """A rule without an allowance makes no step of it, and neither does the default."""
    for book in (rulebook(Rule("social", INCIDENTAL, "It is tolerated.")), rulebook()):
        decision = book.decide(CHAT, 0)
        assert decision.allowance is None
        assert [] == [step for step in decision.steps if step.what == "allowance"]


def test_review_is_possible() -> None:
    """What can go beyond an allowance can be for review: `check` counts the series of both."""
    assert {INCIDENTAL, Verdict.REVIEW} == rulebook(RULE).possible_verdicts(CHAT)


def test_in_a_directory_of_rules(rules: Callable[..., Path]) -> None:
    """rules.yaml may have it, at its place in a rule; a mistake in it is shown with its line."""
    text = (rules() / "rules.yaml").read_text(encoding="utf-8")
    there = text.replace("verdict: incidental\n", "verdict: incidental\n    allowance: {minutes: 30}\n")
    policy = load(rules({"rules.yaml": there}))

    assert [Allowance(30)] == [rule.allowance for rule in policy.rulebook.rules if rule.verdict is INCIDENTAL]
    with pytest.raises(RulesError, match=r'rules\.yaml:\d+: "none" is no number of minutes'):
        load(rules({"rules.yaml": there.replace("minutes: 30", "minutes: none")}))
