"""The difference between two notices, in words."""

from dataclasses import fields, replace

import pytest

from agent.notice.changes import MAX_SHOWN, NOUNS, changes
from agent.notice.notice import Kept, Notice, NoticedTap, description_of


def test_no_difference(notice: Notice) -> None:
    """A notice does not differ from itself."""
    assert () == changes(description_of(notice), description_of(notice))


def test_every_field_has_a_noun() -> None:
    """People read a noun for each field of the notice."""
    assert [field.name for field in fields(Notice)] == list(NOUNS)


def test_in_words(notice: Notice) -> None:
    """What was added, removed and changed is told, one line each, with its name and values."""
    east, west = notice.taps
    changed = replace(
        notice,
        contact="the office",
        taps=(replace(east, where="basement"), NoticedTap("pole", "middle", "roof", (), ("middle",))),
        kept=(Kept("counts", 30), *notice.kept[1:]),
        categories=(*notice.categories, "new_kind"),
    )
    assert "west" == west.id
    assert (
        'whom to ask was "the Superintendent" and is "the office"',
        'the category "new_kind" was added',
        'days of the time of keeping "counts" was 400 and is 30',
        'the tap "west" was removed (building "middle", covers middle, networks guests, where "closet 2 B")',
        'the tap "pole" was added (building "middle", covers middle, where "roof")',
        'where of the tap "core" was "network room" and is "basement"',
    ) == changes(description_of(notice), description_of(changed))


@pytest.mark.parametrize(
    ("posted", "current"),
    [
        ({}, {"taps": [{"id": "a"}]}),
        ({"taps": "none"}, {"taps": [{"id": "a"}]}),
        ({"taps": [1, [2]]}, {"taps": [{"id": "a"}]}),
        ({"taps": [{"id": "a"}, {"id": "a"}]}, {"taps": [{"id": "a"}]}),
        ({"field of another version": {"a": 1}}, {}),
    ],
)
def test_descriptions_of_other_versions(posted: dict[str, object], current: dict[str, object]) -> None:
    """Whatever an older record holds, a difference is told, and nothing is raised."""
    assert changes(posted, current)


def test_a_line_stays_a_line() -> None:
    """Long and unprintable values of a record do not flood or trick a terminal."""
    (line,) = changes({"contact": "\x1b[2J\n" + "x" * 1_000}, {"contact": "a"})

    assert line.isprintable()
    assert len(line) < 2 * MAX_SHOWN
