"""hallwatch selftest: its words, its JSON and its exit codes; the test itself is in tests/selftest/."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from agent.cli.main import main
from agent.selftest import BrokenOffError, CannotRunError
from agent.selftest.reports import Made, Ready, Seen, Sent
from agent.selftest.run import Outcome
from agent.selftest.search import Found
from agent.selftest.verdict import Check

GOOD = Check("promise", passed=True, what="Payload bytes that should not have: 0", detail="none of 3,200 was found")
BAD = replace(GOOD, passed=False, what="Payload bytes that should not have: 16")
OUTCOME = Outcome(
    control=False,
    ready=Ready(7, "kernel", "packets stay in the kernel"),
    made=Made(100, 50_000, 3200, [1, 2, 3]),
    sent=Sent(100, 50_000, 0, 0),
    seen=Seen(*(100, 50_000, 0, 700), kept_all=True, payload_bytes=40_000_000, opened={"tls": 2_000_000}),
    found=Found(frozenset(), 0, 0, searched_mappings=90, searched_bytes=1000, left_out={"[vvar]": 4096}),
    checks=(GOOD,),
    kernel="Linux 6.18",
    seconds=12.34,
)
Answer = Callable[[Outcome | Exception], list[dict[str, object]]]


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Answer:
    """Puts a self-test that answers at once in place of the real one; returns how it was called."""

    def prepare(what: Outcome | Exception) -> list[dict[str, object]]:
        calls: list[dict[str, object]] = []

        def run_selftest(*, on_step: Callable[[str], None], **options: object) -> Outcome:
            calls.append(options)
            on_step("making traffic")
            if isinstance(what, Exception):
                raise what
            return what

        monkeypatch.setattr("agent.selftest.run.run_selftest", run_selftest)
        return calls

    return prepare


def test_it_passed(answer: Answer, capsys: pytest.CaptureFixture[str]) -> None:
    """The verdict is a sentence for anyone; what it rests on follows; what happens meanwhile is on standard error."""
    calls = answer(OUTCOME)
    assert 0 == main(["selftest"])
    shown = capsys.readouterr()

    assert [{"gate": "auto", "control": False, "widen_bytes": 0, "seed": 1, "visits": 2000}] == calls
    assert shown.out.strip().startswith("The self-test passed. Of 40.0 MB of payload the program was given 2.0 MB")
    for part in (GOOD.what, GOOD.detail, "packets stay in the kernel", "Linux 6.18", "90 mappings", "[vvar] (4,096"):
        assert part in shown.out
    assert "... making traffic\n" == shown.err


def test_it_failed(answer: Answer, capsys: pytest.CaptureFixture[str]) -> None:
    """One check that fails makes the whole fail, and says so first."""
    answer(replace(OUTCOME, checks=(BAD, GOOD)))
    assert 1 == main(["selftest"])
    shown = capsys.readouterr().out

    assert shown.strip().startswith("The self-test FAILED.")
    assert f"FAILED  {BAD.what}" in shown
    assert f"passed  {GOOD.what}" in shown


def test_the_weaker_promise_is_said(answer: Answer, capsys: pytest.CaptureFixture[str]) -> None:
    """Where whole packets pass through the process, nobody is told otherwise."""
    answer(replace(OUTCOME, ready=Ready(7, "process", "as asked for", ring_bytes=64 << 20)))
    assert 0 == main(["selftest", "--gate", "process"])

    assert "with the weaker promise" in capsys.readouterr().out


@pytest.mark.parametrize(("check", "code", "word"), [(GOOD, 0, "passed"), (BAD, 1, "FAILED")])
def test_the_control(check: Check, code: int, word: str, answer: Answer, capsys: pytest.CaptureFixture[str]) -> None:
    """The control has words of its own: it is about the search."""
    calls = answer(replace(OUTCOME, control=True, checks=(check,)))
    assert code == main(["selftest", "--control"])

    assert [True] == [call["control"] for call in calls]
    assert f"The control {word}." in capsys.readouterr().out


@pytest.mark.parametrize("checks", [(GOOD,), (GOOD, BAD)])
def test_json(checks: tuple[Check, ...], answer: Answer, capsys: pytest.CaptureFixture[str]) -> None:
    """JSON alone is on standard output, also of a failure; flows are a number, as names of connections are nobody's."""
    answer(replace(OUTCOME, checks=checks))
    code = main(["selftest", "--json", "--seed", "5", "--visits", "20"])
    told = json.loads(capsys.readouterr().out)

    assert (code == 0) == told["passed"] == all(check.passed for check in checks)
    assert ("kernel", "Linux 6.18", 12.3) == (told["gate"], told["kernel"], told["seconds"])
    assert (3, 0, 0) == (told["made"]["marked_flows"], told["search"]["flows"], told["search"]["bytes"])
    assert [check.name for check in checks] == [check["name"] for check in told["checks"]]


def test_it_cannot_run(answer: Answer, capsys: pytest.CaptureFixture[str]) -> None:
    """What is missing is said, with exit code 2 and nothing on standard output."""
    answer(CannotRunError("`ip` is not installed"))
    assert 2 == main(["selftest"])
    shown = capsys.readouterr()

    assert "" == shown.out
    assert shown.err.endswith("hallwatch: the self-test cannot run here: `ip` is not installed\n")


def test_it_broke_off(answer: Answer, capsys: pytest.CaptureFixture[str]) -> None:
    """A self-test that came to no verdict is not one that passed."""
    answer(BrokenOffError("the sender took longer than 120 s"))
    assert 1 == main(["selftest"])

    assert "the self-test broke off: the sender took longer" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["--widen", "0"],
        ["--widen", "8193"],
        ["--widen", "x"],
        ["--visits", "5001"],
        ["--control", "--widen", "1"],
        ["--gate", "none"],
    ],
)
def test_what_is_no_command(words: list[str], answer: Answer, capsys: pytest.CaptureFixture[str]) -> None:
    """Numbers out of range and contradictions are refused before anything is made."""
    calls = answer(OUTCOME)
    assert 2 == main(["selftest", *words])

    assert [] == calls
    assert "hallwatch selftest: error:" in capsys.readouterr().err
