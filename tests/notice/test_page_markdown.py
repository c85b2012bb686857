"""A page as Markdown."""

from agent.notice.page import Bullets, Page, Paragraph, Section, Table
from agent.notice.page_markdown import as_markdown


def test_tables() -> None:
    """A table has its head, its rule and its rows."""
    made = as_markdown(Page("T", (), (Section("S", (Table(("a", "b"), (("1", "2"),)),)),), ()))

    assert "# T\n\n## S\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n\n---\n" == made


def test_words_of_a_district_are_not_markup() -> None:
    """What Markdown would take for its own is escaped, and a text cannot leave its cell, line or paragraph."""
    text = "a|b *c* [d](e) <f> `g` \\ h_i\n# j"
    made = as_markdown(
        Page("T", (Paragraph(text),), (Section("S", (Table(("a",), ((text,),)), Bullets((text,)))),), ())
    )
    escaped = r"a\|b \*c\* \[d\](e) \<f\> \`g\` \\ h\_i \# j"

    assert 3 == made.count(escaped)
    assert f"| {escaped} |" in made.splitlines()
