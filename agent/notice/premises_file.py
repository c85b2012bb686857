"""rules/premises.yaml -> Premises."""

import re
from collections.abc import Collection, Iterator
from typing import Final

from agent.notice.premises import Building, Premises, Retention, Tap
from agent.policy.document import Node
from agent.policy.fields import Fields
from agent.policy.problems import Mark, Problems, shown

MAX_BUILDINGS: Final = 256
"""More than any district of Connecticut has."""
MAX_TAPS: Final = 256
"""One a building."""
MAX_DAYS: Final = 3_650
"""Ten years. What is kept for longer is an archive, and another law's matter."""

_COMFORT: Final = re.compile(
    r"\b((?:rest|bath|wash|shower|dressing|locker|changing|break|lactation|nursing|wellness)[ -]?rooms?|toilets?|showers?"
    r"|lavator(?:y|ies)|lounges?|(?:wo)?men['\u2019]?s['\u2019]? rooms?|nurse['\u2019]?s['\u2019]? (?:room|office))\b",
    re.IGNORECASE,
)
"""Areas for health or personal comfort, or for the safeguarding of possessions (Conn. Gen. Stat. 31-48b)."""


class _Reader:
    def __init__(self, segments: Collection[str] | None, problems: Problems) -> None:
        self._segments = segments
        self._problems = problems
        self._buildings: dict[str, Mark] = {}
        self._taps: dict[str, Mark] = {}

    def file(self, document: Node) -> Premises | None:
        fields = Fields(
            document,
            "file of premises",
            self._problems,
            required=["district", "contact", "retention", "buildings", "taps"],
            optional=["notice", "distinct_devices"],
        )
        district, contact = fields.string("district"), fields.string("contact")
        buildings = tuple(
            b for node in self._members(fields, "buildings", MAX_BUILDINGS) if (b := self._building(node))
        )
        taps = tuple(tap for node in self._members(fields, "taps", MAX_TAPS) if (tap := self._tap(node)))
        self._check_covered(taps)
        retention_node, notice_node = fields.node("retention"), fields.node("notice")
        devices_node = fields.node("distinct_devices")
        retention = None if retention_node is None else self._retention(retention_node)
        where = () if notice_node is None else self._posted_where(notice_node)
        store = "" if devices_node is None else self._store(devices_node)
        if retention is None:
            return None
        return Premises(district, contact, buildings, taps, retention, store, where)

    def _members(self, fields: Fields, key: str, most: int) -> Iterator[Node]:
        nodes = fields.items(key)
        if key in fields and not nodes:
            self._problems.add(fields.mark_of(key), f'"{key}" names none', "name at least one")
        if len(nodes) > most:
            self._problems.add(
                nodes[most].mark, f"more than {most} {key}", "write the rest into another district's file"
            )
        yield from nodes[:most]

    def _building(self, node: Node) -> Building | None:
        fields = Fields(node, "building", self._problems, required=["id", "name"], optional=["address"])
        identifier = self._new(fields, self._buildings)
        if identifier is None:
            return None
        return Building(identifier, fields.string("name"), fields.string("address"))

    def _tap(self, node: Node) -> Tap | None:
        fields = Fields(
            node,
            "tap",
            self._problems,
            required=["id", "building", "where", "interfaces", "segments"],
            optional=["covers"],
        )
        identifier = self._new(fields, self._taps)
        building = fields.choice("building", self._buildings)
        where = fields.string("where")
        if found := _COMFORT.search(where):
            what = f"this tap stands in an area for health or personal comfort ({shown(found.group())})"
            remedy = "no monitoring device may be there (Conn. Gen. Stat. 31-48b); move it, or name its place better"
            self._problems.add(fields.mark_of("where"), what, remedy)
        interfaces = tuple(text.text for text in fields.texts("interfaces"))
        segments = fields.choices("segments", self._segments, "segment") or frozenset()
        covers = fields.choices("covers", self._buildings, "building") or frozenset()
        if identifier is None or building is None:
            return None
        return Tap(identifier, building, where, interfaces, tuple(sorted(segments)), tuple(sorted(covers | {building})))

    def _new(self, fields: Fields, taken: dict[str, Mark]) -> str | None:
        identifier = fields.identifier("id")
        if identifier is None:
            return None
        if identifier in taken:
            what = f"the {fields.what} {shown(identifier)} stands in line {taken[identifier].line} already"
            self._problems.add(fields.mark_of("id"), what, f"give each {fields.what} its own id")
            return None
        taken[identifier] = fields.mark_of("id")
        return identifier

    def _check_covered(self, taps: Collection[Tap]) -> None:
        """A building of which no tap sees anything has no place in a notice of where monitoring may occur."""
        covered = {building for tap in taps for building in tap.covers}
        for building, mark in self._buildings.items():
            if taps and building not in covered:
                remedy = 'name it under "covers" of the tap that sees its traffic, or leave it out'
                self._problems.add(mark, f"no tap covers the building {shown(building)}", remedy)

    def _retention(self, node: Node) -> Retention | None:
        fields = Fields(node, '"retention"', self._problems, required=["counts_days", "records_days"])
        counts, records = self._days(fields, "counts_days"), self._days(fields, "records_days")
        return None if counts is None or records is None else Retention(counts, records)

    def _days(self, fields: Fields, key: str) -> int | None:
        text = fields.text(key)
        if text is None:
            return None
        if not re.fullmatch(r"[0-9]{1,4}", text.text) or not 1 <= int(text.text) <= MAX_DAYS:
            remedy = f"write a whole number from 1 to {MAX_DAYS}"
            self._problems.add(text.mark, f'"{key}": {shown(text.text)} is no number of days', remedy)
            return None
        return int(text.text)

    def _store(self, node: Node) -> str:
        return Fields(node, '"distinct_devices"', self._problems, required=["where"]).string("where")

    def _posted_where(self, node: Node) -> tuple[str, ...]:
        fields = Fields(node, '"notice"', self._problems, required=["where"])
        return tuple(text.text for text in fields.texts("where"))


def read_premises(document: Node, segments: Collection[str] | None, problems: Problems) -> Premises | None:
    """The premises that the file describes; everything that is wrong is a problem.

    Args:
        document: The file.
        segments: Identifiers of segments.yaml, or None where nobody can say: then any will do.
        problems: Gets everything that is wrong. The value is of use only when nothing was added.
    """
    return _Reader(segments, problems).file(document)
