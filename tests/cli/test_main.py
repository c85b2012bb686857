"""The command line as a whole: help, versions, exit codes, and a reader who goes away."""

import subprocess
import sys
from pathlib import Path

import pytest

from agent import __version__
from agent.cli import replay
from agent.cli.main import main
from agent.gate.library import NativeGateError


@pytest.mark.parametrize("command", ["run", "replay", "check", "explain"])
def test_help_teaches(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each command's help says what it does, shows examples, and tells its exit codes."""
    assert 0 == main([command, "--help"])
    shown = capsys.readouterr().out
    assert f"hallwatch {command}" in shown
    assert "examples:" in shown
    assert "exit codes:" in shown


def test_help_lists_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    """The first page names every command with a line about it."""
    assert 0 == main(["--help"])
    shown = capsys.readouterr().out
    for command in ("run", "replay", "check", "explain"):
        assert f"\n    {command} " in shown


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """The version is the package's."""
    assert 0 == main(["--version"])
    assert f"hallwatch {__version__}\n" == capsys.readouterr().out


@pytest.mark.parametrize("line", [[], ["fly"], ["replay"], ["explain"], ["check", "--rulez", "x"]])
def test_wrong_command_lines(line: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be understood ends with 2 and a word on standard error, none on standard output."""
    assert 2 == main(line)
    shown = capsys.readouterr()
    assert ("", True) == (shown.out, "hallwatch" in shown.err)


def test_interrupted(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Ctrl-C ends with 130 and without a traceback."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(replay, "replay", interrupted)
    assert 130 == main(["replay", "monday.pcap"])
    assert "Traceback" not in capsys.readouterr().err


def test_no_gate(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A gate that cannot be had is told in a line."""

    def missing(*_: object, **__: object) -> None:
        raise NativeGateError("the library is not there")

    monkeypatch.setattr(replay, "replay", missing)
    assert 1 == main(["replay", "monday.pcap"])
    assert "hallwatch: the library is not there\n" == capsys.readouterr().err


def test_missing_rules(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Rules that are not there are a problem like any other: named, with exit code 2."""
    assert 2 == main(["check", "--rules", str(tmp_path / "nowhere")])
    shown = capsys.readouterr()
    assert ("", True) == (shown.out, str(tmp_path / "nowhere") in shown.err)


def test_a_reader_who_goes_away() -> None:
    """A pipe that is closed early, as by `head`, ends the command quietly."""
    line = [sys.executable, "-m", "agent", "explain", "youtube", "--json"]
    root = Path(__file__).parents[2]
    with subprocess.Popen(line, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        complaints = process.stderr.read()
        code = process.wait(60)
    assert (141, "") == (code, complaints)


def test_machines_do_not_wait_for_what_people_need() -> None:
    """A replay that prints JSON imports nothing that draws tables, makes traffic, exports or serves."""
    libraries = {"rich", "scapy", "prometheus_client", "asyncio"}
    script = (
        "import sys; from agent.cli.main import main; main(['replay', '--json', '/dev/null']); "
        f"print(sorted({libraries} & set(sys.modules)), file=sys.stderr)"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, check=True, text=True)
    assert "[]\n" == done.stderr
