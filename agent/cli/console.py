"""Tables for people -> a terminal, or the same without colours into a file or a pipe."""

from io import TextIOWrapper
from typing import TextIO

from rich import box
from rich.console import Console
from rich.table import Table

from agent.verdict import Verdict

WIDTH_WITHOUT_TERMINAL = 120
"""Columns of a table that is piped or kept: what fits a screen, so that a file reads as the terminal did."""

VERDICT_STYLES = {
    Verdict.PERMITTED: "green",
    Verdict.INCIDENTAL: "blue",
    Verdict.PROHIBITED: "red",
    Verdict.REVIEW: "yellow",
}


def console_for(stream: TextIO) -> Console:
    """A console that shows text as it is: nothing in a name is taken for markup.

    Where the stream has no such character (a locale without UTF-8) it shows "?" in its place.
    """
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="replace")
    width = None if stream.isatty() else WIDTH_WITHOUT_TERMINAL
    return Console(file=stream, width=width, markup=False, emoji=False, highlight=False)


def table(title: str, *columns: str, numbers_from: int) -> Table:
    """An empty table whose columns from `numbers_from` on hold numbers, and stand on the right."""
    made = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for index, column in enumerate(columns):
        made.add_column(column, justify="right" if index >= numbers_from else "left", overflow="fold")
    return made
