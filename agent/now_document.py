"""What is shown now -> the JSON document of /now.json, and that document, from an agent of another version, back."""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from typing import Final, TypeVar, cast

from agent.now import InForce, Line, Now
from agent.snapshot import GateTotals
from agent.verdict import Verdict

MAX_APPLICATIONS: Final = 100
"""In one document: more than a screen shows, some 30 KB."""
MAX_TEXT: Final = 200
"""Characters of a text that are read from a document; identifiers and titles are shorter."""
MAX_NUMBER: Final = 2.0**63
"""Beyond any count, and below what cannot be shown: neither infinite nor no number at all."""
MAX_TIME_S: Final = 253_402_000_000
"""Within the year 9999, the last of a calendar."""


class NotADocumentError(Exception):
    """It is not the document of an agent; the text says what is wrong."""


def write(now: Now) -> bytes:
    """The document. Keys may be added in later versions; none is renamed or taken away.

    Of the applications it holds the MAX_APPLICATIONS that are busiest now, and then largest.
    """
    busiest = sorted(now.applications, key=lambda line: (-line.bytes_per_s, -line.bytes))
    left_out = max(0, len(busiest) - MAX_APPLICATIONS)
    cut = replace(now, applications=tuple(busiest[:MAX_APPLICATIONS]), applications_left_out=left_out)
    return json.dumps(asdict(cut), separators=(",", ":")).encode()


def read(document: bytes) -> Now:
    """What an agent said. Keys that are not known are passed over; nothing that a terminal would act on is kept.

    Raises:
        NotADocumentError: It is not JSON, or lacks what every version says.
    """
    try:
        top = _Part(json.loads(document), "the document")
    except (ValueError, RecursionError) as error:
        raise NotADocumentError(f"it is not JSON: {error}") from error
    gate = top.part("gate")
    numbers = {each.name: gate.whole(each.name, 0) for each in fields(GateTotals) if each.name != "kind"}
    return Now(
        version=top.text("version"),
        time_s=top.time("time_s"),
        waiting=top.text("waiting") if top.has("waiting") else None,
        span_s=top.number("span_s"),
        flows=top.whole("flows"),
        opened_bytes=top.whole("opened_bytes"),
        unopened_bytes=top.whole("unopened_bytes"),
        opened_bytes_per_s=top.number("opened_bytes_per_s"),
        unopened_bytes_per_s=top.number("unopened_bytes_per_s"),
        gate=GateTotals(gate.text("kind"), **numbers),
        verdicts=_by_verdict(top.part("verdicts").wholes()),
        verdicts_per_s=_by_verdict(top.part("verdicts_per_s").numbers()),
        categories=tuple(map(_line, top.parts("categories"))),
        applications=tuple(map(_line, top.parts("applications"))),
        applications_left_out=top.whole("applications_left_out", 0),
        evidence=top.part("evidence").wholes(),
        opened=top.part("opened").wholes(),
        limits=top.part("limits").wholes(),
        policy=_in_force(top.part("policy")) if top.has("policy") else None,
    )


def _line(part: "_Part") -> Line:
    return Line(
        name=part.text("name"),
        title=part.text("title"),
        category=part.text("category"),
        flows=part.whole("flows"),
        sent_bytes=part.whole("sent_bytes"),
        received_bytes=part.whole("received_bytes"),
        bytes_per_s=part.number("bytes_per_s"),
        verdicts=_by_verdict(part.part("verdicts").wholes()),
        verdicts_per_s=_by_verdict(part.part("verdicts_per_s").numbers()),
    )


def _in_force(part: "_Part") -> InForce:
    return InForce(
        district=part.text("district"),
        document=part.text("document"),
        rules=part.whole("rules"),
        loaded_s=part.time("loaded_s"),
        reloaded=part.flag("reloaded"),
        notice=part.text("notice"),
        notice_true=part.flag("notice_true"),
    )


_Amount = TypeVar("_Amount", int, float)


def _by_verdict(amounts: Mapping[str, _Amount]) -> dict[Verdict, _Amount]:
    """A verdict that this version does not know is passed over."""
    return {verdict: amounts[verdict] for verdict in Verdict if verdict in amounts}


class _Part:
    """A JSON object, of which nothing is taken on trust. Every question raises NotADocumentError for a wrong answer."""

    def __init__(self, value: object, where: str) -> None:
        if not isinstance(value, dict):
            raise NotADocumentError(f"{where} is not an object")
        self._value = cast("dict[str, object]", value)  # JSON has no other keys than text
        self._where = where

    def has(self, key: str) -> bool:
        """Whether there is a value other than null."""
        return self._value.get(key) is not None

    def text(self, key: str) -> str:
        value = self._value.get(key)
        if not isinstance(value, str):
            raise self._wrong(key, "text")
        return _printable(value)

    def number(self, key: str) -> float:
        """A finite number; whole ones stay whole."""
        value = self._value.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < MAX_NUMBER:
            raise self._wrong(key, "a number")
        return value

    def time(self, key: str) -> float:
        """Seconds since the epoch, of a day that a calendar has."""
        value = self.number(key)
        if not 0 <= value <= MAX_TIME_S:
            raise self._wrong(key, "a time")
        return value

    def whole(self, key: str, absent: int | None = None) -> int:
        """A whole number; `absent`, if given, where there is none."""
        return absent if absent is not None and not self.has(key) else int(self.number(key))

    def flag(self, key: str) -> bool:
        value = self._value.get(key)
        if not isinstance(value, bool):
            raise self._wrong(key, "true or false")
        return value

    def part(self, key: str) -> "_Part":
        return _Part(self._value.get(key), f'"{key}"')

    def parts(self, key: str) -> "list[_Part]":
        value = self._value.get(key)
        if not isinstance(value, list):
            raise self._wrong(key, "a list")
        return [_Part(each, f'an item of "{key}"') for each in value]

    def wholes(self) -> dict[str, int]:
        """All of it, as names and whole numbers."""
        return {_printable(key): self.whole(key) for key in self._value}

    def numbers(self) -> dict[str, float]:
        """All of it, as names and numbers."""
        return {_printable(key): self.number(key) for key in self._value}

    def _wrong(self, key: str, wanted: str) -> NotADocumentError:
        return NotADocumentError(f'"{_printable(key)}" of {self._where} is not {wanted}')


def _printable(text: str) -> str:
    return "".join(character for character in text[:MAX_TEXT] if character.isprintable())
