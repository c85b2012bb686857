"""Names that DNS gave addresses for -> the addresses that serve personal online accounts and nothing else.

The gate holds these closed: there only a ClientHello is read (Conn. Gen. Stat. 31-40x). An address that was also given
for any other name is shared, and stays shared under the same policy.
"""

from collections import Counter, OrderedDict
from typing import Final

MAX_ADDRESSES: Final = 65_536
"""As many as the gate's own table (gate_native.c: MAX_PERSONAL); the oldest makes room."""


class PersonalAddresses:
    """Which addresses are held closed. Bounded: see MAX_ADDRESSES."""

    def __init__(self, *, max_addresses: int = MAX_ADDRESSES) -> None:
        self._max_addresses = max_addresses
        self._only_personal: OrderedDict[bytes, bool] = OrderedDict()
        self.limits_met: Counter[str] = Counter()

    def learn(self, address: bytes, *, personal: bool) -> tuple[bytes | None, bytes | None]:
        """Notes that `address` was given for a name whose accounts are, or are not, personal.

        Returns:
            (an address to hold closed from now on, an address to hold closed no longer); either may be None.
        """
        known = self._only_personal.get(address)
        if known == personal or (known is False and personal):
            return None, None
        self._only_personal[address] = personal
        dropped = None
        if len(self._only_personal) > self._max_addresses:
            self.limits_met["personal_addresses"] += 1
            oldest, was_personal = self._only_personal.popitem(last=False)
            dropped = oldest if was_personal else None
        if personal:
            return address, dropped
        return None, address if known else dropped

    def judge_anew(self) -> None:
        """Forgets what is open: under another policy its names may be personal, and the next answers will tell."""
        for address in [address for address, personal in self._only_personal.items() if not personal]:
            del self._only_personal[address]
