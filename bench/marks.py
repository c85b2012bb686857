"""A document and a text -> the document with that text between two marks of its own, so that figures can be measured again."""

import sys
from pathlib import Path


def write_between_marks(document: Path, part: str, text: str) -> None:
    """Replaces what stands between `<!-- PART: begin -->` and `<!-- PART: end -->`.

    Raises:
        SystemExit: the document does not hold the two marks, in this order; it stays as it is.
    """
    begin, end = f"<!-- {part}: begin -->", f"<!-- {part}: end -->"
    before, begun, rest = document.read_text(encoding="utf-8").partition(begin)
    _, ended, after = rest.partition(end)
    if not begun or not ended:
        sys.exit(f"{document} does not hold the marks {begin} and {end}, so nothing is written into it")
    document.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")
