"""How a posted notice stands to the rules in force."""

from dataclasses import replace
from datetime import date

from agent.notice.check import check_posted
from agent.notice.notice import Notice, NoticedTap, description_of, fingerprint_of
from agent.notice.posted import Posted
from agent.policy.problems import Problem, Problems, RulesError


def outcome(notice: Notice | None, posted: Posted | None) -> tuple[str, list[Problem]]:
    """What is said, and what is wrong."""
    problems = Problems()
    text = check_posted(notice, posted, "notice-posted.json", problems)
    try:
        problems.raise_if_any()
    except RulesError as error:
        return text, list(error.problems)
    return text, []


def posted(notice: Notice) -> Posted:
    """The notice, hanging since October."""
    description = description_of(notice)
    return Posted(date(2026, 10, 1), fingerprint_of(description), (), description, 3)


def test_nothing_posted_is_told(notice: Notice) -> None:
    """Rules can be tried before anything hangs: that is said, and is no problem."""
    text, problems = outcome(notice, None)

    assert "none is recorded as posted" in text
    assert [] == problems


def test_as_posted(notice: Notice) -> None:
    """What was posted and is still so is in order."""
    assert ("as posted on 2026-10-01", []) == outcome(notice, posted(notice))


def test_a_new_tap(notice: Notice) -> None:
    """A tap more than the notice names is a problem at the recorded fingerprint, in words."""
    tap = NoticedTap("new", "middle", "attic", ("guests",), ("middle",))
    _, (problem,) = outcome(replace(notice, taps=(*notice.taps, tap)), posted(notice))

    assert ("notice-posted.json", 3) == (problem.file, problem.line)
    assert problem.what.startswith('the notice posted on 2026-10-01 is no longer true: the tap "new" was added')
    assert "hallwatch notice --record" in problem.remedy


def test_premises_removed(notice: Notice) -> None:
    """Without premises.yaml nothing is wrong until a notice was posted; then that it is gone is."""
    assert [] == outcome(None, None)[1]
    assert ["there is no premises.yaml any more" in problem.what for problem in outcome(None, posted(notice))[1]] == [
        True
    ]
