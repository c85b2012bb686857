"""Tests of Initial keys against the samples in the RFCs."""

import hmac

import pytest

from agent.wire.quic_keys import SALTS, derive, expand_label, hmac_key, open_packet
from tests.wire.build import crypto, initial

CONNECTION_ID = bytes.fromhex("8394c8f03e515708")
FRAMES = bytes.fromhex(
    "060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b69484c000004130113"
    "02010000c000000010000e00000b6578616d706c652e636f6dff01000100000a00080006001d00170018001000070005"
    "04616c706e000500050100000000003300260024001d00209370b2c9caa47fbabaf4559fedba753de171fa71f50f1ce1"
    "5d43e994ec74d748002b0003020304000d0010000e0403050306030203080408050806002d00020101001c0002400100"
    "3900320408ffffffffffffffff05048000ffff07048000ffff0801100104800075300901100f088394c8f03e51570806"
    "048000ffff"
)
"""The CRYPTO frame of RFC 9001 appendix A.2 and RFC 9369 appendix A.2."""

Sample = dict[str, str | int]

V1: Sample = {
    "version": 1,
    "secret": "c00cf151ca5be075ed0ebfb5c80323c42d6b7db67881289af4008f1f6c357aea",
    "key": "1f369613dd76d5467730efcbe3b1a22d",
    "iv": "fa044b2f42a3fd3b46fb255c",
    "hp": "9f50449e04a0e810283a1e9933adedd2",
    "start": (
        "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11"
        "d242b123dc9bd8bab936b47d92ec356c0bab7df5976d27cd449f63300099f399"
    ),
    "tag": "e221af44860018ab0856972e194cd934",
    "prefix": "quic",
    "type": 0,
}
"""RFC 9001 appendices A.1 and A.2: the client's secret and keys, the start and the end of its protected packet."""

V2: Sample = {
    "version": 0x6B3343CF,
    "secret": "14ec9d6eb9fd7af83bf5a668bc17a7e283766aade7ecd0891f70f9ff7f4bf47b",
    "key": "8b1a0bc121284290a29e0971b5cd045d",
    "iv": "91f73e2351d8fa91660e909f",
    "hp": "45b95e15235d6f45a6b19cbcb0294ba9",
    "start": (
        "d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485"
        "dd04de806071bf03dceebfa162e75d6c96058bdbfb127cdfcbf903388e99ad04"
    ),
    "tag": "a18b2faa745b6fe189cf772a9f84cbfc",
    "prefix": "quicv2",
    "type": 1,
}
"""RFC 9369 appendices A.1 and A.2."""


def sample(rfc: Sample) -> bytes:
    """The protected packet of an appendix, sealed here; its published tag vouches for every byte of it."""
    version = int(rfc["version"])
    packet = initial(
        FRAMES,
        salt=SALTS[version].hex(),
        version=version,
        number=2,
        packet_type=int(rfc["type"]),
        labels=str(rfc["prefix"]).encode(),
    )
    assert (1200, str(rfc["start"]), str(rfc["tag"])) == (len(packet), packet[:64].hex(), packet[-16:].hex())
    return packet


@pytest.mark.parametrize("rfc", [V1, V2])
def test_secrets_of_the_rfc(rfc: Sample) -> None:
    """The client's secret, key, IV and header protection key are those of the appendix."""
    secret = expand_label(hmac_key(hmac.digest(SALTS[int(rfc["version"])], CONNECTION_ID, "sha256")), b"client in", 32)
    made = {
        name: expand_label(hmac_key(secret), f"{rfc['prefix']} {name}".encode(), size).hex()
        for name, size in (("key", 16), ("iv", 12), ("hp", 16))
    }

    assert (rfc["secret"], rfc["key"], rfc["iv"], rfc["hp"]) == (secret.hex(), made["key"], made["iv"], made["hp"])


@pytest.mark.parametrize("rfc", [V1, V2])
def test_packet_of_the_rfc(rfc: Sample) -> None:
    """The protected client Initial of the appendix opens to its CRYPTO frame and 917 bytes of padding."""
    keys = derive(int(rfc["version"]), CONNECTION_ID)

    assert keys is not None
    assert FRAMES + bytes(917) == open_packet(keys, sample(rfc), 18)


def test_drafts() -> None:
    """Each draft has the salt of its time, and the versions before 23 none."""
    assert SALTS[0xFF000017] == SALTS[0xFF00001C] != SALTS[0xFF00001D] == SALTS[0xFF000020]
    assert SALTS[1] == SALTS[0xFF000021] == SALTS[0xFF000022]
    assert derive(0xFF000016, CONNECTION_ID) is None


@pytest.mark.parametrize("version", sorted(SALTS))
def test_every_version_opens(version: int) -> None:
    """What was sealed for a version, with packet numbers of any length, opens with its keys."""
    for size in (1, 2, 3, 4):
        packet = initial(
            crypto(b"hello"),
            salt=SALTS[version].hex(),
            version=version,
            number=3,
            number_size=size,
            labels=b"quicv2" if version == 0x6B3343CF else b"quic",
        )
        keys = derive(version, CONNECTION_ID)
        assert keys is not None
        opened = open_packet(keys, packet, 18)
        assert opened is not None
        assert opened.startswith(crypto(b"hello"))


def test_not_sealed_with_these_keys() -> None:
    """A changed byte anywhere, other keys, and a packet without room for a sample do not open; nothing is raised."""
    packet = sample(V1)
    keys = derive(1, CONNECTION_ID)
    other = derive(1, b"another id")
    assert keys is not None
    assert other is not None

    assert None is open_packet(other, packet, 18)
    for at in (0, 6, 18, 22, 600, 1199):
        changed = packet[:at] + bytes((packet[at] ^ 1,)) + packet[at + 1 :]
        assert None is open_packet(keys, changed, 18)
    for cut in range(18, 60):
        assert None is open_packet(keys, packet[:cut], 18)
