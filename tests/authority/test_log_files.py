"""The files of a log."""

from datetime import date
from pathlib import Path

from agent.authority.chain import MAX_LINE_BYTES
from agent.authority.log_files import day_of, lines_of, log_file, log_files, name_of
from tests.authority.examples import DAY, NOON


def test_names(tmp_path: Path) -> None:
    """Files are found by their names, in the order of their lines; other names are not the log's."""
    first, second = name_of(1, date(2026, 11, 23)), name_of(12, date(2026, 11, 23))
    strange = ["records-1-2026-11-23.jsonl", "records-000000000001-2026-02-31.jsonl", "head.json", f"{first}.bak"]
    for name in (second, first, *strange):
        (tmp_path / name).touch()

    assert [(1, first), (12, second)] == [(file.sequence, file.path.name) for file in log_files(tmp_path)]
    assert [None] * 4 == [log_file(tmp_path / name) for name in strange]


def test_days() -> None:
    """Days are those of UTC."""
    assert (date(2026, 11, 23), date(2026, 11, 24)) == (day_of(NOON), day_of(NOON + DAY // 2))


def test_lines_are_bounded(tmp_path: Path) -> None:
    """A line without end does not fill the memory: it comes in pieces, which are cut off."""
    path = tmp_path / "long"
    path.write_bytes(b"a\n" + b"x" * (2 * MAX_LINE_BYTES) + b"\nb")

    assert [2, MAX_LINE_BYTES, MAX_LINE_BYTES, 1, 1] == [len(line) for line in lines_of(path)]
