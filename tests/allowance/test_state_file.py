"""Tests of the state file: what was told comes back, whatever else is in its place is refused, and it names nobody."""

import json
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.allowance.allowances import DaySoFar
from agent.allowance.state_file import MAX_FILE_BYTES, StateError, read_state, write_state
from agent.snapshot import MINUTE_BOUNDS, IncidentalUse

TODAY = DaySoFar(
    "2026-11-21",
    {
        ("staff", "retail"): IncidentalUse((20, 10, 5, 5, 0, 0), 5),
        ("guests", "news"): IncidentalUse((7, 0, 0, 0, 0, 0)),
    },
)
CELL = {"segment": "staff", "category": "news", "longer_than": [9, 9, 9, 5, 5, 0], "over_allowance": 5}
RIGHT = {"format": 1, "day": "2026-11-21", "minutes": list(MINUTE_BOUNDS), "cells": [CELL]}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Returns where the state would be."""
    return tmp_path / "state.json"


def test_what_was_told_comes_back(path: Path) -> None:
    """Written and read it is the same; written again it is the newer; only its owner may read it; nothing is left."""
    write_state(path, DaySoFar("2026-11-20"))
    write_state(path, TODAY)

    assert TODAY == read_state(path)
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    assert [path] == list(path.parent.iterdir())


def test_nothing_yet(path: Path) -> None:
    """No file is no state, and no mistake."""
    assert read_state(path) is None


def test_a_file_by_hand(path: Path) -> None:
    """The format is what this test says, so that the next version can be told from it."""
    path.write_text(json.dumps(RIGHT), encoding="utf-8")

    use = IncidentalUse((9, 9, 9, 5, 5, 0), 5)
    assert DaySoFar("2026-11-21", {("staff", "news"): use}) == read_state(path)


def changed(cell: dict[str, object] | None = None, **top: object) -> bytes:
    """The right file with something else in it."""
    document = {**RIGHT, **top}
    if cell is not None:
        document["cells"] = [{**CELL, **cell}]
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no JSON"),
        (b"\xff\xfe", "no JSON"),
        (b"{", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"9" * 5_000, "no JSON"),
        (b" " * (MAX_FILE_BYTES + 1), "more than"),
        (b"null", "not of format 1"),
        (b"[]", "not of format 1"),
        (changed(format=2), "not of format 1"),
        (changed(minutes=[0, 10]), "by other minutes"),
        (changed(day=None), "no day"),
        (changed(day="today"), "no day"),
        (changed(cells={}), "no cells"),
        (changed(cells=[7]), "other keys"),
        (changed({"client": "10.20.1.1"}), "other keys"),
        (changed({"segment": 7}), "without names"),
        (changed({"longer_than": [1, 0]}), "without its numbers"),
        (changed({"longer_than": [1, 2, 0, 0, 0, 0]}), "cannot be"),
        (changed({"longer_than": [1, 0, 0, 0, 0, -1]}), "cannot be"),
        (changed({"longer_than": [1.5, 0, 0, 0, 0, 0]}), "cannot be"),
        (changed({"longer_than": [True, 0, 0, 0, 0, 0]}), "cannot be"),
        (changed({"longer_than": [1 << 40, 0, 0, 0, 0, 0]}), "cannot be"),
        (changed({"over_allowance": None}), "cannot be"),
        (changed({"over_allowance": float("nan")}), "cannot be"),
    ],
)
def test_bad_state_is_refused(data: bytes, words: str, path: Path) -> None:
    """Anything that is not what was written is refused with its reason."""
    path.write_bytes(data)

    with pytest.raises(StateError, match=words):
        read_state(path)


@given(data=st.data())
def test_every_cut_and_every_change(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A file that was cut, or in which a byte is another, is refused or read; never anything else."""
    path = tmp_path_factory.getbasetemp() / "damaged.json"
    whole = json.dumps(RIGHT).encode()
    at = data.draw(st.integers(0, len(whole) - 1))
    other = data.draw(st.one_of(st.just(b""), st.binary(min_size=1, max_size=1)))
    path.write_bytes(whole[:at] + other + (whole[at + 1 :] if other else b""))
    try:
        read = read_state(path)
    except StateError:
        return

    assert read is not None
    assert all(len(use.longer_than) == len(MINUTE_BOUNDS) for use in read.uses.values())


def test_a_place_that_cannot_be_written(path: Path) -> None:
    """A directory in its way, or none to put it into, is an OSError; what was there stays."""
    path.mkdir()
    for place in (path, path.parent / "nowhere" / "state.json"):
        with pytest.raises(OSError, match=r"\[Errno"):
            write_state(place, TODAY)

    assert path.is_dir()


def test_what_is_left_of_a_crash(path: Path) -> None:
    """A half-written file beside it is in nobody's way, and a link there is not followed."""
    victim = path.parent / "victim"
    victim.write_text("mine", encoding="utf-8")
    path.with_name(f"{path.name}.new").symlink_to(victim)
    write_state(path, TODAY)

    assert ("mine", TODAY) == (victim.read_text(encoding="utf-8"), read_state(path))
