"""A class and a time -> what would have to be otherwise for the verdict to be another, and what it then would be."""

from collections.abc import Iterator
from dataclasses import replace

from agent.flow import Account, FlowClass
from agent.policy.catalogue import Application
from agent.policy.policy import Policy
from agent.verdict import Decision, Step


def what_would_change(policy: Policy, flow_class: FlowClass, now_ns: int) -> tuple[Step, ...]:
    """Each single change of schedule, declaration or segment that changes verdict or rule.

    Returns:
        Steps whose `what` is the change, such as "while school_hours is not active", and whose `outcome` the answer.
    """
    now = policy.decide(flow_class, now_ns)
    changes = [
        *_other_times(policy, flow_class, now_ns),
        *_other_accounts(policy, flow_class, now_ns),
        *_other_segments(policy, flow_class, now_ns),
    ]
    return tuple(
        Step(what, f"{then.verdict} (rule {then.rule})")
        for what, then in changes
        if (then.verdict, then.rule) != (now.verdict, now.rule)
    )


def _other_times(policy: Policy, flow_class: FlowClass, now_ns: int) -> Iterator[tuple[str, Decision]]:
    active = policy.schedules.active_at(now_ns)
    fitting = [rule for rule in policy.rulebook.rules if rule.misfit(flow_class) is None]
    for name in dict.fromkeys(name for rule in fitting for name in (*rule.when, *rule.unless)):
        negation = "not " if name in active else ""
        yield f"while {name} is {negation}active", policy.rulebook.decide_while(flow_class, active ^ {name})


def _other_accounts(policy: Policy, flow_class: FlowClass, now_ns: int) -> Iterator[tuple[str, Decision]]:
    if flow_class.account is Account.BOARD:
        undeclared = replace(flow_class, account=policy.services.undeclared(application_of(policy, flow_class)))
        yield "had the board not declared it", policy.decide(undeclared, now_ns)
    else:
        yield "if the board declared it", policy.decide(replace(flow_class, account=Account.BOARD), now_ns)


def _other_segments(policy: Policy, flow_class: FlowClass, now_ns: int) -> Iterator[tuple[str, Decision]]:
    for segment in policy.segments.by_identifier:
        if segment != flow_class.segment:
            yield f"in segment {segment}", policy.decide(replace(flow_class, segment=segment), now_ns)


def application_of(policy: Policy, flow_class: FlowClass) -> Application | None:
    """The catalogue's entry for a class; None for what is in no catalogue."""
    entry = policy.catalogue.entries.get(flow_class.application)
    return None if entry is None else entry.application
