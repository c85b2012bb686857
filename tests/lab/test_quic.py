"""QUIC protection against the vectors of RFC 9001 and RFC 9369, and by undoing it here."""

import random

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES128
from cryptography.hazmat.primitives.ciphers.modes import ECB

from agent.lab import quic
from agent.lab.canary import flow_numbers
from agent.lab.dialogues import quic_connection
from agent.lab.hellos import CHROME, OLD_CHROME, Browser

DESTINATION = bytes.fromhex("8394c8f03e515708")
CRYPTO = bytes.fromhex(
    "060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b69484c00000413011302010000c000"
    "000010000e00000b6578616d706c652e636f6dff01000100000a00080006001d0017001800100007000504616c706e00050005010000"
    "0000003300260024001d00209370b2c9caa47fbabaf4559fedba753de171fa71f50f1ce15d43e994ec74d748002b0003020304000d00"
    "10000e0403050306030203080408050806002d00020101001c00024001003900320408ffffffffffffffff05048000ffff07048000ff"
    "ff0801100104800075300901100f088394c8f03e51570806048000ffff"
)
"""The frame of RFC 9001 appendix A.2."""


def _opened(datagram: bytes, version: int) -> bytes:
    """Frames of a client Initial with an 8-byte destination, an empty source, no token and a 2-byte number."""
    keys = quic.initial_keys(version, datagram[6:14], "client")
    length = int.from_bytes(datagram[16:18], "big") & 0x3FFF
    sample = datagram[22:38]
    mask = Cipher(AES128(keys.header_key), ECB()).encryptor().update(sample)
    head = bytearray(datagram[:20])
    head[0] ^= mask[0] & 0x0F
    head[18] ^= mask[1]
    head[19] ^= mask[2]
    nonce = bytes(a ^ b for a, b in zip(keys.iv, head[18:].rjust(12, b"\0"), strict=True))
    return AESGCM(keys.key).decrypt(nonce, datagram[20 : 18 + length], bytes(head))


def _crypto(frames: bytes) -> dict[int, bytes]:
    """Offset -> bytes of the CRYPTO frames, which follow one PING and precede the padding."""
    assert 1 == frames[0]
    found, at = {}, 1
    while at < len(frames) and frames[at] == 6:
        at += 1
        values = []
        for _ in range(2):
            size = 1 << (frames[at] >> 6)
            values.append(int.from_bytes(frames[at : at + size], "big") & ((1 << (8 * size - 2)) - 1))
            at += size
        found[values[0]] = frames[at : at + values[1]]
        at += values[1]
    assert b"" == frames[at:].strip(b"\0")
    return found


@pytest.mark.parametrize(
    ("version", "side", "key", "iv", "header_key"),
    [
        (
            1,
            "client",
            "1f369613dd76d5467730efcbe3b1a22d",
            "fa044b2f42a3fd3b46fb255c",
            "9f50449e04a0e810283a1e9933adedd2",
        ),
        (
            1,
            "server",
            "cf3a5331653c364c88f0f379b6067e37",
            "0ac1493ca1905853b0bba03e",
            "c206b8d9b9f0f37644430b490eeaa314",
        ),
        (
            quic.VERSION_2,
            "client",
            "8b1a0bc121284290a29e0971b5cd045d",
            "91f73e2351d8fa91660e909f",
            "45b95e15235d6f45a6b19cbcb0294ba9",
        ),
    ],
)
def test_keys_are_those_of_the_rfc(version: int, side: str, key: str, iv: str, header_key: str) -> None:
    """RFC 9001 appendix A.1, RFC 9369 appendix A.1."""
    expected = quic.InitialKeys(bytes.fromhex(key), bytes.fromhex(iv), bytes.fromhex(header_key))
    assert expected == quic.initial_keys(version, DESTINATION, side)


def test_sealing_gives_the_packet_of_the_rfc() -> None:
    """RFC 9001 appendix A.2: header, sample and tag of the client's Initial."""
    connection = quic.Connection(quic.VERSION_1, client_id=b"", server_id=DESTINATION)
    made = quic.initial(connection, 2, CRYPTO.ljust(1162, b"\0"), number_bytes=4)
    assert 1200 == len(made)
    assert bytes.fromhex("c000000001088394c8f03e5157080000449e7b9aec34") == made[:22]
    assert bytes.fromhex("d1b1c98dd7689fb8ec11d242b123dc9b") == made[22:38]
    assert bytes.fromhex("e221af44860018ab0856972e194cd934") == made[-16:]


@pytest.mark.parametrize("version", [quic.VERSION_1, quic.VERSION_2])
@pytest.mark.parametrize("browser", [CHROME, OLD_CHROME], ids=lambda browser: browser.name)
@pytest.mark.parametrize("seed", range(5))
def test_initials_hold_the_hello(version: int, browser: Browser, seed: int) -> None:
    """Opened, the CRYPTO pieces of the first datagrams join to a hello with the name, and hold no canary."""
    name = "www.example.com"
    lines = list(quic_connection(random.Random(seed), 3, name, [100, 3000], browser=browser, version=version))
    first = {1: 0xC0, quic.VERSION_2: 0xD0}[version]
    initials = [line.data for line in lines if line.data[0] & 0xF0 == first and line.speaker == 0]
    parts: dict[int, bytes] = {}
    for datagram in initials:
        assert len(datagram) >= quic.MIN_INITIAL_DATAGRAM_BYTES
        parts |= _crypto(_opened(datagram, version))
    hello = b"".join(parts[offset] for offset in sorted(parts))
    assert len(hello) == 4 + int.from_bytes(hello[1:4], "big")
    assert name.encode() in hello
    assert frozenset() == flow_numbers(hello + b"".join(initials))
    assert (2 if browser.post_quantum else len(initials)) == len(initials)
    assert {frozenset({3})} == {flow_numbers(line.data) for line in lines[len(initials) :]}


@pytest.mark.parametrize(
    ("value", "encoded"),
    [(37, "25"), (15_293, "7bbd"), (494_878_333, "9d7f3e7d"), (151_288_809_941_952_652, "c2197c5eff14e88c")],
)
def test_varint(value: int, encoded: str) -> None:
    """RFC 9000 appendix A.1."""
    assert bytes.fromhex(encoded) == quic.varint(value)


def test_varint_refuses_what_does_not_fit() -> None:
    """Sixty-two bits are the most."""
    with pytest.raises(ValueError, match="62 bits"):
        quic.varint(2**62)
