"""The landing page: well formed, escaped, whole without the network."""

from html.parser import HTMLParser

from agent.snapshot import GateTotals, Snapshot
from agent.web import page

VOID = {"meta", "link", "input"}


class Outline(HTMLParser):
    """Checks that tags nest, and keeps the text and the links."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [str(value) for name, value in attrs if name in {"href", "src"}]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert tag == self.open.pop()

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open = [name for name in self.open if name != tag]

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def outline(html: bytes) -> Outline:
    parsed = Outline()
    parsed.feed(html.decode())
    parsed.close()
    assert [] == parsed.open
    return parsed


def test_the_numbers_are_there(snapshot: Snapshot) -> None:
    """Headline, categories, applications, evidence and gate are filled from the snapshot."""
    text = " ".join(outline(page.render(snapshot, None)).text)
    assert "43.2 kB" in text  # 30,000 - 1,200 + 15,000 - 600 bytes unopened
    assert "96.000%" in text
    assert "video streaming" in text
    assert "youtube" in text
    assert "the name in a QUIC handshake" in text
    assert "Every frame seen is accounted for." in text


def test_everything_is_escaped(snapshot: Snapshot) -> None:
    """A name that is markup is shown, not obeyed."""
    html = page.render(snapshot, "<b>waiting</b>")
    assert b"<script>alert" not in html
    assert b"&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert b"&lt;b&gt;waiting" in html


def test_nothing_comes_from_elsewhere(snapshot: Snapshot) -> None:
    """Every link is to this listener, and relative, so that the page also works behind a proxy's prefix."""
    links = outline(page.render(snapshot, None)).links
    assert {"metrics", "page.css", "page.js", "icon.svg", "-/healthy", "-/ready"} == set(links)


def test_nothing_that_the_policy_forbids(snapshot: Snapshot) -> None:
    """The Content-Security-Policy allows no inline style, so there is none to be dropped silently."""
    html = page.render(snapshot, None)
    assert b"style=" not in html
    assert "style" not in outline(html).tags


def test_before_and_without_traffic() -> None:
    """No snapshot, and a snapshot of nothing, are pages too."""
    assert "Nothing has been counted yet." in " ".join(outline(page.render(None, "starting")).text)
    empty = Snapshot(time_ns=0, gate=GateTotals("kernel"))
    assert "Nothing yet." in " ".join(outline(page.render(empty, None)).text)


def test_a_broken_law_is_shown() -> None:
    """Frames that no account explains are said to be a defect."""
    broken = Snapshot(time_ns=0, gate=GateTotals("process", seen_packets=3, settled_packets=1))
    assert "2 frames are not accounted for: this is a defect." in " ".join(outline(page.render(broken, None)).text)
