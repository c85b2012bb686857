"""A page as plain text."""

from agent.notice.page import Page, Paragraph, Section, Table
from agent.notice.page_text import WIDTH, as_text


def test_lines_are_short() -> None:
    """No line is longer than WIDTH, save one that is a single word."""
    long = "word " * 200
    text = as_text(Page("T", (Paragraph(long),), (Section("S", (Table(("a", "b", "c"), ((long, long, long),)),)),), ()))

    assert [] == [line for line in text.splitlines() if len(line) > WIDTH]


def test_tables_are_read_aloud() -> None:
    """Two columns stand on one line; more, each under its head."""
    two, three = Table(("a", "b"), (("1", "2"),)), Table(("a", "b", "c"), (("1", "2", "3"),))

    assert "T\n=\n\nS\n-\n\n- 1: 2\n\n- 1\n  b: 2\n  c: 3\n" == as_text(
        Page("T", (), (Section("S", (two, three)),), ())
    )
