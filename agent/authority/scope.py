"""Authorisations, a flow and a time -> the authorisation that covers the flow, or None."""

from collections.abc import Iterable
from itertools import chain

from agent.authority.authorisation import Authorisation, Device


class Scopes:
    """The authorisations that there are, to be asked about every flow. Made once, never changed."""

    __slots__ = ("_by_client", "_by_segment")

    def __init__(self, authorisations: Iterable[Authorisation]) -> None:
        self._by_client: dict[bytes, list[Authorisation]] = {}
        self._by_segment: dict[str, list[Authorisation]] = {}
        # What tells least comes first: where several cover a flow, it is recorded once, and without its names if that
        # is enough for one of them.
        for authorisation in sorted(authorisations, key=lambda one: (one.names, one.identifier)):
            if isinstance(authorisation.scope, Device):
                self._by_client.setdefault(authorisation.scope.address.packed, []).append(authorisation)
            else:
                self._by_segment.setdefault(authorisation.scope.segment, []).append(authorisation)

    def __bool__(self) -> bool:
        return bool(self._by_client or self._by_segment)

    def covering(self, *, client: bytes, segment: str, started_ns: int, now_ns: int) -> Authorisation | None:
        """The authorisation under which a flow may be recorded, for its device first and then for its segment.

        Args:
            client: The address that opened the flow, 4 or 16 bytes.
            segment: The flow's segment.
            started_ns: When its first packet was seen, in nanoseconds since the epoch.
            now_ns: The same for now, when it has ended.

        The whole flow must lie inside the time of the authorisation: what began before it or ends after it would tell
        of a time that nobody approved.
        """
        for authorisation in chain(self._by_client.get(client, ()), self._by_segment.get(segment, ())):
            if authorisation.from_ns <= started_ns <= now_ns < authorisation.until_ns:
                return authorisation
        return None
