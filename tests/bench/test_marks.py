"""Figures go between the marks of their own part, and nowhere else."""

from pathlib import Path

import pytest

from bench.marks import write_between_marks

TWO_PARTS = "before\n<!-- a: begin -->\nold\n<!-- a: end -->\nbetween\n<!-- b: begin -->\n<!-- b: end -->\nafter\n"


def test_one_part_is_replaced(tmp_path: Path) -> None:
    """The text of a part is replaced, as often as one likes; the other part and the prose stay."""
    document = tmp_path / "document.md"
    document.write_text(TWO_PARTS, encoding="utf-8")
    for text in ("1 × 2\n3", "new"):
        write_between_marks(document, "a", text)
        assert document.read_text(encoding="utf-8") == TWO_PARTS.replace("old", text)


@pytest.mark.parametrize("lost", ["<!-- a: begin -->", "<!-- a: end -->"])
def test_without_marks_nothing_is_written(tmp_path: Path, lost: str) -> None:
    """A document that has lost a mark is left alone: what stands behind the other one is not cut off."""
    document = tmp_path / "document.md"
    document.write_text(TWO_PARTS.replace(lost, ""), encoding="utf-8")

    with pytest.raises(SystemExit, match="<!-- a: begin -->"):
        write_between_marks(document, "a", "new")
    assert document.read_text(encoding="utf-8") == TWO_PARTS.replace(lost, "")


def test_the_documents_marks_are_there() -> None:
    """docs/performance.md has the parts that the programs of this folder write, each once."""
    text = (Path(__file__).parents[2] / "docs" / "performance.md").read_text(encoding="utf-8")

    assert [1] * 4 == [
        text.count(f"<!-- {part}: {mark} -->") for part in ("bench", "live") for mark in ("begin", "end")
    ]
