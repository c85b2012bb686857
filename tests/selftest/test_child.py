"""Processes of the self-test: heard, limited in time, never left behind."""

import os
from pathlib import Path

import pytest

from agent.selftest import BrokenOffError, CannotRunError
from agent.selftest.child import Child
from agent.selftest.reports import Made, Ready

SPEAKING = "tests.selftest.speaking"


def is_gone(pid: int) -> bool:
    """Tells whether there is no such process."""
    return not Path(f"/proc/{pid}").exists()


def test_it_is_heard_and_ends() -> None:
    """A report arrives, with its arguments as they were given, and the process is gone afterwards."""
    with Child(SPEAKING, ["ready", "a word; $HOME"]) as child:
        ready = child.hear(Ready, within_s=30)
        assert not is_gone(ready.pid)

    assert "a word; $HOME" == ready.why
    assert is_gone(ready.pid)


def test_it_is_spoken_to() -> None:
    """A line reaches its standard input."""
    with Child(SPEAKING, ["echo"]) as child:
        child.say("stop")

        assert "stop" == child.hear(Ready, within_s=30).why


def test_a_wrapper_comes_first() -> None:
    """The words of a wrapper stand before the command."""
    with Child(SPEAKING, ["ready", "wrapped"], wrapper=("env", "WRAPPED=1")) as child:
        assert "wrapped" == child.hear(Ready, within_s=30).why


def test_it_may_refuse() -> None:
    """A refusal is the reason why the self-test cannot run."""
    with Child(SPEAKING, ["refuse", "no BPF here"]) as child, pytest.raises(CannotRunError, match="no BPF here"):
        child.hear(Ready, within_s=30)


def test_its_failure_is_told() -> None:
    """When it ends before it has reported, what it said on standard error is part of the error."""
    with Child(SPEAKING, ["fail", "out of order"]) as child, pytest.raises(BrokenOffError, match="out of order"):
        child.hear(Ready, within_s=30)


def test_it_must_say_what_is_expected() -> None:
    """Another report than the expected one is an error."""
    with Child(SPEAKING, ["ready"]) as child, pytest.raises(BrokenOffError, match="Ready instead of Made"):
        child.hear(Made, within_s=30)


def test_it_must_not_take_too_long() -> None:
    """A process that says nothing is waited for only so long, and killed."""
    with pytest.raises(BrokenOffError, match="took longer than 0 s"), Child(SPEAKING, ["silent"]) as child:
        child.hear(Ready, within_s=0.2)


def test_it_must_not_say_too_much() -> None:
    """A line without an end is not collected for ever."""
    with pytest.raises(BrokenOffError, match="said more than"), Child(SPEAKING, ["endless"]) as child:
        child.hear(Ready, within_s=30)


def test_it_is_gone_after_a_failure() -> None:
    """A process that would not go is killed when its user fails."""
    child = Child(SPEAKING, ["stubborn"])
    pid = child.hear(Ready, within_s=30).pid
    with pytest.raises(KeyboardInterrupt), child:
        raise KeyboardInterrupt

    assert is_gone(pid)


def test_speaking_to_one_that_is_gone() -> None:
    """A process that has ended cannot be told anything; the error says that it ended."""
    with Child(SPEAKING, ["fail", "gone already"]) as child:
        with pytest.raises(BrokenOffError, match="gone already"):
            child.hear(Ready, within_s=30)
        with pytest.raises(BrokenOffError, match="ended too early"):
            child.say("stop")


def test_the_current_directory_has_no_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder called `agent` where the self-test is started is not taken for this package: it would run as root."""
    (tmp_path / "agent").mkdir()
    (tmp_path / "agent" / "__init__.py").write_text("raise SystemExit('hijacked')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(os.environ, "PYTHONPATH", "")
    with Child("agent.selftest.traffic", [str(tmp_path / "day.pcap"), "1", "1"]) as child:
        assert child.hear(Made, within_s=60).packets > 0
