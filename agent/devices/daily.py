"""The district's secret and a day -> the day's key, and a device's hash under it: another one for each count and day.

All agents of a district share the secret, so they make the same hash of the same device, and a sketch counts it once.
Without the secret a hash says nothing. With it, whoever has an address can make that address's hash; docs/devices.md
says what follows from that.
"""

import hmac
from hashlib import blake2b, sha256
from typing import Final

from agent.snapshot import DeviceScope

MIN_SECRET_BYTES: Final = 32
"""As many as the day's key has: a shorter secret would be the easier thing to guess."""

HASH_BYTES: Final = 8
"""The sketch's own hash has 64 bits, so more would be lost there. Two of 5,000 devices collide once in 10^12 days."""

_MARK_BYTES: Final = 4
_KEY_OF_DAY: Final = b"hallwatch devices 1: the key of "
_MARK: Final = b"hallwatch devices 1: the mark of the district"


def day_key(secret: bytes, day: str) -> bytes:
    """32 bytes: HMAC-SHA256 (RFC 2104) of the day, such as "2026-11-22", under the secret."""
    return hmac.digest(secret, _KEY_OF_DAY + day.encode(), sha256)


def mark_of(secret: bytes) -> str:
    """Eight hexadecimal digits that stand for the secret in the names of sketches.

    Agents with different secrets (two districts at one store, or one secret that was mistyped) therefore never add to
    the same sketch: their hashes of one device differ, and would count it twice.
    """
    return hmac.digest(secret, _MARK, sha256)[:_MARK_BYTES].hex()


def hash_of(key: bytes, scope: DeviceScope, client: bytes) -> bytes:
    """A device's hash for one count. Those for two counts cannot be told to be one device's without the key.

    Args:
        key: of the day.
        scope: which count.
        client: the device's address, 4 or 16 bytes.
    """
    place = f"{scope.segment}\0{scope.category}\0".encode()
    return blake2b(place + client, key=key, digest_size=HASH_BYTES).digest()
