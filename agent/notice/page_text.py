"""A Page -> plain text for a terminal or a mail."""

import textwrap
from typing import Final

from agent.notice.page import Bullets, Page, Paragraph, Part, Table

WIDTH: Final = 100
"""Columns: what a mail and half a screen hold."""


def as_text(page: Page) -> str:
    """The page as lines of text, ending with a line end."""
    blocks = [f"{page.title.upper()}\n{'=' * len(page.title)}", *map(_part, page.opening)]
    for section in page.sections:
        blocks.append(f"{section.title}\n{'-' * len(section.title)}")
        blocks += [_part(part) for part in section.parts]
    blocks += map(_part, page.closing)
    return "\n\n".join(blocks) + "\n"


def _part(part: Part) -> str:
    match part:
        case Paragraph(text):
            return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)
        case Bullets(items):
            return "\n".join(_hanging("- ", item) for item in items)
        case Table(head, rows):
            return "\n".join(_row(head, row) for row in rows)


def _row(head: tuple[str, ...], row: tuple[str, ...]) -> str:
    """A row as people read it aloud: its first cell, and under it the others with their heads where these are many."""
    if len(head) == 2:
        return _hanging("- ", f"{row[0]}: {row[1]}")
    others = [_hanging(f"  {name}: ", cell, indent="    ") for name, cell in zip(head[1:], row[1:], strict=True)]
    return "\n".join([_hanging("- ", row[0]), *others])


def _hanging(lead: str, text: str, indent: str = "  ") -> str:
    return textwrap.fill(
        text, WIDTH, initial_indent=lead, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
