"""A policy -> for each clause of the written policy: its rules, what they count, what is not looked for and why."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from agent.policy.categories import unclassified
from agent.policy.pack import Clause, Pack
from agent.policy.policy import Policy
from agent.policy.problems import listed
from agent.policy.rules import Rule

columns = ("clause", "says, in short", "counted, by which rule", "not looked for, and why")
not_advice = (
    "Paraphrases are no substitute for the policy's own words, and none of this is legal advice: counsel decides."
)
no_clauses = "These rules carry no clauses of a written policy. Packs that do: --district hamden, wethersfield, darien."


@dataclass(frozen=True, slots=True)
class Row:
    """One clause."""

    clause: Clause
    counted: tuple[str, ...]
    """For each rule of the clause, in the same order, what it counts and as what, in words."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """The whole table."""

    rows: tuple[Row, ...]
    """In the order of the policy."""
    others: tuple[tuple[Rule, str], ...]
    """Rules that rest on no clause of the pack, the default last, and what each counts."""


def coverage(policy: Policy) -> Coverage:
    """The table for the rules as they are loaded: what a rule counts is read off its conditions, here and now."""
    rules = {rule.identifier: rule for rule in policy.rulebook.rules}
    clauses = policy.pack.clauses
    rows = tuple(
        Row(clause, tuple(in_words(policy, rules[name]) for name in clause.rules)) for clause in clauses.values()
    )
    others = [rule for rule in (*rules.values(), policy.rulebook.default) if rule.clause not in clauses]
    return Coverage(rows, tuple((rule, in_words(policy, rule)) for rule in others))


def heading(pack: Pack) -> Iterator[str]:
    """The title of the table, and what stands below the title."""
    yield f"What is counted for the policy of {pack.district}" if pack.district else "What is counted"
    if pack.policy is not None:
        dates = f" ({pack.policy.dates})" if pack.policy.dates else ""
        yield f"{pack.policy.number}, {pack.policy.title}{dates}. Source: {pack.policy.source}."
    if not pack.clauses:
        yield no_clauses


def in_words(policy: Policy, rule: Rule) -> str:
    """What a rule counts and as what, such as "adult, for everyone, always: prohibited"."""
    if rule is policy.rulebook.default:
        return f"all that no rule speaks of: {rule.verdict}"
    what = [_titles(policy, rule.applications)] if rule.applications is not None else []
    what += [_words(rule.categories)] if rule.categories is not None else []
    kinds = (("protocols", rule.protocols), ("accounts", rule.accounts), ("evidence", rule.evidence))
    only = [f"{kind} {_words(values)}" for kind, values in kinds if values is not None]
    verdict = str(rule.verdict)
    if rule.allowance is not None:
        verdict += f" up to {rule.allowance} a device, category and day, then review"
    things = " within ".join(what) or "everything"
    if only:
        things += f" (only {'; '.join(only)})"
    return f"{things}, {_who(policy, rule)}, {_when(rule)}: {verdict}"


def _titles(policy: Policy, applications: frozenset[str]) -> str:
    entries = policy.catalogue.entries
    return listed(sorted(entries[name].application.title if name in entries else name for name in applications))


def _words(identifiers: AbstractSet[str]) -> str:
    words = {unclassified: "what is in no catalogue"}
    return listed(sorted(words.get(name, name.replace("_", " ")) for name in identifiers))


def _who(policy: Policy, rule: Rule) -> str:
    if rule.segments is None:
        return "for everyone"
    titles = [one.title for name, one in policy.segments.by_identifier.items() if name in rule.segments]
    return f"for {listed(titles)}" if titles else "for nobody here (this site has no such segment)"


def _when(rule: Rule) -> str:
    parts = [f"while {' or '.join(rule.when)}"] if rule.when else []
    parts += [f"unless {' or '.join(rule.unless)}"] if rule.unless else []
    return " ".join(parts) or "always"
