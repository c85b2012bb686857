"""A page, in each of its forms: nothing of it is lost."""

from collections.abc import Callable

import pytest

from agent.notice.page import Bullets, Page, Paragraph, Section, Table
from agent.notice.page_html import as_html
from agent.notice.page_markdown import as_markdown
from agent.notice.page_text import as_text

PAGE = Page(
    "alpha",
    (Paragraph("bravo"),),
    (
        Section(
            "charlie",
            (Paragraph("delta"), Bullets(("echo", "foxtrot")), Table(("golf", "hotel"), (("india", "juliet"),))),
        ),
    ),
    (Paragraph("kilo"),),
)


@pytest.mark.parametrize("form", [as_html, as_markdown, as_text])
def test_every_part_in_its_order(form: Callable[[Page], str]) -> None:
    """Every text of a page stands in each form, in the order of the page; plain text leaves the heads of two columns out."""
    made = form(PAGE).lower()
    words = ["bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliet", "kilo"]
    wanted = [word for word in words if form is not as_text or word not in {"golf", "hotel"}]

    assert "alpha" in made
    assert wanted == sorted(wanted, key=made.index)
    assert made.endswith("\n")
