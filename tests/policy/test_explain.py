"""Explanations: every step in order, in words that a person can check against the files."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.flow import Account, Evidence, FlowClass
from agent.policy.explain import UnknownSegmentError, explain, explain_class
from agent.policy.policy import Policy, load
from agent.verdict import Step, Verdict

MONDAY = int(datetime(2026, 11, 23, 15, 0, tzinfo=UTC).timestamp()) * 1_000_000_000  # 10:00 in New York
SATURDAY = MONDAY - 2 * 86_400 * 1_000_000_000


def test_a_name_by_its_suffix(policy: Policy) -> None:
    """From the name to the verdict, with all that was considered."""
    explanation = explain(policy, "www.x.com", "students", MONDAY)

    assert FlowClass("students", "x", "social_networking", "tls", Evidence.SNI, Account.PERSONAL) == (
        explanation.flow_class
    )
    assert (Verdict.PROHIBITED, "social-in-school", "4.1") == (
        explanation.decision.verdict,
        explanation.decision.rule,
        explanation.decision.clause,
    )
    assert (
        Step("name", '"www.x.com"'),
        Step("catalogue", "x (X), category social_networking, by suffix x.com"),
        Step("account", "personal: its accounts are personal online accounts; held closed"),
        Step("evidence", "sni, protocol tls"),
        Step(
            "segment",
            "students (Students, role student): VLAN 20, VLAN 200, VLAN 201, VLAN 202, VLAN 203, 10.0.0.0/8, 2001:db8::/32",
        ),
        Step("time", "Monday 2026-11-23 10:00 EST"),
        Step("schedule school_hours", "active: 10:00 is within 07:45-14:50 (Monday)"),
        Step("rule social-in-school", "yes: prohibited"),
        Step("verdict", "prohibited: It is school time."),
    ) == explanation.steps


def test_why_not(policy: Policy) -> None:
    """Each rule that did not hold says why, and the schedule says why it is not active."""
    explanation = explain(policy, "x.com", "students", SATURDAY)

    assert (
        Step("schedule school_hours", "not active: not on a Saturday"),
        Step("rule social-in-school", "no: only while school_hours is active"),
        Step("rule staff-social", "no: it is for segments staff"),
        Step("rule peer-to-peer", "no: it is for protocols bittorrent"),
        Step("default", "no rule fits: permitted"),
        Step("verdict", "permitted: No rule speaks of it."),
    ) == explanation.steps[-6:]


@pytest.mark.parametrize(
    ("name", "application", "evidence", "protocol", "catalogue"),
    [
        ("youtube", "youtube", "sni", "tls", "asked for by its identifier"),
        ("bittorrent", "bittorrent", "protocol", "bittorrent", "asked for by its identifier"),
        ("behind_cloudflare", "behind_cloudflare", "ech", "tls", "asked for by its identifier"),
        ("youtubei.googleapis.com", "youtube", "sni", "tls", "by host youtubei.googleapis.com"),
        ("cloudflare-ech.com", "behind_cloudflare", "ech", "tls", "by public name cloudflare-ech.com"),
        ("www.fedex.com", "unknown", "sni", "tls", "in no catalogue: application unknown, category unclassified"),
        ("", "unknown", "sni", "tls", "in no catalogue: application unknown, category unclassified"),
        ("ü" * 300, "unknown", "sni", "tls", "in no catalogue: application unknown, category unclassified"),
    ],
)
def test_names_and_applications(
    policy: Policy, name: str, application: str, evidence: str, protocol: str, catalogue: str
) -> None:
    """Anything a person may type has an explanation; an application is taken as it is mostly met."""
    explanation = explain(policy, name, "staff", MONDAY)

    assert (application, evidence, protocol) == (
        explanation.flow_class.application,
        explanation.flow_class.evidence,
        explanation.flow_class.protocol,
    )
    assert explanation.steps[1].outcome.endswith(catalogue)


def test_the_unknown_segment_can_be_asked_for(policy: Policy) -> None:
    """It is a segment like others."""
    explanation = explain(policy, "x.com", "unknown", MONDAY)

    assert Step("segment", "unknown (Unknown, role unknown)") == explanation.steps[4]


def test_a_misspelt_segment(policy: Policy) -> None:
    """The nearest segment is proposed."""
    with pytest.raises(UnknownSegmentError) as caught:
        explain(policy, "x.com", "student", MONDAY)

    assert '"student" is no segment; did you mean "students"?' == str(caught.value)


def test_explaining_equals_deciding(policy: Policy) -> None:
    """What is explained is what the daemon would count."""
    flow_class = policy.classify(vlan=20, client=b"", name=b"x.com", evidence=Evidence.SNI, protocol="tls")
    explanation = explain(policy, "x.com", "students", MONDAY)

    assert (flow_class, policy.decide(flow_class, MONDAY)) == (explanation.flow_class, explanation.decision)


def test_a_flow_that_was_seen(policy: Policy) -> None:
    """The steps begin with what was seen of it; the rest is as for a name, save by what the catalogue found it."""
    asked = explain(policy, "x.com", "students", MONDAY)
    seen = explain_class(policy, asked.flow_class, MONDAY, [Step("flow", "10.20.1.7 to 192.0.2.80")])

    assert Step("flow", "10.20.1.7 to 192.0.2.80") == seen.steps[0]
    assert Step("catalogue", "x (X), category social_networking") == seen.steps[1]
    assert asked.steps[2:] == seen.steps[2:]
    assert (asked.decision, asked.changes) == (seen.decision, seen.changes)


def test_a_class_of_another_policy(policy: Policy) -> None:
    """A segment that the policy does not have cannot be explained."""
    flow_class = replace(explain(policy, "x.com", "staff", MONDAY).flow_class, segment="attic")

    with pytest.raises(UnknownSegmentError):
        explain_class(policy, flow_class, MONDAY, [])


ACCOUNTS = """\
unknown_names: open
board_services:
  - service: Google
    decided: "Board of Education, 2026-08-18"
    until: 2027-08-31
    applications: [google_apis]
  - {service: Servers, decided: "Board, 2026-08-18", domains: [schools.example.org], prefixes: [192.0.2.0/24]}
"""


def test_whose_account_it_is(policy: Policy, rules: Callable[..., Path]) -> None:
    """The account is told with the declaration that made it the board's, or with why it is held closed or not."""
    declared = load(rules({"accounts.yaml": ACCOUNTS}))

    def account(of: Policy, name: str) -> str:
        return next(step.outcome for step in explain(of, name, "staff", MONDAY).steps if step.what == "account")

    held = "held closed, as personal"
    assert {
        "google_apis": f"unknown: a board may provide it, and none has declared so; {held}",
        "cloudflare.com": "unknown: it has no accounts of persons; nothing is held closed",
        "nothing.example": f"unknown: in no catalogue; {held}",
    } == {name: account(policy, name) for name in ("google_apis", "cloudflare.com", "nothing.example")}
    assert {
        "google_apis": "board: Google, declared by Board of Education, 2026-08-18, until 2027-08-31",
        "www.schools.example.org": "board: Servers, declared by Board, 2026-08-18",
        "nothing.example": "unknown: in no catalogue; not held closed, by unknown_names in accounts.yaml",
    } == {name: account(declared, name) for name in ("google_apis", "www.schools.example.org", "nothing.example")}
    at_server = declared.classify(
        vlan=10, client=b"", name=b"x.com", evidence=Evidence.SNI, protocol="tls", server=bytes([192, 0, 2, 7])
    )
    assert Step("account", "board: declared by the board, for the server's name or address") in (
        explain_class(declared, at_server, MONDAY, []).steps
    )


def test_the_clause_in_words(rules: Callable[..., Path]) -> None:
    """A clause of the pack is told by its place and what it says; words of another policy stand for themselves."""
    pack = (
        "extends: base.yaml\nclauses:\n  - {id: n/1, number: Section 1, paraphrase: No posts in class.}\n"
        "rules:\n  - {id: a, roles: [student], verdict: prohibited, clause: n/1, because: B}\n"
        "  - {id: b, roles: [staff], verdict: prohibited, clause: Handbook page 7, because: B}\n"
    )
    base = "rules: []\ndefault: {verdict: permitted, because: D}\n"
    policy = load(rules({"rules.yaml": pack, "base.yaml": base}))

    assert ["Section 1: No posts in class. (n/1)", "Handbook page 7", ""] == [
        explain(policy, "x.com", segment, MONDAY).clause for segment in ("students", "staff", "unknown")
    ]
