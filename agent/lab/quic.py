"""A ClientHello -> protected QUIC Initial datagrams (RFC 9000, RFC 9001; version 2: RFC 9369).

The product has a reader of Initials of its own. Nothing is shared between the two, so each checks the other.
"""

import hmac
import random
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES128
from cryptography.hazmat.primitives.ciphers.modes import ECB

from agent.lab.cuts import pieces

VERSION_1 = 0x00000001
VERSION_2 = 0x6B3343CF

MIN_INITIAL_DATAGRAM_BYTES = 1200
"""Least UDP payload of a datagram with a client's Initial (RFC 9000 section 14.1)."""

DATAGRAM_BYTES = 1250
"""UDP payload of Chrome's first datagrams."""

TAG_BYTES = 16

_SALTS = {
    VERSION_1: bytes.fromhex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a"),
    VERSION_2: bytes.fromhex("0dede3def700a6db819381be6e269dcbf9bd2ed9"),
}
"""RFC 9001 section 5.2, RFC 9369 section 3.3.1."""

_PREFIXES = {VERSION_1: b"quic", VERSION_2: b"quicv2"}
"""Start of the key labels: RFC 9001 section 5.1, RFC 9369 section 3.3.2."""

_TYPES = {VERSION_1: {"initial": 0, "0rtt": 1, "handshake": 2}, VERSION_2: {"initial": 1, "0rtt": 2, "handshake": 3}}
"""Long packet types: RFC 9000 section 17.2, RFC 9369 section 3.2."""

Piece = tuple[int, bytes]
"""A stretch of the CRYPTO stream: its offset, and its bytes."""


@dataclass(frozen=True, slots=True)
class InitialKeys:
    """Keys of one side's Initials (RFC 9001 section 5.2)."""

    key: bytes
    iv: bytes
    header_key: bytes


@dataclass(frozen=True, slots=True)
class Connection:
    """What the long headers of one connection have in common."""

    version: int
    client_id: bytes
    """Connection identifier that the client chose for itself."""
    server_id: bytes
    """The client's first Destination Connection ID, from which the Initial keys are derived."""
    token: bytes = b""


def initial_keys(version: int, destination_id: bytes, side: str) -> InitialKeys:
    """Keys for `side` ("client" or "server") from the client's first Destination Connection ID."""
    secret = hmac.digest(_SALTS[version], destination_id, "sha256")
    secret = _expand(secret, f"{side} in".encode(), 32)
    prefix = _PREFIXES[version]
    return InitialKeys(
        key=_expand(secret, prefix + b" key", 16),
        iv=_expand(secret, prefix + b" iv", 12),
        header_key=_expand(secret, prefix + b" hp", 16),
    )


def seal(keys: InitialKeys, header: bytes, number_bytes: int, packet_number: int, payload: bytes) -> bytes:
    """The protected packet (RFC 9001 sections 5.3, 5.4); `header` ends with the packet number of `number_bytes`."""
    nonce = bytes(a ^ b for a, b in zip(keys.iv, packet_number.to_bytes(12, "big"), strict=True))
    sealed = AESGCM(keys.key).encrypt(nonce, payload, header)
    sample = sealed[4 - number_bytes : 20 - number_bytes]
    mask = Cipher(AES128(keys.header_key), ECB()).encryptor().update(sample)
    head = bytearray(header)
    head[0] ^= mask[0] & 0x0F
    for index in range(number_bytes):
        head[index - number_bytes] ^= mask[1 + index]
    return bytes(head) + sealed


def initial(
    connection: Connection, packet_number: int, frames: bytes, *, side: str = "client", number_bytes: int = 2
) -> bytes:
    """An Initial packet (RFC 9000 section 17.2.2) that carries `frames`."""
    length = number_bytes + len(frames) + TAG_BYTES
    header = _long_header(connection, "initial", side, number_bytes)
    header += varint(len(connection.token) if side == "client" else 0) + (connection.token if side == "client" else b"")
    header += varint(length) + packet_number.to_bytes(number_bytes, "big")
    return seal(
        initial_keys(connection.version, connection.server_id, side), header, number_bytes, packet_number, frames
    )


def opaque_long(connection: Connection, kind: str, body: bytes, *, side: str = "client") -> bytes:
    """A "handshake" or "0rtt" packet (RFC 9000 section 17.2) whose protected part is `body` as it stands."""
    return _long_header(connection, kind, side, 2) + varint(len(body)) + body


def short(connection: Connection, body: bytes, *, side: str = "client") -> bytes:
    """A 1-RTT packet (RFC 9000 section 17.3) whose protected part is `body` as it stands."""
    return b"\x41" + (connection.server_id if side == "client" else connection.client_id) + body


def crypto_frames(parts: Sequence[Piece]) -> bytes:
    """CRYPTO frames (RFC 9000 section 19.6) in the order given."""
    return b"".join(b"\x06" + varint(offset) + varint(len(data)) + data for offset, data in parts)


def client_initials(connection: Connection, datagrams: Sequence[Sequence[Piece]]) -> list[bytes]:
    """One padded datagram for each list of CRYPTO pieces, with a PING before them as Chrome sends."""
    made = []
    for number, parts in enumerate(datagrams):
        frames = b"\x01" + crypto_frames(parts)
        bare_bytes = len(initial(connection, number, frames))
        padding = max(0, max(DATAGRAM_BYTES, MIN_INITIAL_DATAGRAM_BYTES) - bare_bytes)
        made.append(initial(connection, number, frames + bytes(padding)))
    return made


def scattered(rng: random.Random, hello: bytes, *, datagrams: int, count: int) -> list[list[Piece]]:
    """The hello in `count` CRYPTO pieces, shuffled and dealt out to `datagrams`; each stays within a datagram."""
    limit = (DATAGRAM_BYTES - 120) // max(1, -(-count // datagrams))
    parts = pieces(hello, rng.sample(range(1, len(hello)), count - 1))
    if max(len(piece) for _, piece in parts) > limit:
        parts = pieces(hello, (len(hello) * index // count for index in range(count)))
    rng.shuffle(parts)
    return [parts[index::datagrams] for index in range(datagrams)]


def transport_parameters(rng: random.Random, client_id: bytes) -> bytes:
    """A client's transport parameters (RFC 9000 section 18)."""
    values = [
        (0x01, varint(30_000)),
        (0x03, varint(1472)),
        (0x04, varint(15_728_640)),
        (0x05, varint(6_291_456)),
        (0x08, varint(100)),
        (0x0F, client_id),
        (27 + 31 * rng.randrange(1000), rng.randbytes(8)),
    ]
    rng.shuffle(values)
    return b"".join(varint(key) + varint(len(value)) + value for key, value in values)


def varint(value: int) -> bytes:
    """A variable-length integer (RFC 9000 section 16)."""
    for prefix, size in enumerate((1, 2, 4, 8)):
        if value < 1 << (8 * size - 2):
            return (value | prefix << (8 * size - 2)).to_bytes(size, "big")
    message = f"{value} does not fit into 62 bits"
    raise ValueError(message)


def _long_header(connection: Connection, kind: str, side: str, number_bytes: int) -> bytes:
    first = 0xC0 | _TYPES[connection.version][kind] << 4 | (number_bytes - 1)
    target, source = connection.server_id, connection.client_id
    if side == "server":
        target, source = source, target
    header = struct.pack("!BI", first, connection.version)
    return header + bytes([len(target)]) + target + bytes([len(source)]) + source


def _expand(secret: bytes, label: bytes, length: int) -> bytes:
    """HKDF-Expand-Label with an empty context (RFC 8446 section 7.1); one block of SHA-256 is enough here."""
    label = b"tls13 " + label
    info = struct.pack("!H", length) + bytes([len(label)]) + label + b"\0"
    return hmac.digest(secret, info + b"\x01", "sha256")[:length]
