"""Charts: that what is drawn is what was counted."""

import re

import pytest

from agent.verdict import Verdict
from agent.web.charts import bar, ceiling, spark, stacked
from tests.web.outline import outline

HEIGHT = 1000


def areas(drawn: str) -> dict[str, list[int]]:
    """The height of each area at each step, read off its path."""
    found = {}
    for kind, path in re.findall(r'<path class="(\w+)" d="([^"]+z)"', drawn):
        level, heights = 0, []
        for word, number in re.findall(r"([vh])(-?\d+)", path):
            if word == "v":
                level -= int(number)
            else:
                heights += [level] * int(number)
        found[kind] = heights
    return found


@pytest.mark.parametrize(
    ("most", "end"),
    [(0, 1e3), (124, 1e3), (125, 1e3), (126, 1.5e3), (250.1, 3e3), (1_000, 8e3), (1_001, 1e4), (9e9, 8e10)],
)
def test_the_scale_ends_at_a_round_number_of_bits(most: float, end: float) -> None:
    """Never below what is drawn, and not far above."""
    assert end / 8 == pytest.approx(ceiling(most))


def test_areas_stand_on_one_another() -> None:
    """Each verdict's area ends where the next begins; the highest is drawn first, so that none hides another."""
    drawn = stacked({Verdict.PERMITTED: [0, 125, 250], Verdict.REVIEW: [500, 0, None]}, "label").html
    found = areas(drawn)

    assert {
        "permitted": [0, 250, 500],
        "review": [HEIGHT, 250, 500],
    } == found  # 500 bytes a second are the 4 kbit/s of the scale
    assert list(found) == ["review", "permitted"]
    assert "4.00 kbit/s" in outline(drawn).text
    assert "2.00 kbit/s" in outline(drawn).text


def test_a_chart_is_named() -> None:
    """A drawing is an image with a name; the scale beside it is for the eye."""
    found = dict(outline(stacked({Verdict.PERMITTED: [1.0]}, "Traffic: <all>").html).elements)

    assert ("img", "Traffic: <all>") == (found["svg"]["role"], found["svg"]["aria-label"])


def test_what_was_not_observed_is_shown() -> None:
    """A rectangle for each run of steps that nobody counted, and none where there was no traffic."""
    drawn = stacked({Verdict.PERMITTED: [None, None, 0.0, 1.0, None]}, "label").html
    gaps = re.findall(r'<rect class="unseen" x="(\d+)" width="(\d+)"', drawn)

    assert [("0", "2"), ("4", "1")] == gaps


def test_nothing_to_draw() -> None:
    """No traffic is a chart too, with a scale."""
    assert {} == areas(stacked({verdict: [0.0, 0.0] for verdict in Verdict}, "label").html)
    assert {} == areas(stacked({}, "label").html)
    assert {} == areas(spark({Verdict.REVIEW: [None, 0.0]}, 2).html)


def test_a_small_chart_has_its_own_scale() -> None:
    """The mean of what was observed in each run of steps, the highest at the top."""
    drawn = spark({Verdict.REVIEW: [2.0, 4.0, None, 6.0, None, None]}, 2).html

    assert {"review": [50, 100, 0]} == areas(drawn)


def test_a_bar() -> None:
    """Parts follow one another by their share of the whole; empty ones are left out, and nothing divides by 0."""
    drawn = bar((("a", 25), ("b", 0), ("c", 50)), 100).html

    assert [("a", "0.00%", "25.00%"), ("c", "25.00%", "50.00%")] == re.findall(
        r'class="(\w)" x="([\d.]+%)" width="([\d.]+%)"', drawn
    )
    assert "rect" not in bar((("a", 0),), 0).html
