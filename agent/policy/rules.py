"""A class of traffic and a time -> the verdict of the first rule that fits, with every step on the way."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from agent.flow import Account, Evidence, FlowClass
from agent.policy.problems import listed
from agent.policy.schedules import Schedules
from agent.verdict import Allowance, Decision, Step, Verdict

max_rules = 512
"""A written policy has a few dozen clauses. With max_decisions_remembered this bounds the memory of steps to 64 MiB."""

max_decisions_remembered = 16_384
"""Classes in use, times the states their schedules have been in: thousands at most in a district."""

default_rule = "default"
"""What a Decision names when no rule fits."""


class Condition(NamedTuple):
    """One thing that a rule asks of a class."""

    field: str
    """Of FlowClass."""
    words: str
    """The same for many, as messages call it."""
    wanted: frozenset[str]

    def misfit(self) -> str:
        """Why a class does not fit whose field is none of `wanted`."""
        return f"no: it is for {self.words} {listed(sorted(self.wanted)) or 'that this site has none of'}"


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of policy. Every condition must hold; a condition that is None always does."""

    identifier: str
    verdict: Verdict
    because: str
    clause: str = ""
    """Clause of the written policy that the rule rests on."""
    segments: frozenset[str] | None = None
    categories: frozenset[str] | None = None
    applications: frozenset[str] | None = None
    protocols: frozenset[str] | None = None
    accounts: frozenset[Account] | None = None
    evidence: frozenset[Evidence] | None = None
    when: tuple[str, ...] = ()
    """Schedules; the rule holds while any is active, or always when there are none."""
    unless: tuple[str, ...] = ()
    """Schedules; the rule does not hold while any is active."""
    allowance: Allowance | None = None
    """How far an incidental verdict reaches; None when there is no end to it."""

    @property
    def conditions(self) -> tuple["Condition", ...]:
        """Those that are not None, schedules apart, in the order in which they are tried."""
        every: tuple[tuple[str, str, frozenset[str] | None], ...] = (
            ("segment", "segments", self.segments),
            ("category", "categories", self.categories),
            ("application", "applications", self.applications),
            ("protocol", "protocols", self.protocols),
            ("account", "accounts", self.accounts),
            ("evidence", "evidence", self.evidence),
        )
        return tuple(Condition(field, words, wanted) for field, words, wanted in every if wanted is not None)

    def misfit(self, flow_class: FlowClass) -> str | None:
        """The first condition, schedules apart, that the class does not meet, in words; None when it meets all."""
        for condition in self.conditions:
            if getattr(flow_class, condition.field) not in condition.wanted:
                return condition.misfit()
        return None

    def out_of_time(self, active: frozenset[str]) -> str | None:
        """Which schedule keeps the rule from holding, in words; None when none does."""
        for schedule in self.unless:
            if schedule in active:
                return f"no: not while {schedule} is active"
        if self.when and active.isdisjoint(self.when):
            return f"no: only while {' or '.join(self.when)} is active"
        return None


no_default = Rule(default_rule, Verdict.REVIEW, "no rule could be read")
"""Stands in while files with problems are read on; no policy is ever made with it."""


class Rulebook:
    """The rules of a site, in order. Made once, never changed; the same class and time give the same decision."""

    __slots__ = ("_candidates", "_decided", "_schedules", "_tried", "default", "has_allowances", "rules")

    def __init__(self, rules: Sequence[Rule], default: Rule, schedules: Schedules) -> None:
        """Args:
        rules: In the order in which they are tried.
        default: What holds when none fits; its conditions are not looked at.
        schedules: Every schedule that the rules name.
        """
        self.rules = tuple(rules)
        self.default = default
        self.has_allowances = any(rule.allowance is not None for rule in (*self.rules, default))
        self._schedules = schedules
        # Put into words once and not for each class: 40 us a class, not 6.
        self._tried = tuple(
            (
                rule,
                tuple(
                    (one.field, one.wanted, Step(f"rule {rule.identifier}", one.misfit())) for one in rule.conditions
                ),
            )
            for rule in self.rules
        )
        self._candidates = lru_cache(maxsize=max_decisions_remembered)(self._find_candidates)
        self._decided = lru_cache(maxsize=max_decisions_remembered)(self._decide)

    def decide(self, flow_class: FlowClass, now_ns: int) -> Decision:
        """The decision for a class at a time. Called for each class on each tick: while no schedule changes, it is
        one look into a table.
        """
        return self._decided(flow_class, self._schedules.active_at(now_ns))

    def decide_while(self, flow_class: FlowClass, active: frozenset[str]) -> Decision:
        """The decision for a class while these schedules are active and no others, whatever the time."""
        return self._decided(flow_class, active)

    @property
    def forgotten(self) -> int:
        """Decisions that had to be forgotten because max_decisions_remembered was met."""
        info = self._decided.cache_info()
        return info.misses - info.currsize

    def possible_verdicts(self, flow_class: FlowClass) -> frozenset[Verdict]:
        """Every verdict that the class can get at some time, and with any protocol."""
        verdicts = set()
        for rule, misfits in self._tried:
            for field, wanted, _ in misfits:
                if getattr(flow_class, field) not in wanted and (field != "protocol" or not wanted):
                    break
            else:
                verdicts.add(rule.verdict)
                if rule.allowance:
                    verdicts.add(Verdict.REVIEW)
                if not (rule.when or rule.unless or rule.protocols):
                    return frozenset(verdicts)
        return frozenset(verdicts | {self.default.verdict})

    def _find_candidates(self, flow_class: FlowClass) -> tuple[Step | Rule, ...]:
        """For each rule in order, why it never fits the class, or the rule where only the time decides; up to the first
        rule that fits at any time.
        """
        candidates: list[Step | Rule] = []
        for rule, misfits in self._tried:
            for field, wanted, step in misfits:
                if getattr(flow_class, field) not in wanted:
                    candidates.append(step)
                    break
            else:
                candidates.append(rule)
                if not (rule.when or rule.unless):
                    break
        return tuple(candidates)

    def _decide(self, flow_class: FlowClass, active: frozenset[str]) -> Decision:
        steps: list[Step] = []
        for candidate in self._candidates(flow_class):
            if isinstance(candidate, Step):
                steps.append(candidate)
                continue
            what = f"rule {candidate.identifier}"
            out_of_time = candidate.out_of_time(active)
            if out_of_time is None:
                steps.append(Step(what, f"yes: {candidate.verdict}"))
                if candidate.allowance:
                    steps.append(Step("allowance", f"{candidate.allowance} a device, category and day; then review"))
                return _decision(candidate, steps)
            steps.append(Step(what, out_of_time))
        steps.append(Step(default_rule, f"no rule fits: {self.default.verdict}"))
        return _decision(self.default, steps)


def _decision(rule: Rule, steps: list[Step]) -> Decision:
    return Decision(rule.verdict, rule.identifier, rule.clause, rule.because, tuple(steps), rule.allowance)
