"""The cases under expect: in a file of rules -> each that the rules do not meet, with its place and what came instead."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from agent.policy.catalogue import Catalogue
from agent.policy.categories import unknown_application
from agent.policy.classify import Classifier
from agent.policy.document import Node, Text
from agent.policy.fields import Fields
from agent.policy.problems import Mark, Problems, shown
from agent.policy.rules import Rulebook
from agent.policy.schedules import Schedules
from agent.policy.segments import Role, Segments
from agent.policy.typical import typical
from agent.verdict import Verdict

max_expectations = 1_000
"""Each is decided whenever the rules are read: some hundredths of a second for all."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What somebody wants the rules to say of one thing, in some segments, at a time."""

    mark: Mark
    asked: str
    """A name, or an application's identifier."""
    segments: tuple[str, ...]
    """Of a role that the site has no segment for there are none, and nothing is expected."""
    at: datetime
    """Without an offset it is the clock on the school's wall."""
    verdict: Verdict
    rule: str | None
    """The rule that is to give it, or None when any may."""


def read_expectations(
    nodes: Iterable[Node], catalogue: Catalogue | None, segments: Segments | None, problems: Problems
) -> tuple[Expectation, ...]:
    """The cases that could be read; everything else is a problem.

    Args:
        nodes: The cases.
        catalogue: What applications there are; None where it could not be read, and nothing can be expected.
        segments: What segments there are; None as for the catalogue.
        problems: Gets everything that is wrong.
    """
    read = []
    for number, node in enumerate(nodes):
        if number == max_expectations:
            problems.add(node.mark, f"more than {max_expectations} cases", "keep those that tell most")
            break
        case = _case(node, catalogue, segments, problems)
        if case is not None:
            read.append(case)
    return tuple(read)


def check_expectations(
    cases: Iterable[Expectation],
    catalogue: Catalogue,
    classifier: Classifier,
    rulebook: Rulebook,
    schedules: Schedules,
    problems: Problems,
) -> None:
    """Decide each case, and add a problem for each segment in which it comes out otherwise."""
    for case in cases:
        flow = typical(case.asked, catalogue, classifier)
        now_ns = schedules.moment(case.at)
        for segment in case.segments:
            decision = rulebook.decide(flow.class_in(segment, classifier), now_ns)
            if decision.verdict is case.verdict and case.rule in {None, decision.rule}:
                continue
            wanted = case.verdict if case.rule is None else f"{case.verdict} by rule {case.rule}"
            what = (
                f"expected of {shown(case.asked)} in {segment} at {case.at:%Y-%m-%dT%H:%M}: {wanted}; "
                f"the rules say {decision.verdict} by rule {decision.rule}"
            )
            problems.add(case.mark, what, "change the rules or the case; hallwatch explain shows the steps")


def _case(node: Node, catalogue: Catalogue | None, segments: Segments | None, problems: Problems) -> Expectation | None:
    fields = Fields(
        node,
        "case",
        problems,
        required=["at", "verdict"],
        optional=["name", "application", "segment", "role", "rule"],
    )
    asked, where = _one_of_two(fields, "name", "application"), _one_of_two(fields, "segment", "role")
    verdict, at = fields.choice("verdict", [verdict.value for verdict in Verdict]), _time(fields)
    rule = fields.text("rule")
    if asked is None or where is None or catalogue is None or segments is None:
        return None
    if "application" in fields:
        fields.choice("application", {*catalogue.entries, unknown_application})
    elif asked.text in catalogue.entries:
        what = f"{shown(asked.text)} is an application"
        problems.add(asked.mark, what, f'write "application: {asked.text}"')
    places: tuple[str, ...] = (where.text,)
    if "segment" in fields:
        fields.choice("segment", segments.by_identifier)
    elif (role := fields.choice("role", [role.value for role in Role])) is not None:
        places = tuple(sorted(segments.with_role(Role(role))))
    if verdict is None or at is None:
        return None
    name = "" if asked.text == unknown_application else asked.text
    return Expectation(fields.mark, name, places, at, Verdict(verdict), None if rule is None else rule.text)


def _one_of_two(fields: Fields, first: str, second: str) -> Text | None:
    if (first in fields) == (second in fields):
        both = "both" if first in fields else "neither"
        what = f'this case has {both} of "{first}" and "{second}"'
        fields.problems.add(fields.mark, what, "write one of them")
        return None
    return fields.text(first if first in fields else second)


def _time(fields: Fields) -> datetime | None:
    text = fields.text("at")
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text.text)
    except ValueError:
        fields.problems.add(text.mark, f"{shown(text.text)} is no time", "such as 2026-11-24T10:15")
        return None
