"""Bytes that claim to be a host name -> the same bytes, or None when they should not be shown or looked up."""

import re

MAX_NAME_BYTES = 255
"""RFC 1035 section 2.3.4, with room for a final dot."""

# Wider than RFC 952: underscores, stars and the like are in use. What could break out of a line, a quoted string, a
# path or a tag is not: spaces, controls, quotes, slashes, angle brackets, bytes above 0x7E.
_PLAIN = re.compile(rb"[!#-&(-.0-;=?-\[\]-_a-~]{1,%d}" % MAX_NAME_BYTES)


def clean(name: bytes) -> bytes | None:
    """`name` unchanged, or None when it is empty, too long, has an empty label or bytes that no host name needs."""
    return name if _PLAIN.fullmatch(name) is not None and b".." not in name and name[0] != 0x2E else None
