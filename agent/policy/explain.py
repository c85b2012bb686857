"""A name or an application, a segment and a time -> the verdict with every step, as data."""

from dataclasses import dataclass

from agent.flow import Evidence, FlowClass
from agent.policy.catalogue import Accounts, Application, Catalogue, Entry, Match, Matched
from agent.policy.policy import Policy
from agent.policy.problems import did_you_mean, shown
from agent.policy.schedules import weekday_names
from agent.policy.segments import Segment
from agent.verdict import Decision, Step

_account_words = {
    Accounts.PERSONAL: "personal: its accounts are personal online accounts",
    Accounts.SUITE: "unknown: a board may provide it, and none has declared so; held as personal",
    Accounts.NONE: "unknown: it has no accounts of persons; held as personal all the same",
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
    steps: tuple[Step, ...]
    """In order: name, catalogue, account, evidence, segment, time, each schedule, each rule considered, verdict."""


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
    where = policy.segments.by_identifier.get(segment)
    if where is None:
        raise UnknownSegmentError(segment, policy)
    entry = policy.catalogue.entries.get(name)
    if entry is not None:
        found, evidence, protocol = _typical(entry)
        how = "asked for by its identifier"
    else:
        evidence, protocol = _evidence(policy.catalogue, name), "tls"
        found = policy.classifier.match(name, evidence, protocol)
        how = f"by {found.matched} {found.key}" if found is not None else ""
    application = None if found is None else found.application
    flow_class = policy.classifier.class_of(segment, found, evidence, protocol)
    decision = policy.decide(flow_class, now_ns)
    steps = (
        Step("name", shown(name)),
        Step("catalogue", _catalogue_outcome(application, how)),
        Step("account", "unknown: held as personal" if application is None else _account_words[application.accounts]),
        Step("evidence", f"{flow_class.evidence}, protocol {flow_class.protocol}"),
        Step("segment", _segment_outcome(where)),
        *_time_steps(policy, now_ns),
        *decision.steps,
        Step("verdict", f"{decision.verdict}: {decision.because}"),
    )
    return Explanation(flow_class, decision, steps)


def _typical(entry: Entry) -> tuple[Match | None, Evidence, str]:
    """How an application is mostly met: its match, and the evidence and protocol that come with it."""
    if entry.domains:
        return Match(entry.application, Matched.SUFFIX, entry.domains[0].decode("ascii")), Evidence.SNI, "tls"
    if entry.hosts:
        return Match(entry.application, Matched.HOST, entry.hosts[0].decode("ascii")), Evidence.SNI, "tls"
    if entry.public_names:
        return Match(entry.application, Matched.PUBLIC_NAME, entry.public_names[0].decode("ascii")), Evidence.ECH, "tls"
    protocol = entry.protocols[0]
    return Match(entry.application, Matched.PROTOCOL, protocol), Evidence.PROTOCOL, protocol


def _evidence(catalogue: Catalogue, name: str) -> Evidence:
    return Evidence.ECH if catalogue.public_name(name) else Evidence.SNI


def _catalogue_outcome(application: Application | None, how: str) -> str:
    if application is None:
        return "in no catalogue: application unknown, category unclassified"
    return f"{application.identifier} ({application.title}), category {application.category}, {how}"


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
