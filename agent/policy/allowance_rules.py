"""The `allowance:` of a rule in rules.yaml -> an Allowance, or what is wrong with it."""

import re

from agent.policy.document import Node, Table
from agent.policy.fields import Fields
from agent.policy.problems import Problems, shown
from agent.verdict import Allowance, Verdict

max_minutes = 1_440
"""A day has no more, save the one on which daylight saving ends; whoever tolerates that much needs no allowance."""

max_bytes = 1 << 50
"""A pebibyte: a link of 100 Gbit/s for a day. Sums of bytes stay far within 64 bits."""

units = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}

_size = re.compile(r"([0-9]{1,16}) ?([A-Za-z]{1,3})")
_number = re.compile(r"[0-9]{1,5}")


def read_allowance(node: Node | None, verdict: Verdict | None, problems: Problems) -> Allowance | None:
    """The allowance of a rule.

    Args:
        node: Under `allowance:`, or None when the rule has none.
        verdict: The rule's, or None when it could not be read.
        problems: Gets everything that is wrong.

    Returns:
        The allowance; None when there is none, or none that could be read.
    """
    if node is None:
        return None
    fields = Fields(node, '"allowance"', problems, optional=["minutes", "bytes"])
    if verdict not in (None, Verdict.INCIDENTAL):
        what = f"this rule says {verdict}, and only what is incidental has an allowance"
        problems.add(node.mark, what, 'leave "allowance" out, or say "verdict: incidental"')
    minutes, size = _minutes(fields), _bytes(fields)
    if minutes is None and size is None:
        if isinstance(node, Table) and "minutes" not in fields and "bytes" not in fields:
            problems.add(node.mark, "this allowance has no end", 'add "minutes: 30", "bytes: 500 MiB" or both')
        return None
    return Allowance(minutes, size)


def _minutes(fields: Fields) -> int | None:
    text = fields.text("minutes")
    if text is None:
        return None
    if not _number.fullmatch(text.text) or not 1 <= int(text.text) <= max_minutes:
        fields.problems.add(text.mark, f"{shown(text.text)} is no number of minutes", f"write 1 to {max_minutes}")
        return None
    return int(text.text)


def _bytes(fields: Fields) -> int | None:
    text = fields.text("bytes")
    if text is None:
        return None
    found = _size.fullmatch(text.text)
    if not found or found[2] not in units:
        what = f"{shown(text.text)} is no number of bytes"
        fields.problems.add(text.mark, what, f"write a whole number and one of {', '.join(units)}, such as 500 MiB")
        return None
    size = int(found[1]) * units[found[2]]
    if not 1 <= size <= max_bytes:
        fields.problems.add(text.mark, f"{shown(text.text)} is none or too many", f"write 1 B to {max_bytes >> 30} GiB")
        return None
    return size
