"""A name or an application, as a person asks for it -> how a flow of it is mostly met, and so its class."""

from dataclasses import dataclass

from agent.flow import Evidence, FlowClass
from agent.policy.accounts import BoardService
from agent.policy.catalogue import Catalogue, Entry, Match, Matched
from agent.policy.classify import Classifier


@dataclass(frozen=True, slots=True)
class Typical:
    """A flow that stands for all that a name or an application is met in."""

    found: Match | None
    """What the catalogue says of it."""
    evidence: Evidence
    protocol: str
    service: BoardService | None
    """The board's service that it belongs to by its name."""
    by_identifier: bool
    """It was asked for as an application."""

    def class_in(self, segment: str, classifier: Classifier) -> FlowClass:
        """The class of such a flow in a segment."""
        return classifier.class_of(segment, self.found, self.evidence, self.protocol, self.service)


def typical(asked: str, catalogue: Catalogue, classifier: Classifier) -> Typical:
    """How something is mostly met.

    Args:
        asked: An identifier of the catalogue such as "youtube", or a host name as a browser would ask for it, which is
            taken as seen in a TLS ClientHello. Anything at all may be asked for.
        catalogue: Tells which of the two it is.
        classifier: Names and classifies.
    """
    entry = catalogue.entries.get(asked)
    if entry is not None:
        found, evidence, protocol = _of_entry(entry)
        name = found.key if found.matched in {Matched.SUFFIX, Matched.HOST} else None
        return Typical(found, evidence, protocol, classifier.service_of(name, evidence), by_identifier=True)
    evidence, protocol = Evidence.ECH if catalogue.public_name(asked) else Evidence.SNI, "tls"
    found_by_name = classifier.match(asked, evidence, protocol)
    return Typical(found_by_name, evidence, protocol, classifier.service_of(asked, evidence), by_identifier=False)


def _of_entry(entry: Entry) -> tuple[Match, Evidence, str]:
    """The match that an application is mostly found by, and the evidence and protocol that come with it."""
    if entry.domains:
        return Match(entry.application, Matched.SUFFIX, entry.domains[0].decode("ascii")), Evidence.SNI, "tls"
    if entry.hosts:
        return Match(entry.application, Matched.HOST, entry.hosts[0].decode("ascii")), Evidence.SNI, "tls"
    if entry.public_names:
        return Match(entry.application, Matched.PUBLIC_NAME, entry.public_names[0].decode("ascii")), Evidence.ECH, "tls"
    protocol = entry.protocols[0]
    return Match(entry.application, Matched.PROTOCOL, protocol), Evidence.PROTOCOL, protocol
