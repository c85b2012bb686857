"""hallwatch explain: steps, verdicts, times, and mistakes on the command line."""

import json
from pathlib import Path
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
        assert ["class", "verdict", "rule", "clause", "clause_says", "because", "steps", "changes"] == list(explanation)
    (one,) = explained(["youtube", "--segment", "staff", "--at", IN_CLASS], capsys)["explanations"]
    assert one in document["explanations"]


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        (["youtube", "--segment", "studnets"], 'did you mean "students"?'),
        (["youtube", "--at", "teatime"], "2026-11-23T10:15"),
        (["https://www.youtube.com/watch"], "www.youtube.com"),
        ([], "A host name or an application; or --capture FILE"),
        (["youtube", "--capture", "a.pcap", "--flow", "1"], "A host name or an application; or --capture FILE"),
        (["--capture", "a.pcap"], "--capture and --flow belong together"),
        (["youtube", "--flow", "1"], "--capture and --flow belong together"),
        (["--capture", "a.pcap", "--flow", "first"], "such as 12 or 10.20.1.7:40000-192.0.2.80:443"),
        (["youtube", "--district", "hamdn"], 'did you mean "hamden"?'),
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


def test_what_would_change_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    """Under the steps stand other times, declarations and segments, each with the answer that it would bring."""
    line = ["tiktok", "--segment", "students", "--at", IN_CLASS]
    assert 0 == main(["explain", *line])
    shown = capsys.readouterr().out
    assert "What would change the answer" in shown
    assert "while school_hours is not active" in shown
    (one,) = explained(line, capsys)["explanations"]
    assert {"what": "while school_hours is not active", "outcome": "permitted (rule default)"} in one["changes"]


def test_nothing_would_change_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    """That is an answer too."""
    assert 0 == main(["explain", "playboy", "--segment", "staff", "--at", IN_CLASS])
    assert "No other time, segment or declaration by the board would change the answer." in capsys.readouterr().out


def test_a_clause_of_a_pack_is_told_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    """Its place, what it says in short, and its id; Hamden does not name TikTok, Wethersfield does."""
    found = {
        district: explained(["tiktok", "--segment", "staff", "--district", district, "--at", IN_CLASS], capsys)
        for district in ("hamden", "wethersfield")
    }
    hamden, wethersfield = (document["explanations"][0] for document in found.values())
    assert ("incidental", "review") == (hamden["verdict"], wethersfield["verdict"])
    assert "wethersfield-4350/prohibited-uses/10" == wethersfield["clause"]
    assert wethersfield["clause_says"].startswith("Prohibited Uses, tenth item: Using social networks (")


def test_a_flow_of_a_capture(capture: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Where it was seen and what it was called come first; its own time and segment decide."""
    path: Path = capture("monday.pcap", "www.tiktok.com")
    line = ["explain", "--capture", str(path), "--flow", "10.20.1.7:40000-192.0.2.80:80"]
    assert 0 == main(line)
    shown = capsys.readouterr().out
    for part in (
        "10.20.1.7 port 40000 to 192.0.2.80 port 80, tcp, VLAN 20",
        '"www.tiktok.com"',
        "host, protocol http",
        "Monday 2026-11-23 10:00 EST",
        "students-in-school-hours",
        "prohibited",
    ):
        assert part in shown
    assert "secret-path" not in shown


def test_a_flow_of_a_capture_elsewhere(capture: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """--segment and --at ask what it would be in another segment, at another time."""
    path: Path = capture("monday.pcap", "www.tiktok.com")
    line = ["--capture", str(path), "--flow", "1"]
    here = explained(line, capsys)
    there = explained([*line, "--segment", "staff"], capsys)
    later = explained([*line, "--at", AT_NIGHT], capsys)
    assert ("www.tiktok.com", "2026-11-23T10:00:00-05:00") == (here["name"], here["time"])
    assert ["prohibited", "incidental", "permitted"] == [
        document["explanations"][0]["verdict"] for document in (here, there, later)
    ]
    assert 2 == main(["explain", *line, "--segment", "staf"])
    assert 'did you mean "staff"?' in capsys.readouterr().err


def test_a_flow_without_a_name(capture: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """A flow that nothing named is explained all the same."""
    path: Path = capture("monday.pcap", "10.0.0.1")
    document = explained(["--capture", str(path), "--flow", "1"], capsys)
    (one,) = document["explanations"]
    assert "unknown" == one["class"]["application"]
