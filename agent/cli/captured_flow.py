"""A capture file and which flow in it -> the record of that flow, as replay makes it."""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from agent.cli.outcome import FailedError, UsageError
from agent.contracts import Policy
from agent.flow import Endpoints
from agent.pipeline import FlowRecord
from agent.replay import replay

FORMS = "a number, as flows.jsonl of replay has lines, or SRC:PORT-DST:PORT"

_end = r"(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+)):([0-9]{1,5})"
_ends = re.compile(rf"{_end}-{_end}")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which flow is asked for: by its number, from 1, or by its two ends in either order."""

    text: str
    number: int | None = None
    ends: frozenset[tuple[bytes, int]] = frozenset()

    def fits(self, number: int, ends: Endpoints) -> bool:
        """True for the flow of this number and with these ends."""
        if self.number is not None:
            return number == self.number
        return self.ends == {(ends.client, ends.client_port), (ends.server, ends.server_port)}


def wanted(text: str) -> Wanted:
    """A number, or two ends with their ports; an IPv6 address stands in brackets, as in a URL (RFC 3986 section 3.2.2).

    Raises:
        UsageError: It is neither.
    """
    if text.isascii() and text.isdigit() and int(text) > 0:
        return Wanted(text, number=int(text))
    wrong = UsageError(f"--flow: {text!r} is not {FORMS}, such as 12 or 10.20.1.7:40000-192.0.2.80:443")
    found = _ends.fullmatch(text)
    if found is None:
        raise wrong
    try:
        ends = frozenset((ip_address(found[at] or found[at + 1]).packed, int(found[at + 2])) for at in (1, 4))
    except ValueError:
        raise wrong from None
    return Wanted(text, ends=ends)


def captured_flow(path: Path, which: Wanted, policy: Policy) -> FlowRecord:
    """The flow, with the class that the policy gives it.

    Flows are numbered as they end, which is the order of the lines that `replay --flows` writes. Of several with the
    same ends the first to end is meant; a number tells the others.

    Raises:
        FailedError: The file cannot be read, or has no such flow.
    """
    seen = 0
    found: list[FlowRecord] = []

    def look(_path: Path, record: FlowRecord) -> None:
        nonlocal seen
        seen += 1
        if not found and which.fits(seen, record.flow.ends):
            found.append(record)

    (file,) = replay([path], policy, on_flow=look).files
    if file.error is not None:
        raise FailedError(f"{path}: {file.error}")
    if not found:
        raise FailedError(f"{path}: there is no flow {which.text} among its {seen}; replay --flows lists them")
    return found[0]
