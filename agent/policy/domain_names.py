"""A domain as somebody wrote it in a rule file -> the bytes it has on the wire, or what is wrong with it."""

import re

from agent.policy.document import Text
from agent.policy.problems import Problems, shown

max_name_bytes = 253
"""A name without its final dot (RFC 1035 section 2.3.4: 255 octets on the wire, with a length before each label)."""

# Underscores are no host name (RFC 952), but service names and some content networks have them.
_label = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_name = re.compile(rf"{_label}(?:\.{_label})*")

shared_suffixes = frozenset(
    {
        *("com", "org", "net", "edu", "gov", "mil", "int", "info", "biz", "name", "pro", "app", "dev"),
        *("co.uk", "org.uk", "ac.uk", "com.au", "co.jp", "com.br", "co.in", "co.nz", "com.mx", "com.cn"),
        *("ct.us", "k12.ct.us"),
    }
)
"""Suffixes under which unrelated people register; a catalogue that claims one claims half the Internet. With them go
all of two letters: countries."""


def wire_name(text: Text, problems: Problems) -> bytes | None:
    """The name in `text` as bytes; None after noting why it is no domain, with the name that was probably meant."""
    name = text.text
    fault = _fault(name)
    if fault is None:
        return name.encode("ascii")
    problems.add(text.mark, f"{shown(name)} {fault[0]}", fault[1])
    return None


def _fault(name: str) -> tuple[str, str] | None:
    if not name.isascii():
        return "is not ASCII", f"write it as it is on the wire{_punycode(name)}"
    if "/" in name or ":" in name or "@" in name:
        bare = re.sub(r"^[a-z]+://|^.*@|[:/].*$", "", name.lower())
        return "is not only a domain", f"leave out scheme, port and path{_if_plain(bare)}"
    if name != name.lower():
        return "is not in lower case", f"write {shown(name.lower())}"
    bare = name.removeprefix("*.").strip(".")
    if bare != name:
        return "has a wildcard or a dot at its end", f"a domain holds everything under it{_if_plain(bare)}"
    if len(name) > max_name_bytes:
        return f"is longer than {max_name_bytes} bytes", "no such name can exist"
    if not _name.fullmatch(name):
        return "is no domain", 'labels of letters, digits, "-" and "_", joined by single dots'
    if name.rpartition(".")[2].isdigit():
        return "is an address or a number", "the catalogue holds names only"
    if name in shared_suffixes or (len(name) == 2 and "." not in name):
        return "is shared by unrelated owners", f"name the site under it, such as {shown('example.' + name)}"
    return None


def _if_plain(bare: str) -> str:
    return f": {shown(bare)}" if bare and _fault(bare) is None else ""


def _punycode(name: str) -> str:
    # The idna codec is slow on very long input (CVE-2022-45061), and such a name cannot exist anyway.
    if len(name) > max_name_bytes:
        return ""
    try:
        return f", in punycode: {shown(name.lower().encode('idna').decode('ascii'))}"
    except UnicodeError:
        return ", in punycode"
