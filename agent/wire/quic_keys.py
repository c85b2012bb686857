"""A QUIC version and a connection ID -> the keys that open the client's Initial packets.

These keys hide nothing from anyone on the path: their salts are published so that every device can derive them
(RFC 9001 section 5.2). They open the ClientHello and no more.
"""

from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

V1 = 0x00000001
V2 = 0x6B3343CF
Q050 = 0x51303530
T050 = 0x54303530
T051 = 0x54303531
TAG_BYTES = 16
SAMPLE_BYTES = 16

_V1_SALT = bytes.fromhex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a")
_DRAFT_23_SALT = bytes.fromhex("c3eef712c72ebb5a11a7d2432bb46365bef9f502")
_DRAFT_29_SALT = bytes.fromhex("afbfec289993d24c9e9786f19c6111e04390a899")
_DRAFT_22_SALT = bytes.fromhex("7fbcdb0e7c66bbe9193a96cd21519ebd7a02644a")

SALTS: dict[int, bytes] = {
    V1: _V1_SALT,  # RFC 9001 section 5.2
    V2: bytes.fromhex("0dede3def700a6db819381be6e269dcbf9bd2ed9"),  # RFC 9369 section 3.3.1
    # draft-ietf-quic-tls-NN section 5.2: the version is 0xff0000NN
    **{0xFF000000 | draft: _DRAFT_23_SALT for draft in range(23, 29)},
    **{0xFF000000 | draft: _DRAFT_29_SALT for draft in range(29, 33)},
    **{0xFF000000 | draft: _V1_SALT for draft in range(33, 35)},
    # Facebook's mvfst, from before and after it moved to draft 27; Wireshark's packet-quic.c knows the same three
    0xFACEB001: _DRAFT_22_SALT,
    0xFACEB002: _DRAFT_23_SALT,
    0xFACEB00E: _DRAFT_23_SALT,
    # Google's, from Chromium's quic/core/crypto/crypto_utils.cc
    Q050: bytes.fromhex("504574efd066fe2f9d945cfcdbd3a7f0d3b56b45"),
    T050: bytes.fromhex("7ff579e5acd072915580304c43a2367c60488310"),
    T051: bytes.fromhex("7a4edef4e7ccee5fa4506c19124fc8ccda6e033d"),
}
"""Version -> initial_salt."""

KEYS_BYTES = 3_600
"""Memory that the keys of a connection take, roughly: nearly all of it is OpenSSL's two contexts."""


HmacKey = tuple[bytes, bytes]
_WITHIN = bytes(byte ^ 0x36 for byte in range(256))
_AROUND = bytes(byte ^ 0x5C for byte in range(256))
"""RFC 2104 section 2: ipad and opad."""


class InitialKeys(NamedTuple):
    """What opens the Initial packets that a client sends (RFC 9001 section 5.1). Made once a connection."""

    version: int
    iv: bytes
    aead: AESGCM
    header_protection: CipherContext


def derive(version: int, connection_id: bytes) -> InitialKeys | None:
    """The keys for a client that chose `connection_id` as its first destination; None for versions without a salt."""
    salt = SALTS.get(version)
    if salt is None:
        return None
    initial = _hmac(hmac_key(salt), connection_id)
    client = hmac_key(expand_label(hmac_key(initial), b"client in", 32))
    prefix = b"quicv2 " if version == V2 else b"quic "  # RFC 9369 section 3.3.2
    return InitialKeys(
        version,
        expand_label(client, prefix + b"iv", 12),
        AESGCM(expand_label(client, prefix + b"key", 16)),
        # RFC 9001 section 5.4.3 asks for ECB.
        Cipher(AES(expand_label(client, prefix + b"hp", 16)), ECB()).encryptor(),  # noqa: S305 - one block at a time
    )


def hmac_key(secret: bytes) -> HmacKey:
    """A key of at most 64 bytes, as HMAC hashes it before a message: once within, once around (RFC 2104 section 2)."""
    block = secret.ljust(64, b"\0")
    return block.translate(_WITHIN), block.translate(_AROUND)


def _hmac(key: HmacKey, message: bytes) -> bytes:
    # 1.0 us; hmac.digest takes 1.8, since OpenSSL looks for "sha256" by its name each time: 4 us of 20 a connection.
    return sha256(key[1] + sha256(key[0] + message).digest()).digest()


def expand_label(key: HmacKey, label: bytes, size: int) -> bytes:
    """HKDF-Expand-Label with SHA-256 and no context (RFC 8446 section 7.1), for up to 32 bytes: one round of HMAC."""
    return _hmac(key, _info(label, size))[:size]


@lru_cache(maxsize=16)
def _info(label: bytes, size: int) -> bytes:
    """HkdfLabel, and the number of the round (RFC 5869 section 2.3). Four labels in use: seven with version 2's."""
    return size.to_bytes(2) + bytes((6 + len(label),)) + b"tls13 " + label + b"\x00\x01"


def open_packet(keys: InitialKeys, packet: bytes, number_at: int) -> bytes | None:
    """The frames of a protected Initial packet; None when it was not sealed with these keys.

    `packet` holds the packet and nothing after it, `number_at` is where its packet number starts. Its first bytes and
    number are unmasked on the way (RFC 9001 section 5.4.1). The number is taken as it stands: a client's first
    packets are too few to be cut (RFC 9000 section 17.1).
    """
    sample = packet[number_at + 4 : number_at + 4 + SAMPLE_BYTES]
    if len(sample) < SAMPLE_BYTES:
        return None
    mask = keys.header_protection.update(sample)
    first = packet[0] ^ (mask[0] & 0x0F)
    size = (first & 0x03) + 1
    end = number_at + size
    number = int.from_bytes(packet[number_at:end]) ^ int.from_bytes(mask[1 : 1 + size])
    header = bytes((first,)) + packet[1:number_at] + number.to_bytes(size)
    nonce = (int.from_bytes(keys.iv) ^ number).to_bytes(12)
    try:
        return keys.aead.decrypt(nonce, packet[end:], header)
    except InvalidTag:
        return None
