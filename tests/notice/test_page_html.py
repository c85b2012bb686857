"""A page as HTML: whole, well-formed, self-contained, readable aloud."""

from datetime import date
from html.parser import HTMLParser

from agent.notice.notice import Notice
from agent.notice.page import Bullets, Page, Paragraph, Section, Table
from agent.notice.page_html import STYLE, as_html
from agent.notice.wording import page_of

VOID = {"meta", "br", "link", "img", "hr"}


class Reader(HTMLParser):
    """Keeps what it met, and that every element was closed in its order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert tag == self.open.pop()

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read(page: Page) -> Reader:
    """Read the document through."""
    reader = Reader()
    reader.feed(as_html(page))
    reader.close()
    assert [] == reader.open
    return reader


def test_whole_and_accessible(notice: Notice) -> None:
    """The document is in English, has a title and one h1, sections named by their h2, and heads with a scope."""
    reader = read(page_of(notice, "0" * 64, date(2026, 11, 21), ()))
    named = {attributes["id"] for tag, attributes in reader.elements if tag == "h2"}

    assert ("html", {"lang": "en"}) == reader.elements[0]
    assert 1 == [tag for tag, _ in reader.elements].count("h1")
    assert named == {attributes["aria-labelledby"] for tag, attributes in reader.elements if tag == "section"}
    assert {"col", "row"} == {attributes.get("scope") for tag, attributes in reader.elements if tag == "th"}


def test_loads_nothing(notice: Notice) -> None:
    """No script, no image, no link, no address: it can be mailed and printed as it is."""
    made = as_html(page_of(notice, "0" * 64, date(2026, 11, 21), ()))
    reader = read(page_of(notice, "0" * 64, date(2026, 11, 21), ()))

    assert set() == {"script", "img", "link", "iframe", "a"} & {tag for tag, _ in reader.elements}
    assert [] == [word for word in ("url(", "@import", "http:", "https:", "src=") if word in made]


def test_a_style_that_is_served_apart() -> None:
    """For a listener that lets no style stand in a page: the same document, with the place of its style instead."""
    page = Page("T", (Paragraph("p"),), (), ())
    apart = as_html(page, stylesheet="a&b.css")

    assert as_html(page) == apart.replace('<link rel="stylesheet" href="a&amp;b.css">', f"<style>\n{STYLE}</style>")


def test_is_made_for_paper() -> None:
    """Margins of the sheet are told, and no row is torn in two."""
    made = as_html(Page("T", (), (), ()))

    assert [] == [word for word in ("@page", "@media print", "break-inside: avoid") if word not in made]


def test_words_of_a_district_are_not_markup() -> None:
    """Whatever stands in premises.yaml is shown, and does nothing."""
    text = '<script>alert("1 & 2")</script>'
    parts = (Paragraph(text), Bullets((text,)), Table((text, text), ((text, text),)))
    reader = read(Page(text, (Paragraph(text),), (Section(text, parts),), (Paragraph(text),)))

    assert "script" not in {tag for tag, _ in reader.elements}
    assert 11 == reader.text.count(text)
