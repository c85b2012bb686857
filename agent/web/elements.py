"""Texts and numbers -> sections, tables and lists of HTML, escaped here and nowhere else."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from html import escape
from typing import Final


@dataclass(frozen=True, slots=True)
class Markup:
    """Text that is HTML already. Whatever is no Markup is escaped."""

    html: str


Content = str | Markup

PROSE: Final = "prose"
"""The kind of a table of sentences."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table."""

    title: Content
    kind: str = ""
    """Class of its cells: "number", "long", "chart" or "" for a word."""


def html(content: Content) -> str:
    """A content as HTML."""
    return content.html if isinstance(content, Markup) else escape(content)


def element(tag: str, content: Content, **attributes: str) -> Markup:
    """An element around a content. A trailing underscore in an attribute's name is dropped, any other is a hyphen."""
    words = "".join(f' {_attribute(name)}="{escape(value)}"' for name, value in attributes.items())
    return Markup(f"<{tag}{words}>{html(content)}</{tag}>")


def joined(*contents: Content, between: str = "") -> Markup:
    """Contents one after the other, with HTML between them."""
    return Markup(between.join(map(html, contents)))


def section(identifier: str, title: str, *contents: Content, kind: str = "") -> Markup:
    """A part of the page with its heading, which names it for those who hear the page."""
    heading = element("h2", title, id=identifier)
    extra = {"class_": kind} if kind else {}
    return element("section", joined(heading, *contents), aria_labelledby=identifier, **extra)


def table(
    caption: Content, columns: Sequence[Column], rows: Iterable[Sequence[Content]], *, kind: str = "", label: str = ""
) -> Markup:
    """A table whose first column heads its rows. It scrolls by itself where the window is too narrow for it.

    Args:
        caption: Above the table; none when empty.
        columns: Heads and kinds.
        rows: Cells, as many as there are columns. Without any the table says that there is nothing yet.
        kind: Class of the table. In PROSE each cell carries its column's title, for a window too narrow for columns.
        label: Names the scrolling part for those who hear the page; the caption's text unless given.
    """
    # Roles are named, since a browser takes them away where the style sheet lays rows out as blocks (360 px).
    head = "".join(
        element("th", column.title, scope="col", role="columnheader", class_=column.kind or "word").html
        for column in columns
    )
    body = "".join(_row(columns, row, labelled=kind == PROSE) for row in rows)
    body = body or f'<tr role="row"><td role="cell" class="long" colspan="{len(columns)}">Nothing yet.</td></tr>'
    named = label or (caption if isinstance(caption, str) else "Table")
    return Markup(
        f'<div class="scroll" role="group" tabindex="0" aria-label="{escape(named)}">'
        f'<table role="table"{_class(kind)}>{element("caption", caption).html if caption else ""}'
        f'<thead role="rowgroup"><tr role="row">{head}</tr></thead><tbody role="rowgroup">{body}</tbody></table></div>'
    )


def facts(pairs: Iterable[tuple[str, Content]]) -> Markup:
    """Names and what they are, as a list."""
    return element("dl", joined(*(element("div", joined(element("dt", k), element("dd", v))) for k, v in pairs)))


def link(target: str, text: str) -> Markup:
    """A link to another address of this listener."""
    return element("a", text, href=target)


def swatch(kind: str, text: str) -> Markup:
    """A word with a square of its colour before it. The colour says nothing that the word does not."""
    return joined(Markup(f'<span class="swatch {escape(kind)}" aria-hidden="true"></span>'), text)


def hidden(text: str) -> Markup:
    """A text for those who hear the page; those who see it have it otherwise."""
    return element("span", text, class_="unseen-text")


def time(at_s: float, zone: tzinfo, *, date: bool = True) -> Markup:
    """A time on a wall's clock. `at_s` is in seconds since the epoch."""
    at = datetime.fromtimestamp(at_s, zone)
    shown = at.strftime("%Y-%m-%d %H:%M:%S %Z" if date else "%H:%M")
    return element("time", shown, datetime=at.isoformat(timespec="seconds"))


def _row(columns: Sequence[Column], cells: Sequence[Content], *, labelled: bool) -> str:
    parts = []
    for index, (column, cell) in enumerate(zip(columns, cells, strict=True)):
        if index:
            label = {"data_column": str(column.title)} if labelled else {}
            parts.append(element("td", cell, role="cell", class_=column.kind or "word", **label).html)
        else:
            parts.append(element("th", cell, scope="row", role="rowheader", class_=column.kind or "word").html)
    return f'<tr role="row">{"".join(parts)}</tr>'


def _attribute(name: str) -> str:
    return name.rstrip("_").replace("_", "-")


def _class(kind: str) -> str:
    return f' class="{escape(kind)}"' if kind else ""
