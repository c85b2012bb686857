"""Openings that are STUN or TURN -> whose, as far as attributes say it. A table of probes."""

from collections.abc import Iterator

from agent.wire.opening import Opening, Table

_COOKIE = b"\x21\x12\xa4\x42"
"""RFC 8489 section 5."""
_HEADER_BYTES = 20
_CLASSIC_TYPES = frozenset({0x0001, 0x0101, 0x0111, 0x0002, 0x0102, 0x0112})
"""Binding and Shared Secret of RFC 3489 section 11.1, before there was a cookie."""

_WHATSAPP_ATTRIBUTES = range(0x4000, 0x4008)
_MICROSOFT_ATTRIBUTES = frozenset({0x8008, 0x8037, 0x8054, 0x8055, 0x8070})
"""MS-Version, candidate identifiers and implementation version (MS-TURN section 2.2.2, MS-ICE2 section 2.2.1)."""
_ZOOM_PASSWORD = b"\x01\x01\x00\x141234567890123456"


def _is_stun(opening: Opening) -> bool:
    """With its cookie, or as RFC 3489 had it: then the attributes must fit as well."""
    data = opening.data
    if len(data) < _HEADER_BYTES or data[0] & 0xC0:
        return False
    length = data[2] << 8 | data[3]
    if data[4:8] == _COOKIE:
        return length + _HEADER_BYTES <= opening.payload_bytes  # Teams pads less than to four bytes
    if length + _HEADER_BYTES != opening.payload_bytes or data[0] << 8 | data[1] not in _CLASSIC_TYPES:
        return False
    kinds = [kind for kind, _ in _attributes(opening)]
    return all(kind <= 0x0101 or kind >= 0x8000 for kind in kinds) and (bool(kinds) or opening.on_port(3478, 3479))


def _attributes(opening: Opening) -> Iterator[tuple[int, bytes]]:
    """Type and value of the attributes of which a header is there; values may be cut (RFC 8489 section 14)."""
    data = opening.data
    at = _HEADER_BYTES
    while at + 4 <= len(data):
        length = data[at + 2] << 8 | data[at + 3]
        yield data[at] << 8 | data[at + 1], data[at + 4 : at + 4 + length]
        at += 4 + (length + 3 & ~3)


def _whatsapp(opening: Opening) -> bool:
    return _is_stun(opening) and any(kind in _WHATSAPP_ATTRIBUTES for kind, _ in _attributes(opening))


def _teams(opening: Opening) -> bool:
    return _is_stun(opening) and any(kind in _MICROSOFT_ATTRIBUTES for kind, _ in _attributes(opening))


def _telegram(opening: Opening) -> bool:
    """Its relays listen on a port of their own."""
    return opening.on_port(1400) and _is_stun(opening)


def _zoom(opening: Opening) -> bool:
    """A fixed attribute of RFC 3489, RESPONSE-ADDRESS before, with a placeholder in it."""
    return _ZOOM_PASSWORD in opening.data and _is_stun(opening)


STUN: Table = (
    ("whatsapp_call", _whatsapp),
    ("teams_call", _teams),
    ("telegram_call", _telegram),
    ("zoom", _zoom),
    ("stun", _is_stun),
)
"""Apart from the last, these tell an application; every one of them is STUN."""
