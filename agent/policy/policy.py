"""A directory of rules -> the Policy: one frozen value that names, classifies and judges."""

from dataclasses import dataclass, replace
from datetime import UTC, tzinfo
from itertools import product
from pathlib import Path
from typing import Self

from agent.flow import Evidence, FlowClass
from agent.policy.accounts import BoardServices
from agent.policy.accounts_file import read_accounts
from agent.policy.bounds import WorstCase, worst_case
from agent.policy.catalogue import Catalogue
from agent.policy.catalogue_file import read_catalogue
from agent.policy.categories import unclassified
from agent.policy.classify import Classifier
from agent.policy.expectations import check_expectations
from agent.policy.extending import read_rules
from agent.policy.pack import Pack
from agent.policy.problems import Problems
from agent.policy.rule_files import RuleFiles, read_rule_files
from agent.policy.rules import Rulebook
from agent.policy.rules_file import Vocabulary
from agent.policy.schedules import Calendar, Schedules
from agent.policy.schedules_file import read_schedules
from agent.policy.segments import Segments, unknown_segment
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
    services: BoardServices
    """What the board has declared that it provides."""
    pack: Pack
    """The written policy, clause by clause, as far as the rule files tell it."""

    def classify(
        self,
        *,
        vlan: int | None,
        client: bytes,
        name: bytes | None,
        evidence: Evidence,
        protocol: str,
        server: bytes = b"",
    ) -> FlowClass:
        """The class of a flow; see Classifier.classify."""
        owner = self.services.at_address(server)
        return self.classifier.in_segment(self.segments.lookup(vlan, client), name, evidence, protocol, owner)

    def decide(self, flow_class: FlowClass, now_ns: int) -> Decision:
        """What the rules say of a class at a time, and why; see Rulebook.decide."""
        return self.rulebook.decide(flow_class, now_ns)

    def holds_closed(self, name: bytes, server: bytes = b"") -> bool:
        """True when what is met under a name is to be held closed: its ClientHello is read, and nothing else of it.

        Personal online accounts are, and so is what nobody has declared: a suite that a board may provide, and names in
        no catalogue unless accounts.yaml says otherwise. What the board has declared is not, nor what has no accounts.

        Args:
            name: As DNS was asked for it.
            server: An address that was given for it, or empty. The board's own addresses are never held closed.
        """
        return self.classifier.closed(name, self.services.at_address(server))

    def as_of(self, now_ns: int) -> Self:
        """The policy once what a board declared until an earlier day holds no more; this one itself until then."""
        services = self.services.as_of(self.schedules.local(now_ns).date())
        if services is self.services:
            return self
        return replace(self, services=services, classifier=Classifier(self.catalogue, self.segments, services))

    @property
    def zone(self) -> tzinfo:
        """Where the clock on the wall hangs: days begin at its midnight."""
        return self.schedules.calendar.zone

    @property
    def has_allowances(self) -> bool:
        """True when incidental use has an end under any of the rules."""
        return self.rulebook.has_allowances

    def is_public_name(self, name: bytes) -> bool:
        """True when the catalogue has this name as the outer one of Encrypted ClientHello."""
        return self.catalogue.public_name(name)

    def is_site(self, name: bytes) -> bool:
        """True when the catalogue or the board's declarations tell whose site this name is."""
        return self.catalogue.lookup(name) is not None or self.services.by_name(name) is not None

    def is_known_protocol(self, protocol: str) -> bool:
        """True when this protocol alone tells an application."""
        return self.catalogue.by_protocol(protocol) is not None

    def is_device(self, segment: str, client: bytes) -> bool:
        """Whether a client is a device inside a segment; see Segments.is_device."""
        return self.segments.is_device(segment, client)

    def cells(self) -> frozenset[tuple[str, str]]:
        """Every segment and category that a device inside the district can be counted under."""
        categories = {entry.application.category for entry in self.catalogue.entries.values()} | {unclassified}
        return frozenset(product(self.segments.by_identifier.keys() - {unknown_segment}, categories))

    def worst_case(self) -> WorstCase:
        """The most label sets that metrics can have under this policy; see bounds.py. Takes a while: for `check`."""
        return worst_case(self.catalogue, self.segments, self.services, self.rulebook)

    def forget_names(self) -> None:
        """Drops the names that are remembered to be quick; see Classifier.forget_names."""
        self.classifier.forget_names()

    def limits(self) -> dict[str, int]:
        """How often each named limit was met, for Snapshot.limits."""
        return {
            "policy_names_remembered": self.classifier.forgotten,
            "policy_decisions_remembered": self.rulebook.forgotten,
        }


def load(directory: Path, *, district: str | None = None, now_ns: int | None = None) -> Policy:
    """Read the rules below a directory.

    Args:
        directory: Holds catalogue/*.yaml, segments.yaml, schedules.yaml, rules.yaml, and accounts.yaml or not.
        district: The pack in districts/ to be used in place of rules.yaml.
        now_ns: When, in nanoseconds since the epoch: what a board declared until an earlier day does not hold. Without
            it no such day is looked at.

    Returns:
        The policy.

    Raises:
        RulesError: With every problem of every file.
    """
    problems = Problems()
    policy = _build(read_rule_files(directory, problems, district=district), now_ns, problems)
    problems.raise_if_any()
    return policy


def _build(files: RuleFiles, now_ns: int | None, problems: Problems) -> Policy:
    # What could not be read has its problem noted. Rules that refer to it are still checked for all else, without
    # a second problem for each word that the unread file would have explained.
    catalogue = read_catalogue([node for node in files.catalogue if node is not None], problems)
    segments = Segments(()) if files.segments is None else read_segments(files.segments, problems)
    schedules = Schedules((), Calendar(UTC)) if files.schedules is None else read_schedules(files.schedules, problems)
    vocabulary = Vocabulary(
        catalogue if files.catalogue and None not in files.catalogue else None,
        segments if files.segments is not None else None,
        schedules if files.schedules is not None else None,
    )
    services = BoardServices()
    if files.accounts is not None:
        today = None if now_ns is None else schedules.local(now_ns).date()
        services = read_accounts(files.accounts, vocabulary.catalogue, problems, today=today)
    read = read_rules(files.rules, vocabulary, problems)
    rulebook = Rulebook(read.rules, read.default, schedules)
    classifier = Classifier(catalogue, segments, services)
    # Only of rules that are right as far as they go can it be said what they would give.
    if not problems:
        check_expectations(read.expectations, catalogue, classifier, rulebook, schedules, problems)
    return Policy(catalogue, segments, schedules, rulebook, classifier, services, read.pack)
