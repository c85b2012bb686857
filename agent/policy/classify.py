"""Where a flow is, and what it was called -> its class. Once for each new flow."""

from functools import lru_cache

from agent.flow import Evidence, FlowClass
from agent.policy.accounts import BoardService, BoardServices
from agent.policy.catalogue import Catalogue, Match, Matched, wire
from agent.policy.categories import unclassified, unknown_application
from agent.policy.segments import Segments

max_names_remembered = 65_536
"""Names, times segments and evidence, that a school uses in a day. A name is at most 255 bytes: 20 MiB at the worst."""

max_classes_interned = 16_384
"""Classes in use are thousands; more only cost a new object each, since equal classes are equal."""


class Classifier:
    """Segments, catalogue and declarations, asked together. The same question always gives the same answer."""

    __slots__ = ("_catalogue", "_forgotten", "_interned", "_segments", "_services", "closed", "in_segment")

    def __init__(self, catalogue: Catalogue, segments: Segments, services: BoardServices) -> None:
        self._catalogue = catalogue
        self._segments = segments
        self._services = services
        self._forgotten = 0
        self._interned = lru_cache(maxsize=max_classes_interned)(FlowClass)
        self.in_segment = lru_cache(maxsize=max_names_remembered)(self._classify_in_segment)
        """The class by segment, name, evidence, protocol and the board's service at the server's address, as `classify`
        has it once the segment is known."""
        self.closed = lru_cache(maxsize=max_names_remembered)(self._is_name_closed)
        """Whether a name is held closed, by the name and the board's service at the address that was given for it."""

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
        """The class of a flow.

        Args:
            vlan: The outermost VLAN identifier, or None.
            client: The client's address, 4 or 16 bytes, or empty.
            name: What the flow was called, or None.
            evidence: Where the name came from.
            protocol: As FlowClass.protocol.
            server: The server's address, 4 or 16 bytes, or empty: a board may have declared its own.

        Returns:
            The class. Its evidence is what the application rests on: PROTOCOL where the name was of no help and
            the protocol alone tells it; `evidence` otherwise, also when nothing was found.
        """
        # Only whose the address is becomes part of what is remembered, or each address would be.
        owner = self._services.at_address(server)
        return self.in_segment(self._segments.lookup(vlan, client), name, evidence, protocol, owner)

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

    def service_of(self, name: bytes | str | None, evidence: Evidence) -> BoardService | None:
        """The board's service that a name is of, by itself. An outer name says nothing of what hides behind it."""
        if name is None or evidence is Evidence.ECH:
            return None
        return self._services.by_name(wire(name) if isinstance(name, str) else name)

    def class_of(
        self,
        segment: str,
        found: Match | None,
        evidence: Evidence,
        protocol: str,
        service: BoardService | None = None,
    ) -> FlowClass:
        """The class that a match, or none, makes of a flow, and a service that the board has declared, or none."""
        application = None if found is None else found.application
        account = self._services.account(application, service)
        if found is None or application is None:
            return self._interned(segment, unknown_application, unclassified, protocol, evidence, account)
        if found.matched is Matched.PROTOCOL:
            evidence = Evidence.PROTOCOL
        return self._interned(segment, application.identifier, application.category, protocol, evidence, account)

    @property
    def forgotten(self) -> int:
        """Names that had to be forgotten because max_names_remembered was met."""
        caches = (self.in_segment.cache_info(), self.closed.cache_info())
        return self._forgotten + sum(info.misses - info.currsize for info in caches)

    def forget_names(self) -> None:
        """Drops the names that are remembered. They are looked up again when they are met again."""
        self._forgotten = self.forgotten
        self.in_segment.cache_clear()
        self.closed.cache_clear()

    def _is_name_closed(self, name: bytes, owner: BoardService | None) -> bool:
        found = self._catalogue.lookup(name)
        service = owner if owner is not None else self._services.by_name(name)
        return self._services.holds_closed(None if found is None else found.application, service)

    def _classify_in_segment(
        self, segment: str, name: bytes | None, evidence: Evidence, protocol: str, owner: BoardService | None
    ) -> FlowClass:
        service = owner if owner is not None else self.service_of(name, evidence)
        return self.class_of(segment, self.match(name, evidence, protocol), evidence, protocol, service)
