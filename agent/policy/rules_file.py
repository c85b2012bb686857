"""One file of rules -> its rules in order and whatever else it says, checked against the words that other files define."""

from dataclasses import dataclass

from agent.flow import Account, Evidence
from agent.policy.allowance_rules import read_allowance
from agent.policy.catalogue import Catalogue
from agent.policy.categories import categories, unclassified, unknown_application
from agent.policy.document import Node, Table
from agent.policy.expectations import Expectation, read_expectations
from agent.policy.fields import Fields
from agent.policy.pack_file import PackPart, read_pack_part
from agent.policy.problems import Mark, Problems, shown
from agent.policy.rules import Rule, default_rule, max_rules
from agent.policy.schedules import Schedules
from agent.policy.segments import Role, Segments
from agent.verdict import Verdict

carriers = frozenset(
    {
        *("tls", "dtls", "quic", "http", "dns", "mdns", "llmnr"),
        *("tcp", "udp", "udplite", "sctp", "icmp", "icmp6", "ip", "link"),
    }
)
"""Protocols that a class can have without telling an application; rules may name these and those of the catalogue."""

verdicts_that_need_a_clause = frozenset({Verdict.PROHIBITED, Verdict.INCIDENTAL})
"""What is held against people, or tolerated, rests on words that they could read beforehand."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What the other files define, for rules to name. None where the file could not be read: then any word will do."""

    catalogue: Catalogue | None
    segments: Segments | None
    schedules: Schedules | None


@dataclass(frozen=True, slots=True)
class PlacedRule:
    """A rule, and where it stands."""

    rule: Rule
    mark: Mark
    clause_mark: Mark


@dataclass(frozen=True, slots=True)
class RulesFile:
    """What one file of rules says."""

    rules: tuple[PlacedRule, ...]
    """Those that could be read, in order."""
    identifiers: frozenset[str]
    """Of every rule, also those that could not be read to their end."""
    default: Rule | None
    pack: PackPart
    expectations: tuple[Expectation, ...]


@dataclass(frozen=True, slots=True)
class _What:
    """The part of a rule under `what:`."""

    categories: frozenset[str] | None = None
    applications: frozenset[str] | None = None
    protocols: frozenset[str] | None = None
    accounts: frozenset[Account] | None = None
    evidence: frozenset[Evidence] | None = None


class _Reader:
    def __init__(self, vocabulary: Vocabulary, problems: Problems) -> None:
        catalogue, segments, schedules = vocabulary.catalogue, vocabulary.segments, vocabulary.schedules
        self._catalogue = catalogue
        self._applications = None if catalogue is None else {*catalogue.entries, unknown_application}
        self._protocols = None if catalogue is None else carriers | catalogue.protocols
        self._segments = segments
        self._segment_names = None if segments is None else segments.by_identifier
        self._schedule_names = None if schedules is None else schedules.by_identifier
        self._problems = problems
        self._identifiers: dict[str, Mark] = {}

    def file(self, document: Node) -> RulesFile:
        extends = isinstance(document, Table) and "extends" in document.entries
        own, inherited = ([], ["rules", "default"]) if extends else (["rules", "default"], [])
        told = ["extends", "district", "policy", "clauses", "expect"]
        fields = Fields(document, "file of rules", self._problems, required=own, optional=[*inherited, *told])
        fields.text("extends")
        rules = []
        for number, node in enumerate(fields.items("rules")):
            if number == max_rules:
                self._problems.add(node.mark, f"more than {max_rules} rules", "join those with the same verdict")
                break
            rule = self._rule(node)
            if rule is not None:
                rules.append(rule)
        default_node = fields.node("default")
        return RulesFile(
            tuple(rules),
            frozenset(self._identifiers),
            None if default_node is None else self._default(default_node),
            read_pack_part(fields, self._problems),
            read_expectations(fields.items("expect"), self._catalogue, self._segments, self._problems),
        )

    def _rule(self, node: Node) -> PlacedRule | None:
        fields = Fields(
            node,
            "rule",
            self._problems,
            required=["id", "verdict", "because"],
            optional=["who", "roles", "what", "when", "unless", "clause", "allowance"],
        )
        name = fields.identifier("id")
        verdict = self._verdict(fields)
        allowance = read_allowance(fields.node("allowance"), verdict, self._problems)
        clause, because = fields.string("clause"), fields.string("because")
        segments = self._who(fields)
        what_node = fields.node("what")
        what = _What() if what_node is None else self._what(what_node)
        when = fields.choices("when", self._schedule_names, "schedule") or frozenset()
        unless = fields.choices("unless", self._schedule_names, "schedule") or frozenset()
        for schedule in sorted(when & unless):
            remedy = "keep it under one of them"
            self._problems.add(fields.mark_of("unless"), f"{shown(schedule)} is under when and unless", remedy)
        if name is None:
            return None
        if name == default_rule:
            self._problems.add(fields.mark_of("id"), f'"{name}" is what no rule fits', "choose another id")
            return None
        if name in self._identifiers:
            what_is_wrong = f"the rule {shown(name)} stands in line {self._identifiers[name].line} already"
            self._problems.add(fields.mark_of("id"), what_is_wrong, "give each rule its own id")
            return None
        self._identifiers[name] = fields.mark_of("id")
        if verdict is None:
            return None
        rule = Rule(
            identifier=name,
            verdict=verdict,
            because=because,
            clause=clause,
            segments=segments,
            categories=what.categories,
            applications=what.applications,
            protocols=what.protocols,
            accounts=what.accounts,
            evidence=what.evidence,
            when=tuple(sorted(when)),
            unless=tuple(sorted(unless)),
            allowance=allowance,
        )
        return PlacedRule(rule, fields.mark_of("id"), fields.mark_of("clause"))

    def _default(self, node: Node) -> Rule | None:
        fields = Fields(node, "default", self._problems, required=["verdict", "because"], optional=["clause"])
        verdict = self._verdict(fields)
        if verdict is None:
            return None
        return Rule(default_rule, verdict, fields.string("because"), fields.string("clause"))

    def _verdict(self, fields: Fields) -> Verdict | None:
        word = fields.choice("verdict", [verdict.value for verdict in Verdict])
        if word is None:
            return None
        verdict = Verdict(word)
        if verdict in verdicts_that_need_a_clause and "clause" not in fields:
            what = f"this {fields.what} says {verdict} and names no clause"
            self._problems.add(fields.mark, what, 'add "clause:" with the words of your policy it rests on')
        return verdict

    def _who(self, fields: Fields) -> frozenset[str] | None:
        """Segments by name and by role together; None when the rule is for everyone."""
        if "who" not in fields and "roles" not in fields:
            return None
        named = fields.choices("who", self._segment_names, "segment") or frozenset()
        roles = fields.choices("roles", [role.value for role in Role], "role") or frozenset()
        if self._segments is None:
            return named
        return named.union(*(self._segments.with_role(Role(role)) for role in roles))

    def _what(self, node: Node) -> _What:
        fields = Fields(
            node,
            '"what"',
            self._problems,
            optional=["categories", "applications", "protocols", "accounts", "evidence"],
        )
        chosen_categories = fields.choices("categories", {*categories, unclassified}, "category")
        applications = fields.choices("applications", self._applications, "application")
        protocols = fields.choices("protocols", self._protocols, "protocol")
        accounts = fields.choices("accounts", [account.value for account in Account], "account")
        evidence = fields.choices("evidence", [kind.value for kind in Evidence], "evidence")
        self._check_both(fields, chosen_categories, applications)
        return _What(
            chosen_categories,
            applications,
            protocols,
            None if accounts is None else frozenset(map(Account, accounts)),
            None if evidence is None else frozenset(map(Evidence, evidence)),
        )

    def _check_both(
        self, fields: Fields, chosen_categories: frozenset[str] | None, applications: frozenset[str] | None
    ) -> None:
        """An application outside the categories beside it can never fit: all conditions must hold."""
        if not chosen_categories or not applications or self._catalogue is None:
            return
        for name in sorted(applications):
            entry = self._catalogue.entries.get(name)
            category = unclassified if entry is None else entry.application.category
            if category not in chosen_categories:
                what = f"{shown(name)} is of category {category}, which is not among the categories here"
                self._problems.add(
                    fields.mark_of("applications"), what, "leave out one of the keys, or write two rules"
                )


def read_rules_file(document: Node, vocabulary: Vocabulary, problems: Problems) -> RulesFile:
    """What could be read of the file; everything else is a problem."""
    return _Reader(vocabulary, problems).file(document)
