"""The bytes of a YAML file -> plain values that know their line.

Every scalar stays the text that was written: `no` is not false, `07:45` is not a number in base 60, and a date is a
date only to the reader that asks for one. What YAML can do beyond tables, lists and text (aliases, tags, several
documents) is refused: rule files need none of it, and each has been somebody's way in.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import yaml

from agent.policy.problems import Mark, Problems, shown

max_file_bytes = 4 * 1024 * 1024
"""The largest shipped catalogue file is far below 100 kB; imported lists of 100,000 names still fit."""

max_depth = 32
"""Tables and lists inside each other; the rule language needs 6. Keeps the recursion below bounded."""

max_nodes = 500_000
"""Values in one file: a list of names that fills max_file_bytes stays below it."""

# YAML 1.2 section 5.1: the characters a document may hold. libyaml and PyYAML both stop at others, but only libyaml
# says where in bytes and PyYAML where in characters; found here, the line is right for both.
# Written as those that it may not hold: re takes 6 ms to compile the others, beyond U+FFFF as they go.
_unprintable = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")

_TAGGED = (yaml.ScalarEvent, yaml.CollectionStartEvent)

_Loader = type[yaml.CSafeLoader] | type[yaml.SafeLoader]
# libyaml is some ten times faster; where PyYAML was built without it, its own parser gives the same events.
_loader: _Loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader


class Text(NamedTuple):
    """A scalar, exactly as written (quotes removed); an empty value is ""."""

    text: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of values."""

    items: tuple["Node", ...]
    mark: Mark


@dataclass(frozen=True, slots=True)
class Table:
    """Keys and values, in the order of the file."""

    entries: dict[str, tuple[Mark, "Node"]]
    """key -> where the key stands, and its value"""
    mark: Mark


Node = Text | Listing | Table


class _RefusedError(Exception):
    """The file cannot be read any further; the problem has been noted."""


class _Builder:
    """Events of one document -> a Node."""

    def __init__(self, events: Iterator[yaml.Event], file: str, problems: Problems) -> None:
        self._events = events
        self._file = file
        self._problems = problems
        self._nodes = 0

    def document(self) -> Node:
        root: Node = Table({}, Mark(self._file, 1))
        documents = 0
        for event in self._events:
            if not isinstance(event, yaml.DocumentStartEvent):
                continue
            documents += 1
            if documents > 1:
                raise self._refuse(event, "a second document starts", 'write one document, without "---" inside it')
            root = self._node(next(self._events), 0)
        return root

    def _node(self, event: yaml.Event, depth: int) -> Node:
        self._nodes += 1
        if self._nodes > max_nodes:
            raise self._refuse(event, f"the file holds more than {max_nodes} values", "divide it over several files")
        if isinstance(event, yaml.AliasEvent):
            raise self._refuse(event, f'an alias ("*{event.anchor}")', "write the values out; aliases are not read")
        if isinstance(event, _TAGGED) and event.tag is not None:
            raise self._refuse(event, f"a tag ({shown(event.tag)})", 'leave out the "!..."; every value is plain text')
        if isinstance(event, yaml.ScalarEvent):
            if found := _unprintable.search(event.value):
                raise self._refuse(event, f"a control character ({shown(found.group())})", "remove the escape")
            return Text(event.value, self._mark(event))
        if depth >= max_depth:
            raise self._refuse(
                event, f"more than {max_depth} levels inside each other", "check brackets and indentation"
            )
        if isinstance(event, yaml.SequenceStartEvent):
            return self._listing(event, depth + 1)
        return self._table(event, depth + 1)

    def _listing(self, start: yaml.Event, depth: int) -> Listing:
        items: list[Node] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(event, depth))
        return Listing(tuple(items), self._mark(start))

    def _table(self, start: yaml.Event, depth: int) -> Table:
        entries: dict[str, tuple[Mark, Node]] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._node(event, depth)
            if not isinstance(key, Text):
                raise self._refuse(event, "a key that is a list or a table", "write a plain word before the colon")
            value = self._node(next(self._events), depth)
            if key.text in entries:
                first = entries[key.text][0].line
                what = f"the key {shown(key.text)} stands here a second time (first in line {first})"
                self._problems.add(key.mark, what, "keep one of them")
            else:
                entries[key.text] = (key.mark, value)
        return Table(entries, self._mark(start))

    def _mark(self, event: yaml.Event) -> Mark:
        place = event.start_mark
        return Mark(self._file, 0 if place is None else place.line + 1)

    def _refuse(self, event: yaml.Event, what: str, remedy: str) -> _RefusedError:
        self._problems.add(self._mark(event), what, remedy)
        return _RefusedError(what)


def parse(data: bytes, file: str, problems: Problems) -> Node | None:
    """The document in `data`; an empty file is an empty table.

    Args:
        data: The file's bytes, UTF-8.
        file: The file's name, as problems shall show it.
        problems: Gets everything that is wrong.

    Returns:
        The value, or None when the file could not be read to its end. Never raises.
    """
    text = _decoded(data, file, problems)
    if text is None:
        return None
    try:
        return _Builder(yaml.parse(text, Loader=_loader), file, problems).document()
    except _RefusedError:
        return None
    except yaml.MarkedYAMLError as error:
        what = " ".join(part for part in (error.context, error.problem) if part)
        place = error.problem_mark if error.problem_mark is not None else error.context_mark
        line = 0 if place is None else place.line + 1
        # Both parsers stop at a tab; only one of them says that it was one.
        tab = any("\t" in written for written in text.splitlines()[line - 1 : line])
        remedy = "indent with spaces, not tabs" if tab else "check indentation, colons and quotes here and just above"
        problems.add(Mark(file, line), f"this is not YAML: {what}", remedy)
        return None
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        # PyYAML's own parser lets chr() and int() speak: for "\UFFFFFFFF", and for a version of 5,000 digits.
        problems.add(Mark(file, 0), f"this is not YAML: {error}", "check escapes and the lines that begin with %")
        return None


def _decoded(data: bytes, file: str, problems: Problems) -> str | None:
    if len(data) > max_file_bytes:
        problems.add(Mark(file, 0), f"the file is larger than {max_file_bytes} bytes", "divide it over several files")
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problems.add(Mark(file, line), "this is not UTF-8 text", "save the file as UTF-8")
        return None
    if found := _unprintable.search(text):
        line = text.count("\n", 0, found.start()) + 1
        problems.add(Mark(file, line), f"a control character ({shown(found.group())})", "remove it")
        return None
    return text
