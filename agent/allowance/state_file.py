"""What has been told of today <-> a file, so that a restart of the program does not begin the day's numbers anew.

The file holds what /metrics shows and nothing else: numbers of devices by segment and category, small ones held back
already. No address, no hash of one, no key; so there is nothing in it that a copy, a backup or a thief could turn into
a person. It is written beside its place and renamed into it, for its owner alone. It is not forced to the disk: it is
for restarts of the program, and what a power cut leaves of it is refused when it is read.
"""

import json
import os
import re
from pathlib import Path
from typing import Final

from agent.allowance.allowances import DaySoFar
from agent.allowance.uses import MAX_USES
from agent.snapshot import MINUTE_BOUNDS, IncidentalUse

MAX_FILE_BYTES: Final = 1 << 20
"""256 segments with 22 categories of some 150 bytes each."""

_FORMAT: Final = 1
_CELL_KEYS: Final = frozenset({"segment", "category", "longer_than", "over_allowance"})
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class StateError(Exception):
    """The file is not what `write_state` writes. str() says in what."""


def read_state(path: Path) -> DaySoFar | None:
    """What an earlier process told of its day; None when it left no file.

    Raises:
        StateError: the file is damaged, or of another version.
        OSError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        return None
    if len(data) > MAX_FILE_BYTES:
        raise StateError(f"more than {MAX_FILE_BYTES} bytes")
    try:
        document: object = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise StateError(f"no JSON: {error}") from error
    return _day(document)


def write_state(path: Path, day: DaySoFar) -> None:
    """Replaces the file. A reader finds the old one or the new one, whole.

    Raises:
        OSError: it cannot be written; the old one stays.
    """
    document = {
        "format": _FORMAT,
        "day": day.day,
        "minutes": MINUTE_BOUNDS,
        "cells": [
            {
                "segment": segment,
                "category": category,
                "longer_than": use.longer_than,
                "over_allowance": use.over_allowance,
            }
            for (segment, category), use in day.uses.items()
        ],
    }
    beside = path.with_name(f"{path.name}.new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(document, file)
    beside.replace(path)


def _day(document: object) -> DaySoFar:
    if not isinstance(document, dict) or document.get("format") != _FORMAT:
        raise StateError(f"not of format {_FORMAT}")
    if document.get("minutes") != list(MINUTE_BOUNDS):
        raise StateError("told apart by other minutes")
    day, cells = document.get("day"), document.get("cells")
    if not isinstance(day, str) or not _DAY.fullmatch(day) or not isinstance(cells, list):
        raise StateError("no day, or no cells")
    return DaySoFar(day, dict(map(_cell, cells)))


def _cell(cell: object) -> tuple[tuple[str, str], IncidentalUse]:
    if not isinstance(cell, dict) or cell.keys() != _CELL_KEYS:
        raise StateError("a cell with other keys")
    segment, category = cell["segment"], cell["category"]
    if not isinstance(segment, str) or not isinstance(category, str):
        raise StateError("a cell without names")
    longer_than, over = cell["longer_than"], cell["over_allowance"]
    if not isinstance(longer_than, list) or len(longer_than) != len(MINUTE_BOUNDS):
        raise StateError("a cell without its numbers")
    numbers = [number for number in (over, *longer_than) if type(number) is int and 0 <= number <= MAX_USES]
    if len(numbers) != 1 + len(MINUTE_BOUNDS) or numbers[1:] != sorted(numbers[1:], reverse=True):
        raise StateError("numbers that cannot be")
    return (segment, category), IncidentalUse(tuple(numbers[1:]), numbers[0])
