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

_ADDRESSES: Final = (1, 28)
_SERVICES: Final = (64, 65)
"""SVCB, HTTPS"""


class AddressBook:
    """Names by address. Bounded: see MAX_ENTRIES; `limits_met` counts what had to make room."""

    def __init__(self, *, max_entries: int = MAX_ENTRIES) -> None:
        self._max_entries = max_entries
        self._by_client: OrderedDict[tuple[bytes, bytes], tuple[bytes, int]] = OrderedDict()
        self._by_address: OrderedDict[bytes, tuple[bytes, int]] = OrderedDict()
        self._public_names: dict[bytes, None] = {}
        self.limits_met: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._by_client)

    def learn(self, client: bytes, message: DnsMessage, now_ns: int) -> None:
        """Writes down the addresses that `message` answered `client` with."""
        if not message.response or not message.answers or not message.questions:
            return
        asked = message.questions[0]
        owners = _chain(asked, message.answers)
        for name, kind, ttl_s, address, _target, hints, public_name in message.answers:
            if name not in owners:
                continue
            life_s = MIN_LIFE_S if ttl_s < MIN_LIFE_S else min(ttl_s, MAX_LIFE_S)
            until_ns = now_ns + life_s * 1_000_000_000
            if kind in _ADDRESSES:
                self._write(client, address, asked, until_ns)
            elif kind in _SERVICES:
                for hint in hints:
                    self._write(client, hint, asked, until_ns)
                if public_name:
                    self._keep_public_name(public_name)

    def look_up(self, client: bytes, address: bytes, now_ns: int) -> bytes | None:
        """The name `client` was given `address` for; else the name anyone was given it for; else None."""
        return self.look_up_own(client, address, now_ns) or _unexpired(self._by_address.get(address), now_ns)

    def look_up_own(self, client: bytes, address: bytes, now_ns: int) -> bytes | None:
        """The name `client` itself was given `address` for, or None."""
        return _unexpired(self._by_client.get((client, address)), now_ns)

    def is_public_name(self, name: bytes) -> bool:
        """Whether a DNS answer named this as an outer name of Encrypted ClientHello (RFC 9849 section 4)."""
        return name in self._public_names

    def _write(self, client: bytes, address: bytes, name: bytes, until_ns: int) -> None:
        if not address:
            return
        by_client, by_address, key = self._by_client, self._by_address, (client, address)
        by_client[key] = by_address[address] = (name, until_ns)
        by_client.move_to_end(key)
        by_address.move_to_end(address)
        if len(by_client) > self._max_entries:
            by_client.popitem(last=False)
            self.limits_met["book_entries"] += 1
        if len(by_address) > self._max_entries:
            by_address.popitem(last=False)
            self.limits_met["book_entries"] += 1

    def _keep_public_name(self, name: bytes) -> None:
        if name in self._public_names:
            return
        if len(self._public_names) >= MAX_PUBLIC_NAMES:
            self.limits_met["book_public_names"] += 1
            return
        self._public_names[name] = None


def _unexpired(entry: tuple[bytes, int] | None, now_ns: int) -> bytes | None:
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
