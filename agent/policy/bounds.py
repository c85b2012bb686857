"""The rules -> every label set that they admit, and how many that makes for each set of labels."""

from collections.abc import Iterator
from dataclasses import dataclass

from agent.flow import Evidence, FlowClass
from agent.policy.accounts import BoardServices
from agent.policy.catalogue import Catalogue, Entry
from agent.policy.categories import unclassified, unknown_application
from agent.policy.rules import Rulebook
from agent.policy.segments import Segments, unknown_segment
from agent.verdict import Verdict

_by_name = (Evidence.SNI, Evidence.QUIC, Evidence.HOST, Evidence.DNS, Evidence.ECH, Evidence.ADDRESS)


@dataclass(frozen=True, slots=True)
class WorstCase:
    """How many label sets there can be, whatever the traffic and the time. What is exported is only what has occurred."""

    flows: int
    """segment, category, application, verdict, account, evidence"""
    traffic: int
    """segment, category, application, verdict, account"""
    matches: int
    """rule, verdict"""
    rules: int
    """rule; the default is one"""
    categories: int
    """category, "unclassified" among them"""
    cells: int
    """segment, category: of use that has an allowance"""
    segments: int
    """segment, without the unknown one: of devices, with any category"""


def worst_case(catalogue: Catalogue, segments: Segments, services: BoardServices, rulebook: Rulebook) -> WorstCase:
    """Counts what `label_sets` has. It takes a while: for `hallwatch check`."""
    flows = 0
    traffic: set[tuple[str, str, str, Verdict, str]] = set()
    cells: set[tuple[str, str]] = set()
    rules = (*rulebook.rules, rulebook.default)
    has_allowance = any(rule.allowance for rule in rules)
    for seen, verdict in label_sets(catalogue, segments, services, rulebook):
        flows += 1
        traffic.add((seen.segment, seen.category, seen.application, verdict, seen.account))
        if has_allowance and verdict is Verdict.INCIDENTAL:
            cells.add((seen.segment, seen.category))
    return WorstCase(
        flows=flows,
        traffic=len(traffic),
        matches=len(rules) + sum(1 for rule in rules if rule.allowance),  # what is beyond one is for review
        rules=len(rules),
        categories=len({entry.application.category for entry in catalogue.entries.values()} | {unclassified}),
        cells=len(cells),
        segments=len(segments.by_identifier.keys() - {unknown_segment}),
    )


def label_sets(
    catalogue: Catalogue, segments: Segments, services: BoardServices, rulebook: Rulebook
) -> Iterator[tuple[FlowClass, Verdict]]:
    """For each segment, application and the evidence that can lead to it, the verdicts that it can get; protocol is no
    label, and empty here. None comes twice.
    """
    for segment in segments.by_identifier:
        for flow_class in _classes(segment, catalogue, services):
            for verdict in rulebook.possible_verdicts(flow_class):
                yield flow_class, verdict


def _classes(segment: str, catalogue: Catalogue, services: BoardServices) -> Iterator[FlowClass]:
    for account in services.possible(None):
        for evidence in Evidence:
            yield FlowClass(segment, unknown_application, unclassified, "", evidence, account)
    for entry in catalogue.entries.values():
        application = entry.application
        for account in services.possible(entry):
            for evidence in _evidence(entry):
                yield FlowClass(segment, application.identifier, application.category, "", evidence, account)


def _evidence(entry: Entry) -> Iterator[Evidence]:
    if entry.domains or entry.hosts:
        yield from _by_name
    elif entry.public_names:
        yield Evidence.ECH
    if entry.protocols:
        yield Evidence.PROTOCOL
