"""The charts of the last hour, and that the tables behind them hold the same numbers."""

from datetime import UTC

import pytest

from agent.history import STEPS, History, LastHour
from agent.quantities import size
from agent.snapshot import Snapshot
from agent.verdict import Verdict
from agent.web.hour import SPAN_STEPS, by_category, by_verdict, in_words
from agent.web.picture import picture
from tests.web.hours import USES, an_hour
from tests.web.outline import outline


def shown(snapshot: Snapshot, history: History) -> tuple[str, str]:
    """Both sections, as HTML."""
    now = picture(snapshot, history.recent(), waiting=None, policy=None, other_limits={}, titles={})
    hour = history.last_hour()
    return by_verdict(now, hour, UTC).html, by_category(now, hour, UTC).html


@pytest.fixture(scope="module")
def sections() -> tuple[str, str]:
    """Of a whole hour."""
    return shown(*an_hour())


@pytest.fixture(scope="module")
def hour() -> LastHour:
    """The same hour, as numbers."""
    return an_hour()[1].last_hour()


def test_by_verdict(sections: tuple[str, str], hour: LastHour) -> None:
    """An area, a line of the legend and a row of the table for each verdict; the image's name tells the shares."""
    found = outline(sections[0])
    (label,) = [attributes["aria-label"] for tag, attributes in found.elements if tag == "svg"]

    assert 4 == sections[0].count('<path class="') - sections[0].count('<path class="grid"')
    assert 8 == [attributes.get("role") for tag, attributes in found.elements if tag == "th"].count("rowheader")
    assert label.startswith("Traffic by verdict over the last hour: permitted ")
    assert "prohibited" in label
    for verdict in Verdict:
        assert size(sum(hour.amounts(verdict))) in found.text


def test_the_table_behind_it(sections: tuple[str, str], hour: LastHour) -> None:
    """Twelve columns of five minutes, whose numbers are the chart's."""
    details = sections[0].partition("<details")[2]
    found = outline(f"<details{details.rpartition('</section>')[0]}")

    assert STEPS // SPAN_STEPS == found.tags.count("time")
    for at in range(0, STEPS, SPAN_STEPS):
        assert size(sum(hour.amounts(Verdict.REVIEW)[at : at + SPAN_STEPS])) in found.text


def test_by_category(sections: tuple[str, str], hour: LastHour) -> None:
    """A row with a small chart for each category, the busiest of the hour first."""
    found = outline(sections[1])
    names = [line.partition("<")[0] for line in sections[1].split('class="word">')[1:]]
    totals = {use[1]: sum(sum(hour.amounts(verdict, use[1])) for verdict in Verdict) for use in USES}

    assert len(USES) == sections[1].count('class="spark"')
    assert names.index("Video streaming") < names.index("Education") < names.index("Generative AI")
    assert [] == [name for name, total in totals.items() if size(total) not in found.text]
    assert "permitted" in found.text


def test_at_the_start() -> None:
    """Before anything came the charts are there, grey, and say so."""
    empty = Snapshot(0, an_hour()[0].gate)
    found = [outline(html).text for html in shown(empty, History())]

    assert "Grey: the agent was not counting." in found[0]
    assert "Nothing yet." in found[0]
    assert "Nothing yet." in found[1]


def test_a_full_hour_has_no_grey(sections: tuple[str, str], hour: LastHour) -> None:
    """What is said of grey is said only where there is some."""
    assert 0 not in hour.covered_ns
    assert (False, False) == ("unseen" in sections[0], "Grey" in sections[0])


@pytest.mark.parametrize(
    ("sums", "words"),
    [
        ({}, ""),
        ({Verdict.REVIEW: 0}, ""),
        ({Verdict.REVIEW: 5, Verdict.PERMITTED: 0}, "review"),
        (
            {Verdict.PERMITTED: 800, Verdict.REVIEW: 199, Verdict.PROHIBITED: 1},
            "permitted 80%, review 19%, prohibited <1%",
        ),
    ],
)
def test_in_words(sums: dict[Verdict, int], words: str) -> None:
    """One verdict needs no share."""
    assert words == in_words(sums)
