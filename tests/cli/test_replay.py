"""hallwatch replay, from files to what is printed."""

import gc
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.cli import replay as command
from agent.cli.main import main
from agent.cli.outcome import UsageError
from agent.cli.replay import GARBAGE_OBJECTS, capture_files

Capture = Callable[..., Path]


def test_tables(capture: Capture, capsys: pytest.CaptureFixture[str]) -> None:
    """A student's video in school hours is named, judged by the time of capture, and counted to the packet."""
    assert 0 == main(["replay", str(capture("monday.pcap", "www.tiktok.com", "www.khanacademy.org"))])
    shown = capsys.readouterr()
    assert "Conserved: 6 packets seen = 6 counted" in shown.out
    assert "tiktok" in shown.out
    assert "prohibited" in shown.out
    assert "" == shown.err


def test_json(capture: Capture, capsys: pytest.CaptureFixture[str]) -> None:
    """One JSON document and nothing else on standard output; what stays sealed is not in it."""
    path = capture("monday.pcap", "www.tiktok.com")
    assert 0 == main(["replay", "--json", str(path)])
    text = capsys.readouterr().out
    document = json.loads(text)
    (row,) = document["traffic"]
    assert ("students", "tiktok", "prohibited", "host", 1) == tuple(
        row[key] for key in ("segment", "application", "verdict", "evidence", "flows")
    )
    assert (3, 0) == (document["gate"]["seen_packets"], document["gate"]["missing_packets"])
    assert "secret-path" not in text


def test_garbage_is_looked_for_seldom(capture: Capture) -> None:
    """A replay has the threshold that it was measured with; other commands keep Python's."""
    gc.set_threshold(700)
    main(["--version"])
    before = gc.get_threshold()[0]
    main(["replay", "--json", str(capture("monday.pcap", "www.tiktok.com"))])

    assert (700, GARBAGE_OBJECTS) == (before, gc.get_threshold()[0])


def test_flows(capture: Capture, tmp_path: Path) -> None:
    """One line for each flow, with the capture's path as it was given, in a file for its owner alone."""
    one, two = capture("one.pcap", "www.tiktok.com", "example.org"), capture("two.pcap", "www.tiktok.com", vlan=None)
    out = tmp_path / "flows.jsonl"
    assert 0 == main(["replay", str(one), str(two), "--flows", str(out)])
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert {
        (str(one), "www.tiktok.com", 20, 40_000),
        (str(one), "example.org", 20, 40_001),
        (str(two), "www.tiktok.com", None, 40_000),
    } == {(line["capture"], line["hostname"], line["vlan"], line["sport"]) for line in lines}
    assert [2, 1] == lines[0]["packets"]
    assert "secret-path" not in out.read_text()
    assert 0o600 == out.stat().st_mode & 0o777


def test_own_rules(capture: Capture, own_rules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--rules replaces the shipped rules."""
    rules = own_rules / "rules.yaml"
    rules.write_text(rules.read_text().replace("verdict: prohibited", "verdict: review"))
    assert 0 == main(["replay", "--json", "--rules", str(own_rules), str(capture("a.pcap", "www.tiktok.com"))])
    (rule,) = json.loads(capsys.readouterr().out)["rules"]
    assert ("review", 1) == (rule["verdict"], rule["flows"])


def test_what_cannot_be_read_does_not_stop_the_rest(
    capture: Capture, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An unreadable file is named on standard error and ends with 1; the others are counted; a cut is a note only."""
    good = capture("good.pcap", "www.tiktok.com")
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(good.read_bytes()[:-10])
    text = tmp_path / "notes.txt"
    text.write_text("not a capture file at all, but long enough for a header")
    line = ["replay", "--json", str(tmp_path / "absent.pcap"), str(text), str(cut), str(good)]
    assert 1 == main(line)
    shown = capsys.readouterr()
    assert 5 == json.loads(shown.out)["gate"]["seen_packets"]
    absent, not_capture, was_cut = shown.err.splitlines()
    assert f"hallwatch: {tmp_path / 'absent.pcap'}: No such file or directory" == absent
    assert f"hallwatch: {text}: not a pcap or pcapng capture file" == not_capture
    assert was_cut.startswith(f"hallwatch: {cut}: ")
    assert "its first 2 packets were read" in was_cut
    assert 0 == main(["replay", "--json", str(cut)])


def test_directories_stand_for_the_captures_below(capture: Capture, tmp_path: Path) -> None:
    """Each capture is read once, however often it is named, and nothing that is no capture is taken."""
    first, second = capture("days/b/monday.pcap", "a.org"), capture("days/a.pcapng", "a.org")
    (tmp_path / "days" / "README.md").write_text("no capture")
    assert [second, first] == capture_files([tmp_path / "days", first, tmp_path / "days" / "b"])
    assert [first, second] == capture_files([first, tmp_path / "days"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=r"holds no file that ends in \.cap, \.pcap, \.pcapng"):
        capture_files([tmp_path / "empty"])


def test_flows_cannot_overwrite_a_capture(capture: Capture, capsys: pytest.CaptureFixture[str]) -> None:
    """Writing over a capture while it is mapped would destroy it; it is refused before anything is opened."""
    path = capture("monday.pcap", "www.tiktok.com")
    before = path.read_bytes()
    assert 2 == main(["replay", str(path), "--flows", str(path)])
    assert "is one of the captures" in capsys.readouterr().err
    assert before == path.read_bytes()


@pytest.mark.parametrize("out", ["/dev/full", "/nonexistent/flows.jsonl"])
def test_flows_that_cannot_be_written(capture: Capture, out: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A disk that is full, or a place that is not there, ends with 1 and the file's name."""
    assert 1 == main(["replay", str(capture("monday.pcap", "www.tiktok.com")), "--flows", out])
    assert f"hallwatch: {out}: " in capsys.readouterr().err


@pytest.mark.parametrize("rows", ["0", "-1", "many", "16777217", "²"])
def test_impossible_tables(rows: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A table of no rows, or of more than there is memory for, is refused."""
    assert 2 == main(["replay", "a.pcap", "--max-flows", rows])
    assert "is not a number from 1 to 16777216" in capsys.readouterr().err


def test_a_small_table_is_told(capture: Capture, capsys: pytest.CaptureFixture[str]) -> None:
    """Flows beyond the table are counted as untracked, and the limit is named."""
    path = capture("monday.pcap", *(f"host{number}.example.org" for number in range(5)))
    assert 0 == main(["replay", "--max-flows", "2", str(path)])
    shown = capsys.readouterr().out
    assert "15 packets seen = 6 counted + 0 unsettled + 9 untracked" in shown
    assert "Limits met: " in shown


def test_progress_is_drawn_for_a_terminal_only(capture: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody watches, nothing is drawn; where someone does, the bar fills over all files."""
    files = [capture("a.pcap", "a.org"), capture("b.pcap", "b.org")]
    with command._progress(io.StringIO(), files) as nothing:
        assert nothing is None
    monkeypatch.setenv("TERM", "xterm")
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    with command._progress(terminal, files) as on_progress:
        assert on_progress is not None
        on_progress(files[0], 10, files[0].stat().st_size)
        on_progress(files[1], files[1].stat().st_size, files[1].stat().st_size)
    assert "b.pcap" in terminal.getvalue()
