"""The services a board has declared as its own -> whose account a flow is used with, and what is held closed.

The law's definition of a personal online account (used exclusively for personal purposes; Conn. Gen. Stat. 31-40x)
cannot be seen from a tap. So the board says what it provides, and what is not declared is held as personal.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Self

from agent.flow import Account
from agent.policy.catalogue import Accounts, Application, Entry
from agent.policy.problems import Mark
from agent.policy.segments import Prefix

_undeclared = {
    Accounts.PERSONAL: Account.PERSONAL,
    # Until a board declares that it provides the suite, nobody knows whose account it is.
    Accounts.SUITE: Account.UNKNOWN,
    # The label has no word for "no account".
    Accounts.NONE: Account.UNKNOWN,
}


# Two are the same only if they are one: classes are remembered by it, and comparing thousands of names would take long.
@dataclass(frozen=True, slots=True, eq=False)
class BoardService:
    """One thing that the board provides, and its decision to say so."""

    service: str
    decided: str
    """By whom and when, such as "Board of Education, 2026-08-18"."""
    until: date | None
    """The last day on which the decision holds; None when it has no end."""
    mark: Mark
    """Where it stands, for those who ask."""
    applications: frozenset[str] = frozenset()
    domains: tuple[bytes, ...] = ()
    """These names and everything under them."""
    hosts: tuple[bytes, ...] = ()
    """Exactly these names."""
    prefixes: tuple[Prefix, ...] = ()
    """Addresses of servers."""


class BoardServices:
    """All declarations of a site. Made once, never changed."""

    __slots__ = ("_applications", "_domains", "_hosts", "_prefixes", "declared", "lapsed", "unknown_names_open")

    def __init__(
        self, declared: Iterable[BoardService] = (), *, today: date | None = None, unknown_names_open: bool = False
    ) -> None:
        """Args:
        declared: The declarations. Of two that claim the same, the first is named.
        today: Those that ended before this day do not hold; None looks at no end.
        unknown_names_open: Names in no catalogue are not held as personal.
        """
        every = tuple(declared)
        self.lapsed = tuple(one for one in every if today is not None and one.until is not None and one.until < today)
        self.declared = tuple(one for one in every if one not in self.lapsed)
        self.unknown_names_open = unknown_names_open
        self._applications: dict[str, BoardService] = {}
        self._domains: dict[bytes, BoardService] = {}
        self._hosts: dict[bytes, BoardService] = {}
        self._prefixes: dict[tuple[int, int], dict[int, BoardService]] = {}
        for one in self.declared:
            for application in one.applications:
                self._applications.setdefault(application, one)
            for domain in one.domains:
                self._domains.setdefault(domain, one)
            for host in one.hosts:
                self._hosts.setdefault(host, one)
            for prefix in one.prefixes:
                shift = prefix.max_prefixlen - prefix.prefixlen
                networks = self._prefixes.setdefault((prefix.max_prefixlen // 8, shift), {})
                networks.setdefault(int(prefix.network_address) >> shift, one)

    def as_of(self, today: date) -> Self:
        """The declarations that still hold on a day, these themselves where that is all of them; none holds again."""
        if not any(one.until is not None and one.until < today for one in self.declared):
            return self
        return type(self)((*self.lapsed, *self.declared), today=today, unknown_names_open=self.unknown_names_open)

    def at_address(self, server: bytes) -> BoardService | None:
        """The service that a server belongs to by its address: 4 or 16 bytes; anything else belongs to none."""
        for (length, shift), networks in self._prefixes.items():
            if length == len(server) and (found := networks.get(int.from_bytes(server) >> shift)) is not None:
                return found
        return None

    def by_name(self, name: bytes) -> BoardService | None:
        """The service that a name belongs to by itself: a declared host, or under a declared domain."""
        if not (self._hosts or self._domains):
            return None
        key = name.lower().removesuffix(b".")
        found = self._hosts.get(key)
        while found is None and key:
            found = self._domains.get(key)
            key = key.partition(b".")[2]
        return found

    def by_application(self, application: str) -> BoardService | None:
        """The service that a whole application belongs to."""
        return self._applications.get(application)

    def account(self, application: Application | None, service: BoardService | None) -> Account:
        """Whose account it is.

        Args:
            application: What the catalogue found, or None.
            service: What `at_address` or `by_name` found, or None.
        """
        if service is not None or (application is not None and self.by_application(application.identifier)):
            return Account.BOARD
        return self.undeclared(application)

    def undeclared(self, application: Application | None) -> Account:
        """Whose account it is when nothing is declared of it."""
        return Account.UNKNOWN if application is None else _undeclared[application.accounts]

    def holds_closed(self, application: Application | None, service: BoardService | None) -> bool:
        """True when what is neither declared nor without accounts is to be held closed: see `Policy.holds_closed`."""
        if self.account(application, service) is Account.BOARD:
            return False
        if application is None:
            return not self.unknown_names_open
        return application.accounts is not Accounts.NONE

    def possible(self, entry: Entry | None) -> frozenset[Account]:
        """Every account that a flow of an application, or of none, can be found to have."""
        application = None if entry is None else entry.application
        usual = self.account(application, None)
        if self._prefixes or self._claims_a_name_of(entry):
            return frozenset({usual, Account.BOARD})
        return frozenset({usual})

    def _claims_a_name_of(self, entry: Entry | None) -> bool:
        claimed = [*self._hosts, *self._domains]
        if entry is None or entry.protocols:  # a protocol may be met at any name
            return bool(claimed)
        names = [*entry.domains, *entry.hosts, *entry.public_names]
        return any(_within(one, name) or _within(name, one) for one in claimed for name in names)


def _within(name: bytes, domain: bytes) -> bool:
    return name == domain or name.endswith(b"." + domain)
