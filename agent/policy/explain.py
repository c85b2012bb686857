"""A name or an application, a segment and a time -> the verdict with every step, and what would change it, as data."""

from collections.abc import Iterable
from dataclasses import dataclass

from agent.flow import Account, FlowClass
from agent.policy.accounts import BoardService
from agent.policy.alternatives import application_of, what_would_change
from agent.policy.catalogue import Accounts, Application
from agent.policy.policy import Policy
from agent.policy.problems import did_you_mean, shown
from agent.policy.schedules import weekday_names
from agent.policy.segments import Segment
from agent.policy.typical import typical
from agent.verdict import Decision, Step

_undeclared_words = {
    Accounts.PERSONAL: "personal: its accounts are personal online accounts; held closed",
    Accounts.SUITE: "unknown: a board may provide it, and none has declared so; held closed, as personal",
    Accounts.NONE: "unknown: it has no accounts of persons; nothing is held closed",
}


class UnknownSegmentError(LookupError):
    """There is no segment of that name. str() names the nearest one."""

    def __init__(self, segment: str, policy: Policy) -> None:
        super().__init__(f"{shown(segment)} is no segment; {did_you_mean(segment, policy.segments.by_identifier)}")


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a flow would be, what the policy says of it, and how both were reached."""

    flow_class: FlowClass
    decision: Decision
    clause: str
    """The clause that the decision rests on, in words: its place and a paraphrase where the pack has it; or ""."""
    steps: tuple[Step, ...]
    """In order: name, catalogue, account, evidence, segment, time, each schedule, each rule considered, verdict."""
    changes: tuple[Step, ...]
    """Each single thing that would change the answer, and the answer then; see alternatives.py."""


def explain(policy: Policy, name: str, segment: str, now_ns: int) -> Explanation:
    """Explain the verdict for one name or application.

    Args:
        policy: The loaded policy.
        name: A host name as a browser would ask for it, or an identifier of the catalogue such as "youtube".
        segment: A segment's identifier.
        now_ns: When, in nanoseconds since the epoch.

    Returns:
        The explanation; for a host name as if it had been seen in a TLS ClientHello.

    Raises:
        UnknownSegmentError: There is no such segment.
    """
    _segment(policy, segment)
    flow = typical(name, policy.catalogue, policy.classifier)
    how = ""
    if flow.found is not None:
        how = ", asked for by its identifier" if flow.by_identifier else f", by {flow.found.matched} {flow.found.key}"
    flow_class = flow.class_in(segment, policy.classifier)
    return _explained(policy, flow_class, now_ns, [Step("name", shown(name))], how, flow.service)


def explain_class(policy: Policy, flow_class: FlowClass, now_ns: int, seen: Iterable[Step]) -> Explanation:
    """Explain the verdict for a flow that was seen.

    Args:
        policy: The policy that gave the class.
        flow_class: The flow's.
        now_ns: When.
        seen: What is known of the flow itself; the first steps.

    Raises:
        UnknownSegmentError: The class is of a segment that the policy does not have.
    """
    return _explained(policy, flow_class, now_ns, seen, "", None)


def _explained(
    policy: Policy, flow_class: FlowClass, now_ns: int, seen: Iterable[Step], how: str, service: BoardService | None
) -> Explanation:
    decision = policy.decide(flow_class, now_ns)
    application = application_of(policy, flow_class)
    steps = (
        *seen,
        Step("catalogue", _catalogue_outcome(application, how)),
        Step("account", _account_outcome(policy, flow_class, application, service)),
        Step("evidence", f"{flow_class.evidence}, protocol {flow_class.protocol}"),
        Step("segment", _segment_outcome(_segment(policy, flow_class.segment))),
        *_time_steps(policy, now_ns),
        *decision.steps,
        Step("verdict", f"{decision.verdict}: {decision.because}"),
    )
    changes = what_would_change(policy, flow_class, now_ns)
    return Explanation(flow_class, decision, policy.pack.in_words(decision.clause), steps, changes)


def _segment(policy: Policy, segment: str) -> Segment:
    found = policy.segments.by_identifier.get(segment)
    if found is None:
        raise UnknownSegmentError(segment, policy)
    return found


def _catalogue_outcome(application: Application | None, how: str) -> str:
    if application is None:
        return "in no catalogue: application unknown, category unclassified"
    return f"{application.identifier} ({application.title}), category {application.category}{how}"


def _account_outcome(
    policy: Policy, flow_class: FlowClass, application: Application | None, service: BoardService | None
) -> str:
    if flow_class.account is Account.BOARD:
        declared = service or policy.services.by_application(flow_class.application)
        if declared is None:
            return "board: declared by the board, for the server's name or address"
        until = f", until {declared.until}" if declared.until else ""
        return f"board: {declared.service}, declared by {declared.decided}{until}"
    if application is not None:
        return _undeclared_words[application.accounts]
    if policy.services.unknown_names_open:
        return "unknown: in no catalogue; not held closed, by unknown_names in accounts.yaml"
    return "unknown: in no catalogue; held closed, as personal"


def _segment_outcome(segment: Segment) -> str:
    places = [f"VLAN {vlan}" for vlan in segment.vlans] + [str(prefix) for prefix in segment.prefixes]
    where = f": {', '.join(places)}" if places else ""
    return f"{segment.identifier} ({segment.title}, role {segment.role}){where}"


def _time_steps(policy: Policy, now_ns: int) -> list[Step]:
    local = policy.schedules.local(now_ns)
    steps = [Step("time", f"{weekday_names[local.weekday()]} {local:%Y-%m-%d %H:%M %Z}")]
    for identifier in policy.schedules.by_identifier:
        state = policy.schedules.state(identifier, now_ns)
        steps.append(Step(f"schedule {identifier}", f"{'active' if state.active else 'not active'}: {state.why}"))
    return steps
