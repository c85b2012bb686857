"""The method and the Host value of an HTTP/1 request -> HttpRequest."""

import re

from agent.facts import HttpRequest
from agent.wire.cursor import Malformed
from agent.wire.hostname import clean

MAX_METHOD_BYTES = 32
"""The longest registered method, UPDATEREDIRECTREF, has 17 (RFC 4437 section 6)."""

_METHOD = re.compile(rb"[!#$%%&'*+.^_`|~0-9A-Za-z-]{1,%d}" % MAX_METHOD_BYTES)
"""token (RFC 9110 section 5.6.2)."""
_HOST_AND_PORT = re.compile(rb"(?:\[([0-9a-fA-F:.]+)\]|([^\[\]:@?#,]+))(?::[0-9]*)?")
"""uri-host [":" port] (RFC 9110 section 7.2); what no host name needs is left to hostname.clean."""


def read_request(method: bytes, host: bytes | None) -> HttpRequest:
    """`method`, and `host` put in one form; `host` None when there was no Host line.

    `method` is empty where segments cut it: the gate then hands over the Host value alone. Raises Malformed for what is
    no method.
    """
    if method and _METHOD.fullmatch(method) is None:
        raise Malformed("no HTTP method")
    return HttpRequest(method, None if host is None else normal_host(host))


def normal_host(value: bytes) -> bytes | None:
    """A Host value in lower case, without space around it, port, brackets or final dot; None when it is no host."""
    match = _HOST_AND_PORT.fullmatch(value.strip(b" \t"))
    if match is None:
        return None
    return clean((match[1] or match[2]).rstrip(b".").lower())
