"""Google's QUIC before TLS: a CHLO message, bare or in a plain datagram -> ClientHello."""

from agent.facts import ClientHello
from agent.wire.cursor import Malformed
from agent.wire.hostname import clean

MAX_TAGS = 128
"""Of a CHLO (kMaxEntries in Chromium's quic/core/crypto/crypto_protocol.h)."""

MAX_LEAD_BYTES = 64
"""Header, hash and STREAM frame before the CHLO of a plain datagram: 42 at most with an 8-byte connection ID."""

_ENTRY = 8


def read_chlo(data: bytes, version: int) -> ClientHello | None:
    """The CHLO at the start of `data`; None when it goes on. The SNI is enough: what follows it may be missing.

    The format: "CHLO", a count of tags, two bytes of padding, for each tag its four letters and where its value ends,
    then the values (QUIC Crypto, "Handshake costs" and "Client hello"; numbers are little-endian).
    """
    if len(data) < 8:
        if not b"CHLO".startswith(data[:4]):
            raise Malformed("no CHLO")
        return None
    if data[:4] != b"CHLO":
        raise Malformed("no CHLO")
    count = int.from_bytes(data[4:6], "little")
    if count > MAX_TAGS:
        raise Malformed("more tags than a CHLO may hold")
    values_at = 8 + count * _ENTRY
    if len(data) < values_at:
        return None
    start = 0
    for at in range(8, values_at, _ENTRY):
        end = int.from_bytes(data[at + 4 : at + 8], "little")
        if end < start:
            raise Malformed("the tags of a CHLO are out of order")
        if data[at : at + 4] == b"SNI\x00":
            if values_at + end > len(data):
                return None
            name = clean(data[values_at + start : values_at + end])
            return ClientHello("quic", name, (), encrypted=False, quic_version=version)
        start = end
    return ClientHello("quic", None, (), encrypted=False, quic_version=version) if count else None


def read_datagram(datagram: bytes) -> ClientHello | None:
    """The CHLO of a client's first datagram before Q050 (Q025 to Q046), whose handshake is not encrypted.

    The header is not read field by field, as it changed with nearly every version: "CHLO" stands where the first frame
    does, and the version, in the header, is "Q0" and two digits. None when there is no such message.
    """
    at = datagram.find(b"CHLO", 0, MAX_LEAD_BYTES)
    named = datagram.find(b"Q0", 0, 16)
    if at < 0 or not 0 <= named < at or not datagram[named + 2 : named + 4].isdigit():
        return None
    return read_chlo(datagram[at:], int.from_bytes(datagram[named : named + 4]))
