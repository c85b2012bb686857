"""The rules -> how many label sets (segment, category, application, verdict, account, evidence) a metric can have."""

from collections.abc import Iterator

from agent.flow import Evidence, FlowClass
from agent.policy.accounts import BoardServices
from agent.policy.catalogue import Catalogue, Entry
from agent.policy.categories import unclassified, unknown_application
from agent.policy.rules import Rulebook
from agent.policy.segments import Segments

_by_name = (Evidence.SNI, Evidence.QUIC, Evidence.HOST, Evidence.DNS, Evidence.ECH, Evidence.ADDRESS)


def worst_case_series(catalogue: Catalogue, segments: Segments, services: BoardServices, rulebook: Rulebook) -> int:
    """How many label sets the rules admit, whatever the traffic and the time.

    Counted for each segment, application and the evidence that can lead to it: the verdicts that it can get.
    `hallwatch check` prints it; what is exported is only what has occurred.
    """
    total = 0
    for segment in segments.by_identifier:
        for flow_class in _classes(segment, catalogue, services):
            total += len(rulebook.possible_verdicts(flow_class))
    return total


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
