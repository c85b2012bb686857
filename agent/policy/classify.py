"""Where a flow is, and what it was called -> its class. Once for each new flow."""

from functools import lru_cache

from agent.flow import Account, Evidence, FlowClass
from agent.policy.catalogue import Accounts, Application, Catalogue, Match, Matched
from agent.policy.categories import unclassified, unknown_application
from agent.policy.segments import Segments

max_names_remembered = 65_536
"""Names, times segments and evidence, that a school uses in a day. A name is at most 255 bytes: 20 MiB at the worst."""

max_classes_interned = 16_384
"""Classes in use are thousands; more only cost a new object each, since equal classes are equal."""

_account = {
    Accounts.PERSONAL: Account.PERSONAL,
    # Until a board declares that it provides the suite, nobody knows whose account it is.
    Accounts.SUITE: Account.UNKNOWN,
    # The label has no word for "no account"; what is not declared stays unknown, and unknown is held as personal.
    Accounts.NONE: Account.UNKNOWN,
}


class Classifier:
    """Segments and catalogue, asked together. The same question always gives the same answer."""

    __slots__ = ("_accounts", "_catalogue", "_interned", "_segments", "in_segment")

    def __init__(self, catalogue: Catalogue, segments: Segments) -> None:
        self._catalogue = catalogue
        self._segments = segments
        self._interned = lru_cache(maxsize=max_classes_interned)(FlowClass)
        self.in_segment = lru_cache(maxsize=max_names_remembered)(self._classify_in_segment)
        """The class by segment, name, evidence and protocol, as `classify` has it once the segment is known."""
        self._accounts = lru_cache(maxsize=max_names_remembered)(self._account_of_name)

    def classify(
        self, *, vlan: int | None, client: bytes, name: bytes | None, evidence: Evidence, protocol: str
    ) -> FlowClass:
        """The class of a flow.

        Args:
            vlan: The outermost VLAN identifier, or None.
            client: The client's address, 4 or 16 bytes, or empty.
            name: What the flow was called, or None.
            evidence: Where the name came from.
            protocol: As FlowClass.protocol.

        Returns:
            The class. Its evidence is what the application rests on: PROTOCOL where the name was of no help and
            the protocol alone tells it; `evidence` otherwise, also when nothing was found.
        """
        return self.in_segment(self._segments.lookup(vlan, client), name, evidence, protocol)

    def account_of(self, name: bytes) -> Account:
        """Whose account a name is used with, as far as is declared; UNKNOWN for a name in no catalogue."""
        return self._accounts(name)

    def match(self, name: bytes | str | None, evidence: Evidence, protocol: str) -> Match | None:
        """What the catalogue says: by name first, then by protocol.

        An outer name of Encrypted ClientHello stands for what hides behind it, so it is looked up as such first.
        """
        found = None
        if name is not None:
            if evidence is Evidence.ECH:
                found = self._catalogue.lookup_public_name(name)
            if found is None:
                found = self._catalogue.lookup(name)
        return found if found is not None else self._catalogue.by_protocol(protocol)

    def class_of(self, segment: str, found: Match | None, evidence: Evidence, protocol: str) -> FlowClass:
        """The class that a match, or none, makes of a flow."""
        if found is None:
            return self._interned(segment, unknown_application, unclassified, protocol, evidence, Account.UNKNOWN)
        if found.matched is Matched.PROTOCOL:
            evidence = Evidence.PROTOCOL
        application = found.application
        return self._interned(
            segment, application.identifier, application.category, protocol, evidence, account_of(application)
        )

    @property
    def forgotten(self) -> int:
        """Names that had to be forgotten because max_names_remembered was met."""
        return sum(info.misses - info.currsize for info in (self.in_segment.cache_info(), self._accounts.cache_info()))

    def _account_of_name(self, name: bytes) -> Account:
        found = self._catalogue.lookup(name)
        return Account.UNKNOWN if found is None else account_of(found.application)

    def _classify_in_segment(self, segment: str, name: bytes | None, evidence: Evidence, protocol: str) -> FlowClass:
        return self.class_of(segment, self.match(name, evidence, protocol), evidence, protocol)


def account_of(application: Application) -> Account:
    """Whose account an application is used with, as long as no board has declared anything."""
    return _account[application.accounts]
