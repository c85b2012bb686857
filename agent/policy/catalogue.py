"""A name seen on the wire -> the application it belongs to, and so its category."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from agent.policy.domain_names import max_name_bytes


class Accounts(StrEnum):
    """Whose accounts an application has by default, before a board has declared anything (`account:` in the files)."""

    PERSONAL = "personal"
    """Personal online accounts: e-mail, social media, retail and the like (Conn. Gen. Stat. 31-40x)."""
    SUITE = "suite"
    """A board may provide it; unknown until the board says so."""
    NONE = "none"
    """No accounts in the sense of the law."""


class Matched(StrEnum):
    """By what a name or a protocol was found in the catalogue."""

    HOST = "host"
    SUFFIX = "suffix"
    PUBLIC_NAME = "public name"
    PROTOCOL = "protocol"


@dataclass(frozen=True, slots=True)
class Application:
    """One entry of the catalogue."""

    identifier: str
    title: str
    category: str
    accounts: Accounts


@dataclass(frozen=True, slots=True)
class Entry:
    """An application with all it is found by. Names are lower case, without the final dot."""

    application: Application
    domains: tuple[bytes, ...] = ()
    """These names and everything under them."""
    hosts: tuple[bytes, ...] = ()
    """Exactly these names."""
    public_names: tuple[bytes, ...] = ()
    """Outer names of Encrypted ClientHello (RFC 9849 section 4)."""
    protocols: tuple[str, ...] = ()
    """Protocols whose banner alone tells the application."""


@dataclass(frozen=True, slots=True)
class Match:
    """An application, and what it was found by."""

    application: Application
    matched: Matched
    key: str
    """The host, suffix, public name or protocol of the catalogue that matched."""


class Catalogue:
    """All applications, to be looked up by name. Made once, never changed."""

    __slots__ = ("_hosts", "_protocols", "_public_names", "_suffixes", "entries", "reviewed")

    def __init__(self, entries: Iterable[Entry], *, reviewed: date | None = None) -> None:
        """Index the entries. No two may share a domain, a host, a public name, a protocol or an identifier; of two
        that do, the later one is found (catalogue_file.py refuses such files).
        """
        self.entries: Mapping[str, Entry] = {entry.application.identifier: entry for entry in entries}
        """identifier -> entry"""
        self.reviewed = reviewed
        """When the file that was looked through longest ago was; None when no file says."""
        self._hosts: dict[bytes, Match] = {}
        self._suffixes: dict[bytes, Match] = {}
        self._public_names: dict[bytes, Match] = {}
        self._protocols: dict[str, Match] = {}
        for entry in self.entries.values():
            application = entry.application
            for host in entry.hosts:
                self._hosts[host] = Match(application, Matched.HOST, host.decode("ascii"))
            for domain in entry.domains:
                self._suffixes[domain] = Match(application, Matched.SUFFIX, domain.decode("ascii"))
            for name in entry.public_names:
                self._public_names[name] = Match(application, Matched.PUBLIC_NAME, name.decode("ascii"))
            for protocol in entry.protocols:
                self._protocols[protocol] = Match(application, Matched.PROTOCOL, protocol)

    def lookup(self, name: bytes | str) -> Match | None:
        """The application of a name: an exact host first, then the longest suffix of whole labels.

        Args:
            name: As seen, in any case, with or without a final dot. Text beyond ASCII is taken as its punycode.

        Returns:
            The match, or None when the name is in no catalogue or cannot be a name at all.
        """
        key = name if isinstance(name, bytes) else wire(name)
        if len(key) > max_name_bytes + 1:
            return None
        key = key.lower()
        if key.endswith(b"."):
            key = key[:-1]
        match = self._hosts.get(key)
        if match is not None:
            return match
        suffixes = self._suffixes
        while (match := suffixes.get(key)) is None:
            dot = key.find(b".")
            if dot < 0:
                return None
            key = key[dot + 1 :]
        return match

    def lookup_public_name(self, name: bytes | str) -> Match | None:
        """The application that stands for what hides behind an outer name; None when it is no known outer name."""
        key = name if isinstance(name, bytes) else wire(name)
        return self._public_names.get(key.lower().removesuffix(b"."))

    def public_name(self, name: bytes | str) -> bool:
        """True when this server_name is the outer name of an Encrypted ClientHello and says nothing of the site."""
        return self.lookup_public_name(name) is not None

    def by_protocol(self, protocol: str) -> Match | None:
        """The application that a protocol alone tells, or None."""
        return self._protocols.get(protocol)

    @property
    def protocols(self) -> frozenset[str]:
        """Protocols that tell an application."""
        return frozenset(self._protocols)


def wire(name: str) -> bytes:
    """Text as bytes of a name; b"" for what cannot be one."""
    if len(name) > max_name_bytes + 1:
        return b""
    try:
        return name.encode("ascii" if name.isascii() else "idna")
    except UnicodeError:
        return b""
