"""Sections, tables and lists: whole, escaped, and named for those who hear them."""

from datetime import UTC

from agent.web.elements import (
    PROSE,
    Column,
    Markup,
    element,
    facts,
    hidden,
    html,
    joined,
    link,
    section,
    swatch,
    table,
    time,
)
from tests.web.outline import outline

HOSTILE = "\"><script>alert('1')</script>&"


def test_everything_that_is_no_markup_is_escaped() -> None:
    """Text, captions, cells, attributes, targets: nothing in them becomes an element."""
    made = joined(
        section("s", HOSTILE, HOSTILE, kind=HOSTILE),
        table(HOSTILE, [Column(HOSTILE, HOSTILE)], [[HOSTILE]], kind=HOSTILE, label=HOSTILE),
        facts([(HOSTILE, HOSTILE)]),
        link(HOSTILE, HOSTILE),
        swatch(HOSTILE, HOSTILE),
        hidden(HOSTILE),
        element("p", HOSTILE, title=HOSTILE),
        HOSTILE,
    )
    found = outline(made.html)

    assert "script" not in found.tags
    assert 12 == found.text.count(HOSTILE)


def test_markup_is_taken_as_it_is() -> None:
    """What was made by an element is not escaped a second time."""
    assert "<p><b>a &amp; b</b>, c</p>" == html(element("p", joined(element("b", "a & b"), "c", between=", ")))


def test_attributes() -> None:
    """Names are those of HTML: class_ is class, aria_label is aria-label."""
    assert Markup('<a class="x" aria-label="y">z</a>') == element("a", "z", class_="x", aria_label="y")


def test_a_section_is_named_by_its_heading() -> None:
    """The heading's identifier is what the section refers to."""
    found = dict(outline(section("gate", "The gate", "text").html).elements)

    assert ("gate", "gate") == (found["section"]["aria-labelledby"], found["h2"]["id"])


def test_a_table_for_the_ear() -> None:
    """Heads have their scope and roles; the scrolling part can be reached by keyboard and has a name."""
    found = outline(table("Since the start.", [Column("Name"), Column("Bytes", "number")], [["a", "1"]]).html)
    elements = found.elements

    assert [("th", "col", "columnheader"), ("th", "col", "columnheader"), ("th", "row", "rowheader")] == [
        (tag, attributes["scope"], attributes["role"]) for tag, attributes in elements if tag == "th"
    ]
    # Browsers drop a table's meaning where the style sheet lays its rows out as blocks, unless it is spelt out.
    expected = {"table": "table", "thead": "rowgroup", "tbody": "rowgroup", "tr": "row", "td": "cell"}
    assert [] == [(tag, x) for tag, x in elements if tag in expected and x.get("role") != expected[tag]]
    scroll = elements[0][1]
    assert ("0", "Since the start.") == (scroll["tabindex"], scroll["aria-label"])
    assert "Since the start." in found.text


def test_prose_carries_its_columns() -> None:
    """A cell of sentences says which column it is of, where the columns cannot stand side by side."""
    columns = [Column("Rule"), Column("Rests on")]
    cells = [outline(table("", columns, [["a", "b"]], kind=kind).html).elements for kind in (PROSE, "")]

    assert ["Rests on", None] == [dict(elements)["td"].get("data-column") for elements in cells]


def test_an_empty_table_says_so() -> None:
    """Nothing yet, over all columns."""
    found = outline(table("", [Column("a"), Column("b")], []).html)

    assert "Nothing yet." in found.text
    assert "2" == dict(found.elements)["td"]["colspan"]


def test_time() -> None:
    """People read the clock on the wall, machines the attribute."""
    found = outline(time(1_795_446_000.5, UTC).html)

    assert ("2026-11-23 15:00:00 UTC", "2026-11-23T15:00:00+00:00") == (found.text, found.elements[0][1]["datetime"])
    assert "15:00" == outline(time(1_795_446_000.5, UTC, date=False).html).text
