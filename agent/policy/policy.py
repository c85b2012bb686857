"""A directory of rules -> the Policy: one frozen value that names, classifies and judges."""

from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

from agent.flow import Account, Evidence, FlowClass
from agent.policy.bounds import worst_case_series
from agent.policy.catalogue import Catalogue
from agent.policy.catalogue_file import read_catalogue
from agent.policy.classify import Classifier
from agent.policy.problems import Problems
from agent.policy.rule_files import RuleFiles, read_rule_files
from agent.policy.rules import Rule, Rulebook, no_default
from agent.policy.rules_file import Vocabulary, read_rules
from agent.policy.schedules import Calendar, Schedules
from agent.policy.schedules_file import read_schedules
from agent.policy.segments import Segments
from agent.policy.segments_file import read_segments
from agent.verdict import Decision


@dataclass(frozen=True, slots=True)
class Policy:
    """Who, what, when, and what follows. A reload makes a new one; nothing in one ever changes."""

    catalogue: Catalogue
    segments: Segments
    schedules: Schedules
    rulebook: Rulebook
    classifier: Classifier

    def classify(
        self, *, vlan: int | None, client: bytes, name: bytes | None, evidence: Evidence, protocol: str
    ) -> FlowClass:
        """The class of a flow; see Classifier.classify."""
        return self.classifier.in_segment(self.segments.lookup(vlan, client), name, evidence, protocol)

    def decide(self, flow_class: FlowClass, now_ns: int) -> Decision:
        """What the rules say of a class at a time, and why; see Rulebook.decide."""
        return self.rulebook.decide(flow_class, now_ns)

    def account_of(self, name: bytes) -> Account:
        """Whose account a name is used with, as far as is declared; UNKNOWN for a name in no catalogue."""
        return self.classifier.account_of(name)

    def is_public_name(self, name: bytes) -> bool:
        """True when the catalogue has this name as the outer one of Encrypted ClientHello."""
        return self.catalogue.public_name(name)

    def is_known_protocol(self, protocol: str) -> bool:
        """True when this protocol alone tells an application."""
        return self.catalogue.by_protocol(protocol) is not None

    def worst_case_series(self) -> int:
        """The most label sets that a metric can have under this policy; see bounds.py. Takes a while: for `check`."""
        return worst_case_series(self.catalogue, self.segments, self.rulebook)

    def limits(self) -> dict[str, int]:
        """How often each named limit was met, for Snapshot.limits."""
        return {
            "policy_names_remembered": self.classifier.forgotten,
            "policy_decisions_remembered": self.rulebook.forgotten,
        }


def load(directory: Path) -> Policy:
    """Read the rules below a directory.

    Args:
        directory: Holds catalogue/*.yaml, segments.yaml, schedules.yaml and rules.yaml.

    Returns:
        The policy.

    Raises:
        RulesError: With every problem of every file.
    """
    problems = Problems()
    policy = _build(read_rule_files(directory, problems), problems)
    problems.raise_if_any()
    return policy


def _build(files: RuleFiles, problems: Problems) -> Policy:
    # What could not be read has its problem noted. Rules that refer to it are still checked for all else, without
    # a second problem for each word that the unread file would have explained.
    catalogue = read_catalogue([node for node in files.catalogue if node is not None], problems)
    segments = Segments(()) if files.segments is None else read_segments(files.segments, problems)
    schedules = Schedules((), Calendar(UTC)) if files.schedules is None else read_schedules(files.schedules, problems)
    rules: tuple[Rule, ...] = ()
    default = no_default
    if files.rules is not None:
        vocabulary = Vocabulary(
            catalogue if files.catalogue and None not in files.catalogue else None,
            segments if files.segments is not None else None,
            schedules if files.schedules is not None else None,
        )
        rules, default = read_rules(files.rules, vocabulary, problems)
    rulebook = Rulebook(rules, default, schedules)
    return Policy(catalogue, segments, schedules, rulebook, Classifier(catalogue, segments))
