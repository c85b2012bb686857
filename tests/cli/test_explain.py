"""hallwatch explain: steps, verdicts, times, and mistakes on the command line."""

import json
from typing import Any

import pytest

from agent.cli.main import main

IN_CLASS, AT_NIGHT = "2026-11-23T10:15", "2026-11-23T22:15"


def explained(line: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert 0 == main(["explain", *line, "--json"])
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def test_steps_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    """With a segment every step is shown, then the verdict, its rule, and the clause it rests on."""
    assert 0 == main(["explain", "www.tiktok.com", "--segment", "students", "--at", IN_CLASS])
    shown = capsys.readouterr().out
    for part in (
        "From name to verdict",
        "catalogue",
        "tiktok",
        "prohibited",
        "students-in-school-hours",
        "It rests on",
    ):
        assert part in shown


def test_all_segments_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a segment there is a verdict for each."""
    assert 0 == main(["explain", "www.tiktok.com", "--at", IN_CLASS])
    shown = capsys.readouterr().out
    for segment in ("staff", "students", "guests", "unknown"):
        assert f"\n {segment} " in shown


def test_time_is_the_clock_on_the_schools_wall(capsys: pytest.CaptureFixture[str]) -> None:
    """A time without an offset is local to the rules' zone; one with an offset is that moment anywhere."""
    students = ["youtube", "--segment", "students", "--at"]
    local = explained([*students, IN_CLASS], capsys)
    assert "2026-11-23T10:15:00-05:00" == local["time"]
    assert local == explained([*students, "2026-11-23T15:15:00Z"], capsys)
    assert "prohibited" == local["explanations"][0]["verdict"]
    assert "permitted" == explained([*students, AT_NIGHT], capsys)["explanations"][0]["verdict"]


def test_json_has_every_step(capsys: pytest.CaptureFixture[str]) -> None:
    """The document holds class, verdict, rule, clause and steps for each segment asked for."""
    document = explained(["youtube", "--at", IN_CLASS], capsys)
    assert ["name", "time", "explanations"] == list(document)
    for explanation in document["explanations"]:
        assert ["class", "verdict", "rule", "clause", "because", "steps"] == list(explanation)
    (one,) = explained(["youtube", "--segment", "staff", "--at", IN_CLASS], capsys)["explanations"]
    assert one in document["explanations"]


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        (["youtube", "--segment", "studnets"], 'did you mean "students"?'),
        (["youtube", "--at", "teatime"], "2026-11-23T10:15"),
        (["https://www.youtube.com/watch"], "www.youtube.com"),
    ],
)
def test_mistakes_come_with_a_remedy(line: list[str], remedy: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What is wrong ends with 2 and says what would be right."""
    assert 2 == main(["explain", *line])
    assert remedy in capsys.readouterr().err


@pytest.mark.parametrize("name", ["nothing.example", "[red]markup", "\x1b[31m", "xn--", "", "." * 300, "日本.jp"])
def test_any_name_is_explained(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A name that no catalogue has is an answer, not an error; nothing in it is obeyed by the terminal."""
    assert 0 == main(["explain", name])
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "in no catalogue" in shown


@pytest.mark.parametrize("time", ["0001-01-01", "9999-12-31T23:59:59"])
def test_times_at_the_ends_of_the_calendar(time: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Any time that ISO 8601 can say is taken."""
    assert 0 == main(["explain", "youtube", "--at", time])
    assert "youtube" in capsys.readouterr().out
