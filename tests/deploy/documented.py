"""A Markdown file -> its blocks of shell that are marked for being tried: "```sh install" is the block `install`."""

import re
from pathlib import Path


def blocks(page: Path) -> dict[str, str]:
    """The marked blocks, by their mark, in the order of the page; a mark that stands twice is an error."""
    found: dict[str, str] = {}
    for mark, text in re.findall(
        r"^```sh ([a-z]+)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    ):
        assert mark not in found, f"{page}: the mark {mark!r} stands twice"
        found[mark] = text
    return found
