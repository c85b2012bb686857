"""A Page -> Markdown, for a board's papers and a wiki."""

import re

from agent.notice.page import Bullets, Page, Paragraph, Part, Table

_SPECIAL = re.compile(r"([\\`*_\[\]<>|#])")
"""Characters that Markdown would take for its own (https://spec.commonmark.org/0.31.2/#backslash-escapes), where they
can stand in a district's words."""


def as_markdown(page: Page) -> str:
    """The page as Markdown, ending with a line end."""
    blocks = [f"# {_escaped(page.title)}", *map(_part, page.opening)]
    for section in page.sections:
        blocks.append(f"## {_escaped(section.title)}")
        blocks += [_part(part) for part in section.parts]
    blocks += ["---", *map(_part, page.closing)]
    return "\n\n".join(blocks) + "\n"


def _part(part: Part) -> str:
    match part:
        case Paragraph(text):
            return _escaped(text)
        case Bullets(items):
            return "\n".join(f"- {_escaped(item)}" for item in items)
        case Table(head, rows):
            lines = [head, ("---",) * len(head), *(tuple(map(_escaped, row)) for row in rows)]
            return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
