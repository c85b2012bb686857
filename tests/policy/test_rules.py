"""Rules: the first that fits decides, the clock decides which fit, and every step is told."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.flow import Account, Evidence, FlowClass
from agent.policy import rules as rules_module
from agent.policy.rules import Rule, Rulebook, default_rule
from agent.policy.schedules import Calendar, Schedule, Schedules, Span
from agent.verdict import Decision, Step, Verdict

EVERY_DAY = frozenset(range(7))
SCHEDULES = Schedules(
    [
        Schedule("school", "School", EVERY_DAY, (Span(465, 890),)),
        Schedule("lunch", "Lunch", EVERY_DAY, (Span(660, 720),)),
        Schedule("evening", "Evening", EVERY_DAY, (Span(1080, 1200),)),
    ],
    Calendar(ZoneInfo("America/New_York")),
)
DEFAULT = Rule(default_rule, Verdict.PERMITTED, "No rule speaks of it.")
SOCIAL = FlowClass("students", "x", "social_networking", "tls", Evidence.SNI, Account.PERSONAL)


def at(hour: int, minute: int = 0) -> int:
    """Returns a time on 23 November 2026, on the clock of a wall in New York (UTC-5)."""
    return int(datetime(2026, 11, 23, hour + 5, minute, tzinfo=UTC).timestamp()) * 1_000_000_000


def test_the_first_rule_that_fits_decides() -> None:
    """Later rules are not looked at, earlier ones are told with the reason why not."""
    rulebook = Rulebook(
        [
            Rule("for-staff", Verdict.INCIDENTAL, "a", "1", segments=frozenset({"staff"})),
            Rule("social", Verdict.PROHIBITED, "b", "2", categories=frozenset({"social_networking"})),
            Rule("all", Verdict.REVIEW, "c"),
        ],
        DEFAULT,
        SCHEDULES,
    )

    assert Decision(
        Verdict.PROHIBITED,
        "social",
        "2",
        "b",
        (Step("rule for-staff", "no: it is for segments staff"), Step("rule social", "yes: prohibited")),
    ) == rulebook.decide(SOCIAL, at(10))


def test_the_default_is_the_last_word() -> None:
    """When none fits, the default gives verdict and reason, and says so."""
    decision = Rulebook([], DEFAULT, SCHEDULES).decide(SOCIAL, at(10))

    assert (
        Decision(
            Verdict.PERMITTED, "default", "", "No rule speaks of it.", (Step("default", "no rule fits: permitted"),)
        )
        == decision
    )


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (Rule("r", Verdict.REVIEW, "", segments=frozenset({"staff"})), "segments staff"),
        (Rule("r", Verdict.REVIEW, "", segments=frozenset()), "segments that this site has none of"),
        (Rule("r", Verdict.REVIEW, "", categories=frozenset({"news", "gaming"})), "categories gaming, news"),
        (Rule("r", Verdict.REVIEW, "", applications=frozenset({"tiktok"})), "applications tiktok"),
        (Rule("r", Verdict.REVIEW, "", protocols=frozenset({"quic"})), "protocols quic"),
        (Rule("r", Verdict.REVIEW, "", accounts=frozenset({Account.BOARD})), "accounts board"),
        (Rule("r", Verdict.REVIEW, "", evidence=frozenset({Evidence.ECH})), "evidence ech"),
    ],
)
def test_each_condition_counts(rule: Rule, words: str) -> None:
    """A class that misses any one condition is told which."""
    decision = Rulebook([rule], DEFAULT, SCHEDULES).decide(SOCIAL, at(10))

    assert (Verdict.PERMITTED, Step("rule r", f"no: it is for {words}")) == (decision.verdict, decision.steps[0])


def test_all_conditions_together() -> None:
    """A class that meets every condition gets the verdict."""
    rule = Rule(
        "r",
        Verdict.REVIEW,
        "",
        segments=frozenset({"students"}),
        categories=frozenset({"social_networking"}),
        applications=frozenset({"x"}),
        protocols=frozenset({"tls"}),
        accounts=frozenset({Account.PERSONAL}),
        evidence=frozenset({Evidence.SNI}),
    )

    assert Verdict.REVIEW == Rulebook([rule], DEFAULT, SCHEDULES).decide(SOCIAL, at(10)).verdict


@pytest.mark.parametrize(
    ("hour", "minute", "verdict", "step"),
    [
        (7, 44, Verdict.PERMITTED, "no: only while evening or school is active"),
        (7, 45, Verdict.PROHIBITED, "yes: prohibited"),
        (10, 59, Verdict.PROHIBITED, "yes: prohibited"),
        (11, 0, Verdict.PERMITTED, "no: not while lunch is active"),
        (12, 0, Verdict.PROHIBITED, "yes: prohibited"),
        (14, 50, Verdict.PERMITTED, "no: only while evening or school is active"),
        (18, 0, Verdict.PROHIBITED, "yes: prohibited"),
    ],
)
def test_the_bell_changes_the_verdict(hour: int, minute: int, verdict: Verdict, step: str) -> None:
    """Any of `when` must be active and none of `unless`; the running class follows within the minute."""
    rule = Rule("r", Verdict.PROHIBITED, "", when=("evening", "school"), unless=("lunch",))
    decision = Rulebook([rule], DEFAULT, SCHEDULES).decide(SOCIAL, at(hour, minute))

    assert (verdict, Step("rule r", step)) == (decision.verdict, decision.steps[0])


conditions = st.builds(
    Rule,
    identifier=st.sampled_from(["a", "b", "c"]),
    verdict=st.sampled_from(list(Verdict)),
    because=st.just(""),
    segments=st.none() | st.frozensets(st.sampled_from(["staff", "students"])),
    categories=st.none() | st.frozensets(st.sampled_from(["news", "gaming"])),
    protocols=st.none() | st.frozensets(st.sampled_from(["tls", "quic"])),
    when=st.lists(st.sampled_from(["school", "lunch"]), max_size=2).map(tuple),
    unless=st.lists(st.sampled_from(["lunch", "evening"]), max_size=1).map(tuple),
)
classes = st.builds(
    FlowClass,
    segment=st.sampled_from(["staff", "students", "unknown"]),
    application=st.just("app"),
    category=st.sampled_from(["news", "gaming", "web"]),
    protocol=st.sampled_from(["tls", "quic", "tcp"]),
    evidence=st.sampled_from([Evidence.SNI, Evidence.DNS]),
    account=st.just(Account.UNKNOWN),
)


@given(st.lists(conditions, max_size=5), st.lists(st.tuples(classes, st.integers(0, 18)), min_size=1, max_size=12))
def test_what_is_remembered_changes_nothing(rules: list[Rule], asked: list[tuple[FlowClass, int]]) -> None:
    """However often and in whatever order classes and times are asked, each gets what a plain walk over the rules gives,
    and that is among the verdicts said to be possible.
    """
    rulebook = Rulebook(rules, DEFAULT, SCHEDULES)
    for flow_class, hour in asked:
        active = SCHEDULES.active_at(at(hour))
        fitting = (rule for rule in rules if rule.misfit(flow_class) is None and rule.out_of_time(active) is None)
        expected = next(fitting, DEFAULT)
        decision = rulebook.decide(flow_class, at(hour))

        assert (expected.identifier, expected.verdict) == (decision.rule, decision.verdict)
        assert decision.verdict in rulebook.possible_verdicts(flow_class)


def test_possible_verdicts_end_at_the_first_rule_that_always_fits() -> None:
    """What can never be reached is not counted; what a protocol or the clock may bring is."""
    rulebook = Rulebook(
        [
            Rule("quic", Verdict.REVIEW, "", protocols=frozenset({"quic"})),
            Rule("school", Verdict.PROHIBITED, "", when=("school",)),
            Rule("always", Verdict.INCIDENTAL, ""),
            Rule("never", Verdict.PERMITTED, ""),
        ],
        DEFAULT,
        SCHEDULES,
    )

    assert {Verdict.REVIEW, Verdict.PROHIBITED, Verdict.INCIDENTAL} == rulebook.possible_verdicts(SOCIAL)


def test_what_is_remembered_is_bounded_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit the oldest decision is forgotten, which is counted and changes no answer."""
    monkeypatch.setattr(rules_module, "max_decisions_remembered", 2)
    rulebook = Rulebook([], DEFAULT, SCHEDULES)
    every = [FlowClass("s", f"a{n}", "web", "tls", Evidence.SNI, Account.UNKNOWN) for n in range(5)]

    verdicts = {rulebook.decide(flow_class, at(10)).verdict for flow_class in every}

    assert ({Verdict.PERMITTED}, 3) == (verdicts, rulebook.forgotten)
