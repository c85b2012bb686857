"""Rules that nothing can reach: told when it is certain, and never otherwise."""

import itertools
from dataclasses import replace
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.flow import Account, Evidence, FlowClass
from agent.policy.catalogue import Accounts, Application, Catalogue, Entry
from agent.policy.reachability import unreachable
from agent.policy.rules import Rule, Rulebook
from agent.policy.schedules import Calendar, Schedules
from agent.verdict import Verdict

CATALOGUE = Catalogue(
    [
        Entry(Application("tiktok", "T", "social_networking", Accounts.PERSONAL), domains=(b"tiktok.com",)),
        Entry(Application("x", "X", "social_networking", Accounts.PERSONAL), domains=(b"x.com",)),
        Entry(Application("steam", "S", "gaming", Accounts.PERSONAL), domains=(b"steam.com",)),
    ]
)
SOCIAL, GAMING = frozenset({"social_networking"}), frozenset({"gaming"})


def rule(name: str, **conditions: object) -> Rule:
    """Returns a rule for review with some conditions."""
    return Rule(name, Verdict.REVIEW, "B", **conditions)  # type: ignore[arg-type]  # each test gives what fits


@pytest.mark.parametrize(
    ("earlier", "later", "hidden"),
    [
        (rule("a"), rule("b"), True),
        (rule("a", categories=SOCIAL), rule("b", applications=frozenset({"tiktok"})), True),
        (rule("a", applications=frozenset({"tiktok", "x"})), rule("b", categories=SOCIAL), True),
        (rule("a", applications=frozenset({"tiktok"})), rule("b", categories=SOCIAL), False),
        (rule("a", categories=SOCIAL), rule("b"), False),
        (rule("a", categories=GAMING), rule("b", categories=SOCIAL), False),
        (rule("a", segments=frozenset({"s", "t"})), rule("b", segments=frozenset({"s"})), True),
        (rule("a", segments=frozenset({"s"})), rule("b"), False),
        (rule("a"), rule("b", segments=frozenset()), False),  # meant for another site
        (rule("a", accounts=frozenset({Account.BOARD})), rule("b"), False),
        (rule("a", protocols=frozenset({"tls"})), rule("b", protocols=frozenset({"tls"})), True),
        (rule("a", evidence=frozenset({Evidence.SNI})), rule("b", evidence=frozenset({Evidence.ECH})), False),
        (rule("a", when=("school",)), rule("b"), False),
        (rule("a"), rule("b", when=("school",)), True),
        (rule("a", when=("lunch", "school")), rule("b", when=("school",)), True),
        (rule("a", when=("school",)), rule("b", when=("lunch",)), False),
        (rule("a", unless=("lunch",)), rule("b"), False),
        (rule("a", unless=("lunch",)), rule("b", unless=("lunch", "school")), True),
    ],
)
def test_one_rule_behind_another(earlier: Rule, later: Rule, hidden: bool) -> None:
    """A rule is hidden when every condition of the earlier one is at least as wide, and it always holds meanwhile."""
    assert [(later, earlier)] * hidden == list(unreachable([earlier, later], CATALOGUE))


def test_the_first_that_hides_it_is_named_once() -> None:
    """A rule behind three is one problem."""
    rules = [rule("a", categories=SOCIAL), rule("b", categories=SOCIAL), rule("c", categories=SOCIAL)]

    assert [("b", "a"), ("c", "a")] == [
        (later.identifier, earlier.identifier) for later, earlier in unreachable(rules, CATALOGUE)
    ]


def some(*words: str) -> st.SearchStrategy[frozenset[str] | None]:
    return st.none() | st.frozensets(st.sampled_from(words), min_size=1)


schedules = st.lists(st.sampled_from(["lunch", "school"]), unique=True, max_size=2).map(tuple)
rules = st.lists(
    st.builds(
        Rule,
        st.just(""),
        st.just(Verdict.REVIEW),
        st.just("B"),
        st.just(""),
        some("s", "t"),
        some("social_networking", "gaming", "unclassified"),
        some("tiktok", "x", "steam", "unknown"),
        some("tls", "quic"),
        st.none() | st.frozensets(st.sampled_from(list(Account)), min_size=1),
        st.none(),
        schedules,
        schedules,
    ),
    max_size=6,
)


@given(rules)
def test_what_is_told_is_true(made: list[Rule]) -> None:
    """No class decides for a rule that is told to be hidden, in any state of the schedules."""
    numbered = [replace(one, identifier=str(number)) for number, one in enumerate(made)]
    hidden = {later.identifier for later, _ in unreachable(numbered, CATALOGUE)}
    book = Rulebook(numbered, Rule("default", Verdict.PERMITTED, "D"), Schedules((), Calendar(UTC)))
    things = [
        ("tiktok", "social_networking"),
        ("x", "social_networking"),
        ("steam", "gaming"),
        ("unknown", "unclassified"),
    ]
    active = [frozenset(one) for size in range(3) for one in itertools.combinations(("lunch", "school"), size)]
    for segment, (application, category), protocol, account, now in itertools.product(
        ("s", "t"), things, ("tls", "quic"), Account, active
    ):
        flow_class = FlowClass(segment, application, category, protocol, Evidence.SNI, account)
        assert book.decide_while(flow_class, now).rule not in hidden
