"""The keys district, policy and clauses of a file of rules -> the Pack's parts, each with its place in the file."""

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date

from agent.policy.document import Node, Text
from agent.policy.fields import Fields, iso_date
from agent.policy.pack import Clause, Pack, WrittenPolicy
from agent.policy.problems import Mark, Problems, did_you_mean, shown

max_clauses = 512
"""Ten times what a regulation of four pages has."""

max_clause_characters = 96
"""Of a clause's identifier: it stands in tables and in every explanation."""

_clause_identifier = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(?:/[A-Za-z0-9._-]+)*")


@dataclass(frozen=True, slots=True)
class PlacedClause:
    """A clause as one file has it."""

    clause: Clause
    mark: Mark
    listed: tuple[Text, ...]
    """The rules that it lists, not yet looked for."""


@dataclass(frozen=True, slots=True)
class PackPart:
    """What one file of rules says of the written policy; what it leaves out is taken from the file it extends."""

    district: str
    policy: WrittenPolicy | None
    clauses: tuple[PlacedClause, ...]


def read_pack_part(fields: Fields, problems: Problems) -> PackPart:
    """The part of a file of rules that tells of the written policy."""
    policy = fields.node("policy")
    clauses: dict[str, PlacedClause] = {}
    for number, node in enumerate(fields.items("clauses")):
        if number == max_clauses:
            problems.add(node.mark, f"more than {max_clauses} clauses", "join those that the same rules serve")
            break
        placed = _clause(node, problems)
        if placed is None:
            continue
        first = clauses.setdefault(placed.clause.identifier, placed)
        if first is not placed:
            what = f"the clause {shown(placed.clause.identifier)} stands in line {first.mark.line} already"
            problems.add(placed.mark, what, "give each clause its own id")
    return PackPart(
        fields.string("district"), None if policy is None else _policy(policy, problems), tuple(clauses.values())
    )


def is_identifier(clause: str) -> bool:
    """True for a rule's clause that means one of the pack; words with a space in them stand for themselves."""
    return not any(character.isspace() for character in clause)


def joined(
    parts: Collection[PackPart], resting: dict[str, list[str]], known_rules: Collection[str], problems: Problems
) -> Pack:
    """One pack from the parts of several files.

    Args:
        parts: The extending file's first. A clause with the same id as one of an extended file replaces it.
        resting: clause -> the rules that name it, in their order.
        known_rules: Every rule that a clause may list; empty when nobody can say.
        problems: Gets clauses that list a rule which does not exist, and those that nothing is said of.
    """
    placed: dict[str, PlacedClause] = {}
    for part in parts:
        for clause in part.clauses:
            placed.setdefault(clause.clause.identifier, clause)
    clauses = {}
    for identifier, one in placed.items():
        for text in one.listed:
            if known_rules and text.text not in known_rules:
                problems.add(text.mark, f"rule: {shown(text.text)} is not known", did_you_mean(text.text, known_rules))
        rules = tuple(dict.fromkeys([*(text.text for text in one.listed), *resting.get(identifier, ())]))
        if known_rules and not rules and not one.clause.not_observable:
            what = f"no rule serves the clause {shown(identifier)}, and nothing says why"
            problems.add(one.mark, what, 'add "rules:" to it, or "not_observable:" with the reason')
        clauses[identifier] = replace(one.clause, rules=rules)
    district = next((part.district for part in parts if part.district), "")
    policy = next((part.policy for part in parts if part.policy is not None), None)
    return Pack(district, policy, clauses)


def _policy(node: Node, problems: Problems) -> WrittenPolicy:
    fields = Fields(
        node,
        "policy",
        problems,
        required=["number", "title", "source"],
        optional=["adopted", "effective", "revised"],
    )
    adopted, effective = _day(fields, "adopted", problems), _day(fields, "effective", problems)
    revised = tuple(day for text in fields.texts("revised") if (day := iso_date(text, problems)) is not None)
    return WrittenPolicy(
        fields.string("number"), fields.string("title"), fields.string("source"), adopted, effective, revised
    )


def _day(fields: Fields, key: str, problems: Problems) -> date | None:
    text = fields.text(key)
    return None if text is None else iso_date(text, problems)


def _clause(node: Node, problems: Problems) -> PlacedClause | None:
    fields = Fields(
        node, "clause", problems, required=["id", "number", "paraphrase"], optional=["rules", "not_observable"]
    )
    text = fields.text("id")
    number, paraphrase, reason = fields.string("number"), fields.string("paraphrase"), fields.string("not_observable")
    listed = fields.texts("rules")
    if text is None:
        return None
    if len(text.text) > max_clause_characters or not _clause_identifier.fullmatch(text.text):
        remedy = f'words joined by "/", at most {max_clause_characters} characters, such as "newtown-4118/use/3"'
        problems.add(text.mark, f"{shown(text.text)} is no identifier of a clause", remedy)
        return None
    return PlacedClause(Clause(text.text, number, paraphrase, not_observable=reason), text.mark, listed)
