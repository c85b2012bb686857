"""HTML -> what a test asks of it: that tags nest, and the text, links, tags and names in it."""

from html.parser import HTMLParser

VOID = {"meta", "link", "input", "img", "br"}


class Outline(HTMLParser):
    """Checks that tags nest, and keeps what it met."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []

    @property
    def text(self) -> str:
        """All text, spaces as a reader sees them."""
        return " ".join(" ".join(self.texts).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        self.links += [str(value) for name, value in attrs if name in {"href", "src"}]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert tag == self.open.pop()

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def outline(html: bytes | str) -> Outline:
    """Reads a document, or a part of one, through to its end."""
    parsed = Outline()
    parsed.feed(html if isinstance(html, str) else html.decode())
    parsed.close()
    assert [] == parsed.open
    return parsed
