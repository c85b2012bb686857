"""The address book: DNS answers -> which name a client meant when it talks to an address.

A name is remembered first for the client that asked, then for everyone. What is written down is the name that was
asked for, not the end of its CNAME chain, since that is what the client meant (RFC 1034 section 3.6.2).
"""

from collections import Counter, OrderedDict
from typing import Final

from agent.facts import DnsMessage, DnsRecord

MAX_ENTRIES: Final = 262_144
"""For each of the two books: 5,000 devices with some 50 names each. The oldest answer makes room for the newest."""
MAX_PUBLIC_NAMES: Final = 1024
"""Outer names of Encrypted ClientHello; a provider has one or two."""
MAX_CHAIN: Final = 16
"""CNAMEs followed; resolvers stop at about as many."""
MIN_LIFE_S: Final = 300
"""An address outlives its TTL in browsers' caches and in open connections, so short TTLs are stretched to this."""
MAX_LIFE_S: Final = 86_400
"""As RFC 8767 section 5 bounds stale answers, to a day."""

_KINDS: Final = frozenset({1, 5, 28, 64, 65})
"""A, CNAME, AAAA, SVCB, HTTPS"""

_Entry = tuple[bytes, int]
"""A name, and until when it holds."""


class AddressBook:
    """Names by address. Bounded: see MAX_ENTRIES; `limits_met` counts what had to make room."""

    def __init__(self, *, max_entries: int = MAX_ENTRIES) -> None:
        self._max_entries = max_entries
        self._by_client: OrderedDict[tuple[bytes, bytes], _Entry] = OrderedDict()
        self._by_address: OrderedDict[bytes, _Entry] = OrderedDict()
        self._public_names: dict[bytes, int] = {}
        """Until when each holds."""
        self.limits_met: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._by_client)

    def learn(self, client: bytes, message: DnsMessage, now_ns: int) -> None:
        """Writes down the addresses that `message` answered `client` with."""
        if not message.response or not message.answers or not message.questions:
            return
        asked, answers = message.questions[0], message.answers
        # Resolvers write a chain in its order, so that one walk is enough.
        if not self._write(client, asked, {asked}, answers, now_ns):
            self._write(client, asked, _chain(asked, answers), answers, now_ns)

    def forget(self, now_ns: int) -> None:
        """Drops what was given longest ago, as far as its time is over: nothing is held for longer than MAX_LIFE_S.

        An answer whose time is over may wait behind an older one that still holds, and at most until that one goes. So a
        call looks at no more answers than it drops, and one; and at the few public names.
        """
        _drop_expired(self._by_client, now_ns)
        _drop_expired(self._by_address, now_ns)
        for name in [name for name, until_ns in self._public_names.items() if until_ns < now_ns]:
            del self._public_names[name]

    def look_up(self, client: bytes, address: bytes, now_ns: int) -> bytes | None:
        """The name `client` was given `address` for; else the name anyone was given it for; else None."""
        return self.look_up_own(client, address, now_ns) or _unexpired(self._by_address.get(address), now_ns)

    def look_up_own(self, client: bytes, address: bytes, now_ns: int) -> bytes | None:
        """The name `client` itself was given `address` for, or None."""
        return _unexpired(self._by_client.get((client, address)), now_ns)

    def is_public_name(self, name: bytes) -> bool:
        """Whether a DNS answer named this as an outer name of Encrypted ClientHello (RFC 9849 section 4)."""
        return name in self._public_names

    def _write(
        self, client: bytes, asked: bytes, owners: set[bytes], answers: tuple[DnsRecord, ...], now_ns: int
    ) -> bool:
        """Writes down what `answers` say of `owners`, and of what those lead to; False when one was of another name."""
        by_client, by_address = self._by_client, self._by_address
        every = True
        for name, kind, ttl_s, address, target, hints, public_name in answers:
            if name not in owners:
                every = False
                continue
            if kind not in _KINDS:
                continue
            if target and len(owners) <= MAX_CHAIN:
                owners.add(target)
            if public_name:
                self._keep_public_name(public_name, now_ns)
            life_s = MIN_LIFE_S if ttl_s < MIN_LIFE_S else min(ttl_s, MAX_LIFE_S)
            entry = (asked, now_ns + life_s * 1_000_000_000)
            for given in hints or (address,):
                if given:
                    key = (client, given)
                    by_client[key] = by_address[given] = entry
                    by_client.move_to_end(key)
                    by_address.move_to_end(given)
        self._make_room(by_client)
        self._make_room(by_address)
        return every

    def _make_room(self, book: "OrderedDict[bytes, _Entry] | OrderedDict[tuple[bytes, bytes], _Entry]") -> None:
        while len(book) > self._max_entries:
            book.popitem(last=False)
            self.limits_met["book_entries"] += 1

    def _keep_public_name(self, name: bytes, now_ns: int) -> None:
        if name not in self._public_names and len(self._public_names) >= MAX_PUBLIC_NAMES:
            self.limits_met["book_public_names"] += 1
            return
        self._public_names[name] = now_ns + MAX_LIFE_S * 1_000_000_000


def _drop_expired(book: "OrderedDict[bytes, _Entry] | OrderedDict[tuple[bytes, bytes], _Entry]", now_ns: int) -> None:
    """Drops entries from the oldest on, up to the first that still holds."""
    while book and next(iter(book.values()))[1] < now_ns:
        book.popitem(last=False)


def _unexpired(entry: _Entry | None, now_ns: int) -> bytes | None:
    """The name of an entry of either book, unless its time is over."""
    return entry[0] if entry is not None and entry[1] >= now_ns else None


def _chain(asked: bytes, answers: tuple[DnsRecord, ...]) -> set[bytes]:
    """`asked`, and the names its CNAMEs and HTTPS targets lead to."""
    owners = {asked}
    aliases = [record for record in answers if record.target]
    for _ in range(min(MAX_CHAIN, len(aliases))):
        known = len(owners)
        owners.update([record.target for record in aliases if record.name in owners])
        if len(owners) == known:
            break
    return owners
