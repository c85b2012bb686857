"""Builders of introductions for the tests: plain functions that only push bytes, sharing nothing with the readers."""

import hmac
from collections.abc import Sequence

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES128
from cryptography.hazmat.primitives.ciphers.modes import ECB


def block(prefix: int, data: bytes) -> bytes:
    """`data` with its length before it in `prefix` bytes."""
    return len(data).to_bytes(prefix) + data


def extension(kind: int, data: bytes) -> bytes:
    """A TLS extension."""
    return kind.to_bytes(2) + block(2, data)


def sni(*names: bytes, kind: int = 0) -> bytes:
    """A server_name extension."""
    return extension(0, block(2, b"".join(bytes((kind,)) + block(2, name) for name in names)))


def alpn(*protocols: bytes) -> bytes:
    """An ALPN extension."""
    return extension(16, block(2, b"".join(block(1, protocol) for protocol in protocols)))


def body(*extensions: bytes, cookie: bytes | None = None, session: bytes = b"s" * 32) -> bytes:
    """A ClientHello without its message header; with `cookie`, as DTLS has it."""
    start = b"\x03\x03" + bytes(range(32)) + block(1, session)
    if cookie is not None:
        start += block(1, cookie)
    return start + block(2, b"\x13\x01\x13\x02") + block(1, b"\x00") + block(2, b"".join(extensions))


def hello(*extensions: bytes) -> bytes:
    """A ClientHello as handshake bytes."""
    return b"\x01" + block(3, body(*extensions))


def records(handshake: bytes, size: int = 1 << 14) -> bytes:
    """Handshake bytes in TLS records of at most `size` bytes."""
    pieces = [handshake[at : at + size] for at in range(0, len(handshake), size)]
    return b"".join(b"\x16\x03\x01" + block(2, piece) for piece in pieces)


def dtls_record(fragment: bytes, version: int = 0xFEFD, epoch: int = 0) -> bytes:
    """A DTLS record of handshake bytes."""
    return b"\x16" + version.to_bytes(2) + epoch.to_bytes(2) + bytes(6) + block(2, fragment)


def dtls_fragment(message: bytes, at: int, size: int, sequence: int = 0, kind: int = 1) -> bytes:
    """Bytes `at` to `at + size` of a DTLS handshake message, with their header."""
    piece = message[at : at + size]
    return (
        bytes((kind,))
        + len(message).to_bytes(3)
        + sequence.to_bytes(2)
        + at.to_bytes(3)
        + len(piece).to_bytes(3)
        + piece
    )


def varint(value: int) -> bytes:
    """RFC 9000 section 16, in the fewest bytes."""
    for size, mark in ((1, 0x00), (2, 0x40), (4, 0x80), (8, 0xC0)):
        if value < 1 << (8 * size - 2):
            return (value | mark << (8 * size - 8)).to_bytes(size)
    raise ValueError(value)


def crypto(data: bytes, offset: int = 0, kind: int = 6) -> bytes:
    """A CRYPTO frame."""
    return bytes((kind,)) + varint(offset) + varint(len(data)) + data


def expand(secret: bytes, label: bytes, size: int) -> bytes:
    """HKDF-Expand-Label for one block of SHA-256."""
    info = size.to_bytes(2) + block(1, b"tls13 " + label) + b"\x00"
    return hmac.new(secret, info + b"\x01", "sha256").digest()[:size]


def initial(
    frames: bytes,
    *,
    salt: str = "38762cf7f55934b34d179ae6a4c80cadccbb7f0a",
    version: int = 1,
    key_id: bytes = b"\x83\x94\xc8\xf0\x3e\x51\x57\x08",
    destination: bytes | None = None,
    token: bytes = b"",
    number: int = 0,
    number_size: int = 4,
    packet_type: int = 0,
    labels: bytes = b"quic",
) -> bytes:
    """A client's protected Initial (RFC 9001 section 5), padded to 1,200 bytes at least.

    `key_id` makes the keys; `destination` is what the header says, the same when left out.
    """
    destination = key_id if destination is None else destination
    start = bytes((0xC0 | packet_type << 4 | number_size - 1,)) + version.to_bytes(4) + block(1, destination) + b"\x00"
    start += varint(len(token)) + token
    frames += bytes(max(0, 1200 - len(start) - 2 - number_size - len(frames) - 16))
    header = start + (0x4000 | number_size + len(frames) + 16).to_bytes(2) + number.to_bytes(number_size)
    secret = expand(hmac.new(bytes.fromhex(salt), key_id, "sha256").digest(), b"client in", 32)
    key, iv, hp = (
        expand(secret, labels + b" " + name, size) for name, size in ((b"key", 16), (b"iv", 12), (b"hp", 16))
    )
    nonce = (int.from_bytes(iv) ^ number).to_bytes(12)
    sealed = AESGCM(key).encrypt(nonce, frames, header)
    sample = sealed[4 - number_size : 20 - number_size]
    mask = Cipher(AES128(hp), ECB()).encryptor().update(sample)
    number_at = len(header) - number_size
    masked = bytes(a ^ b for a, b in zip(header[number_at:], mask[1:], strict=False))
    return bytes((header[0] ^ mask[0] & 0x0F,)) + header[1:number_at] + masked + sealed


def name(text: str) -> bytes:
    """A DNS name without compression."""
    return b"".join(block(1, label.encode()) for label in text.split(".") if label) + b"\x00"


def record(owner: bytes, kind: int, rdata: bytes, ttl_s: int = 60, class_: int = 1) -> bytes:
    """A DNS resource record."""
    return owner + kind.to_bytes(2) + class_.to_bytes(2) + ttl_s.to_bytes(4) + block(2, rdata)


def message(questions: Sequence[bytes], answers: Sequence[bytes] = (), flags: int | None = None) -> bytes:
    """A DNS message: questions are names, asked for their A records."""
    if flags is None:
        flags = 0x8180 if answers else 0x0100
    counts = len(questions).to_bytes(2) + len(answers).to_bytes(2) + bytes(4)
    asked = b"".join(question + b"\x00\x01\x00\x01" for question in questions)
    return b"\x12\x34" + flags.to_bytes(2) + counts + asked + b"".join(answers)
