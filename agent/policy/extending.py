"""Files of rules that extend one another -> one list of rules, a default, a pack, and what is expected of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from agent.policy.document import Node
from agent.policy.expectations import Expectation
from agent.policy.pack import Pack
from agent.policy.pack_file import is_identifier, joined
from agent.policy.problems import Problems, did_you_mean, shown
from agent.policy.reachability import unreachable
from agent.policy.rules import Rule, default_rule, max_rules, no_default
from agent.policy.rules_file import PlacedRule, RulesFile, Vocabulary, read_rules_file


@dataclass(frozen=True, slots=True)
class RulesRead:
    """What all the files say together."""

    rules: tuple[Rule, ...] = ()
    default: Rule = no_default
    pack: Pack = field(default_factory=Pack)
    expectations: tuple[Expectation, ...] = ()
    """Of the first file only: what an extended file expects is expected of it as it stands, without changes."""


def read_rules(documents: Sequence[Node | None], vocabulary: Vocabulary, problems: Problems) -> RulesRead:
    """Read files, each of which extends the next.

    The rules of an extending file come first, in their order. A rule or a clause with the same id as one of an extended
    file replaces it; district, policy and default are those of the first file that has them.

    Args:
        documents: The files; None for one that could not be read, with its problem noted.
        vocabulary: What the other files define.
        problems: Gets everything that is wrong.
    """
    files = [read_rules_file(node, vocabulary, problems) for node in documents if node is not None]
    if not files:
        return RulesRead()
    complete = None not in documents
    for file in files:
        _check_order(file, vocabulary, problems)
    placed: dict[str, PlacedRule] = {}
    for file in files:
        for rule in file.rules:
            placed.setdefault(rule.rule.identifier, rule)
    rules = list(placed.values())
    if len(rules) > max_rules:
        mark = rules[max_rules].mark
        problems.add(
            mark, f"more than {max_rules} rules with those of the files that are extended", "join some of them"
        )
    known = frozenset[str]().union(*(file.identifiers for file in files))
    pack = _pack(files, rules, known if complete else frozenset(), problems)
    if complete:
        _check_clauses(rules, pack, problems)
        _check_expected_rules(files[0].expectations, known | {default_rule}, problems)
    default = next((file.default for file in files if file.default is not None), no_default)
    return RulesRead(tuple(one.rule for one in rules), default, pack, files[0].expectations)


def _check_order(file: RulesFile, vocabulary: Vocabulary, problems: Problems) -> None:
    """Within one file, no rule stands behind another that takes all its traffic.

    Between files it is no mistake: to overrule is what extending is for.
    """
    if vocabulary.catalogue is None or vocabulary.segments is None:
        return
    marks = {one.rule.identifier: one.mark for one in file.rules}
    for later, earlier in unreachable([one.rule for one in file.rules], vocabulary.catalogue):
        what = (
            f"the rule {shown(later.identifier)} is never reached: all that it fits, {shown(earlier.identifier)} takes"
        )
        remedy = f"put it above line {marks[earlier.identifier].line}, or remove it"
        problems.add(marks[later.identifier], what, remedy)


def _pack(files: Sequence[RulesFile], rules: Sequence[PlacedRule], known: frozenset[str], problems: Problems) -> Pack:
    resting: dict[str, list[str]] = {}
    for one in rules:
        resting.setdefault(one.rule.clause, []).append(one.rule.identifier)
    return joined([file.pack for file in files], resting, known, problems)


def _check_clauses(rules: Sequence[PlacedRule], pack: Pack, problems: Problems) -> None:
    """Where there are clauses, a rule's clause is one of them, or words of another policy."""
    if not pack.clauses:
        return
    for one in rules:
        clause = one.rule.clause
        if clause and is_identifier(clause) and clause not in pack.clauses:
            remedy = did_you_mean(clause, pack.clauses)
            problems.add(one.clause_mark, f"clause: {shown(clause)} is not known", remedy)


def _check_expected_rules(cases: Sequence[Expectation], known: frozenset[str], problems: Problems) -> None:
    for case in cases:
        if case.rule is not None and case.rule not in known:
            problems.add(case.mark, f"rule: {shown(case.rule)} is not known", did_you_mean(case.rule, known))
