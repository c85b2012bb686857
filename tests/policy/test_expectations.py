"""expect: cases that the rules meet pass in silence; each that they do not meet is told with its line and what came."""

from collections.abc import Callable
from pathlib import Path

import pytest

from agent.policy import expectations
from agent.policy.policy import load
from agent.policy.problems import RulesError
from tests.policy.conftest import FILES

LINES = FILES["rules.yaml"].count("\n") + 2
"""The line of the first case, when `expect:` is added."""


def told(rules: Callable[..., Path], *cases: str, **files: str) -> list[str]:
    """Returns what is wrong with the fixture's rules when they have these cases, without the directory."""
    text = FILES["rules.yaml"] + "expect:\n" + "".join(f"  - {{{case}}}\n" for case in cases)
    directory = rules({"rules.yaml": text, **files})
    try:
        load(directory)
    except RulesError as error:
        return [str(problem).removeprefix(f"{directory}/") for problem in error.problems]
    return []


@pytest.mark.parametrize(
    "case",
    [
        "name: www.x.com, segment: students, at: 2026-11-23T10:15, verdict: prohibited, rule: social-in-school",
        "name: www.x.com, segment: students, at: 2026-11-23T10:15, verdict: prohibited",
        "name: www.x.com, segment: students, at: 2026-11-23T17:15, verdict: permitted, rule: default",
        "name: www.x.com, segment: students, at: 2026-11-26T10:15, verdict: permitted",  # Thanksgiving
        "name: www.x.com, segment: students, at: 2026-11-25T12:15, verdict: permitted",  # a half day
        'name: www.x.com, segment: students, at: "2026-11-23T15:15:00Z", verdict: prohibited',  # 10:15 in New York
        "application: youtube, role: staff, at: 2026-11-23T10:15, verdict: incidental, rule: staff-social",
        "application: bittorrent, segment: unknown, at: 2026-11-23T10:15, verdict: review, rule: peer-to-peer",
        "application: unknown, role: unknown, at: 2026-11-23T10:15, verdict: permitted, rule: default",
        "application: youtube, role: guest, at: 2026-11-23T10:15, verdict: prohibited",  # no segment, nothing expected
    ],
)
def test_cases_that_are_met(rules: Callable[..., Path], case: str) -> None:
    """Names, applications, roles, times on the wall and elsewhere."""
    assert [] == told(rules, case)


def test_a_case_that_is_not_met(rules: Callable[..., Path]) -> None:
    """What was wanted, what came, and where the case stands; the cases around it are met."""
    met = "name: x.com, segment: staff, at: 2026-11-23T10:15, verdict: incidental"
    other = "name: x.com, segment: students, at: 2026-11-23T17:15, verdict: prohibited, rule: social-in-school"

    (line,) = told(rules, met, other, met)
    assert line.startswith(f'rules.yaml:{LINES + 1}: expected of "x.com" in students at 2026-11-23T17:15: ')
    assert "prohibited by rule social-in-school; the rules say permitted by rule default; change the rules" in line


def test_the_right_verdict_by_the_wrong_rule(rules: Callable[..., Path]) -> None:
    """Where a case names the rule, the verdict alone does not do."""
    (line,) = told(rules, "name: x.com, segment: staff, at: 2026-11-23T10:15, verdict: incidental, rule: peer-to-peer")

    assert "incidental by rule peer-to-peer; the rules say incidental by rule staff-social" in line


def test_each_segment_of_a_role(rules: Callable[..., Path]) -> None:
    """A role stands for all its segments, and each that comes out otherwise is told."""
    segments = FILES["segments.yaml"] + "  - {id: pupils, title: Pupils, role: student, vlans: [30]}\n"
    case = "name: x.com, role: student, at: 2026-11-23T10:15, verdict: review"
    lines = told(rules, case, **{"segments.yaml": segments})

    assert [("pupils", True), ("students", True)] == [
        (segment, f" in {segment} at " in line) for segment, line in zip(("pupils", "students"), lines, strict=True)
    ]


@pytest.mark.parametrize(
    ("case", "problem"),
    [
        ("segment: staff, at: 2026-11-23, verdict: review", 'this case has neither of "name" and "application"; write'),
        ("name: a.b, application: x, segment: staff, at: 2026-11-23, verdict: review", 'both of "name" and "applica'),
        ("name: a.b, at: 2026-11-23, verdict: review", 'this case has neither of "segment" and "role"'),
        ("name: x, segment: staff, at: 2026-11-23, verdict: review", '"x" is an application; write "application: x"'),
        ("application: y, segment: staff, at: 2026-11-23, verdict: review", '"application": "y" is not known'),
        ("name: a.b, segment: staf, at: 2026-11-23, verdict: review", '"segment": "staf" is not known; did you mean'),
        ("name: a.b, role: pupil, at: 2026-11-23, verdict: review", '"role": "pupil" is not known'),
        ("name: a.b, segment: staff, at: noon, verdict: review", '"noon" is no time; such as 2026-11-24T10:15'),
        ("name: a.b, segment: staff, verdict: review", 'this case has no "at"'),
        ("name: a.b, segment: staff, at: 2026-11-23, verdict: forbidden", '"verdict": "forbidden" is not known'),
        ("name: a.b, segment: staff, at: 2026-11-23, verdict: review, rule: staff", 'rule: "staff" is not known'),
    ],
)
def test_one_fault_is_one_problem(rules: Callable[..., Path], case: str, problem: str) -> None:
    """Each fault of a case is told once, with its remedy, and the case is not tried."""
    (line,) = told(rules, case)

    assert line.startswith(f"rules.yaml:{LINES}: ")
    assert problem in line


def test_cases_are_not_tried_on_rules_with_faults(rules: Callable[..., Path]) -> None:
    """What rules with a fault would say is nothing to complain of; the fault is."""
    case = "name: x.com, segment: students, at: 2026-11-23T10:15, verdict: review"
    (line,) = told(rules, case, **{"schedules.yaml": FILES["schedules.yaml"].replace("America/New_York", "Mars")})

    assert line.startswith("schedules.yaml:1: ")


def test_the_number_of_cases_has_a_limit(rules: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """The one too many is named."""
    monkeypatch.setattr(expectations, "max_expectations", 1)
    case = "name: x.com, segment: staff, at: 2026-11-23T10:15, verdict: incidental"

    assert [f"rules.yaml:{LINES + 1}: more than 1 cases; keep those that tell most"] == told(rules, case, case)
