"""What would change the answer: each single change is true, and nothing that would leave it as it is is told."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.flow import Account, Evidence, FlowClass
from agent.policy.alternatives import application_of, what_would_change
from agent.policy.policy import Policy, load
from agent.verdict import Step
from tests.policy.conftest import FILES

MONDAY = int(datetime(2026, 11, 23, 15, 0, tzinfo=UTC).timestamp()) * 1_000_000_000  # 10:00 in New York
SATURDAY = MONDAY - 2 * 86_400 * 1_000_000_000

STUDENT = FlowClass("students", "x", "social_networking", "tls", Evidence.SNI, Account.PERSONAL)
STAFF = replace(STUDENT, segment="staff")


@pytest.mark.parametrize(
    ("flow_class", "now_ns", "changes"),
    [
        (
            STUDENT,
            MONDAY,
            (
                Step("while school_hours is not active", "permitted (rule default)"),
                Step("in segment staff", "incidental (rule staff-social)"),
                Step("in segment unknown", "permitted (rule default)"),
            ),
        ),
        (
            STUDENT,
            SATURDAY,
            (
                Step("while school_hours is active", "prohibited (rule social-in-school)"),
                Step("in segment staff", "incidental (rule staff-social)"),
            ),
        ),
        (
            STAFF,
            MONDAY,
            (
                Step("if the board declared it", "permitted (rule default)"),
                Step("in segment students", "prohibited (rule social-in-school)"),
                Step("in segment unknown", "permitted (rule default)"),
            ),
        ),
        (
            replace(STAFF, account=Account.BOARD),
            MONDAY,
            (
                Step("had the board not declared it", "incidental (rule staff-social)"),
                Step("in segment students", "prohibited (rule social-in-school)"),
            ),
        ),
        (replace(STUDENT, application="unknown", category="unclassified"), MONDAY, ()),
    ],
)
def test_single_changes(policy: Policy, flow_class: FlowClass, now_ns: int, changes: tuple[Step, ...]) -> None:
    """Time, declaration and segment, one at a time, in that order."""
    assert changes == what_would_change(policy, flow_class, now_ns)


def test_schedules_that_keep_a_rule_from_holding(rules: Callable[..., Path]) -> None:
    """A schedule under `unless` is asked for like one under `when`."""
    lunch = '  lunch: {title: Lunch, days: [mon-fri], spans: ["11:00-12:00"]}\n'
    text = FILES["rules.yaml"].replace("    when: [school_hours]\n", "    when: [school_hours]\n    unless: [lunch]\n")
    policy = load(rules({"rules.yaml": text, "schedules.yaml": FILES["schedules.yaml"] + lunch}))

    assert [
        Step("while school_hours is not active", "permitted (rule default)"),
        Step("while lunch is active", "permitted (rule default)"),
    ] == list(what_would_change(policy, STUDENT, MONDAY))[:2]


def test_the_application_of_a_class(policy: Policy) -> None:
    """What is in no catalogue has none."""
    assert "X" == getattr(application_of(policy, STUDENT), "title", None)
    assert None is application_of(policy, replace(STUDENT, application="unknown"))
