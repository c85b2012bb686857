"""What is around every page of the agent."""

from agent.web.shell import LIVE, PAGES, shell
from tests.web.outline import outline


def test_a_whole_page() -> None:
    """Language, title, landmarks, one heading, a way past the navigation; what is handed in is escaped."""
    found = outline(shell("<b>", "<Coverage>", "coverage", district="<Hamden>", state="<ok>"))

    assert ("html", {"lang": "en"}) == found.elements[0]
    assert {"header", "nav", "main", "footer", "title", "h1"} <= set(found.tags)
    assert (1, 1) == (found.tags.count("h1"), found.tags.count("main"))
    for text in ("<b>", "<Coverage> – Hallwatch", "<Hamden>", "<ok>"):
        assert text in found.text
    assert "#main" in found.links


def test_one_page_is_the_current_one() -> None:
    """The navigation says where the reader is."""
    found = outline(shell("", "Coverage", "coverage"))
    current = [attributes["href"] for tag, attributes in found.elements if attributes.get("aria-current") == "page"]

    assert ["coverage"] == current
    assert {target for target, _ in PAGES} <= set(found.links)


def test_only_a_live_page_has_a_script() -> None:
    """And reloads itself where there are none."""
    assert "script" not in outline(shell("", "Coverage", "coverage")).tags
    assert {"script", "noscript"} <= set(outline(shell("", "Hallwatch", "./", head=LIVE)).tags)
