"""hallwatch password: what it asks, and what it prints."""

import io
import os
import pty
import subprocess
import sys
from pathlib import Path

import bcrypt
import pytest

from agent.cli.main import main
from agent.policy.problems import Problems
from agent.web.web_config import parse_web_config

ROOT = Path(__file__).parent.parent.parent


def users_in(text: str) -> dict[str, str]:
    """The users of a web configuration that must be in order."""
    problems = Problems()
    config = parse_web_config(text.encode(), "web.yml", Path(), problems)
    assert 0 == len(problems)
    return dict(config.users)


@pytest.mark.parametrize("user", ["prometheus", "a.b-c_d", "null", "ä", '"', "on"])
def test_what_is_printed_can_be_used(
    user: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The lines are those of a web configuration, whatever the name is in YAML, and the hash is the password's."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("correct horse\n"))
    assert 0 == main(["password", user, "--cost", "10"])
    ((name, expected),) = users_in(capsys.readouterr().out).items()
    assert user == name
    assert expected.startswith("$2b$10$")
    assert bcrypt.checkpw(b"correct horse", expected.encode())


@pytest.mark.parametrize("given", ["", "\n", "short\n", "x" * 73 + "\n"])
def test_passwords_that_will_not_do(
    given: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Too short is soon guessed, and of one that is too long bcrypt sees a part: nothing is printed, and it is not repeated."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(given))
    assert 2 == main(["password", "prometheus"])
    shown = capsys.readouterr()
    assert "" == shown.out
    assert "x" * 73 not in shown.err


@pytest.mark.parametrize("words", [[], ["a:b"], ["a b"], [""], ["a", "--cost", "9"], ["a", "--cost", "15"]])
def test_command_lines_that_will_not_do(words: list[str]) -> None:
    """A name is needed, without a colon; a cost that is neither soon guessed nor too dear."""
    assert 2 == main(["password", *words])


@pytest.mark.parametrize(("second", "code"), [("correct horse", 0), ("battery staple", 2)])
def test_on_a_terminal(second: str, code: int) -> None:
    """It asks twice and shows nothing; two that differ are not taken."""
    ours, theirs = pty.openpty()
    start = "import sys; from agent.cli.main import main; sys.exit(main())"
    command = [sys.executable, "-c", start, "password", "prometheus", "--cost", "10"]
    child = subprocess.Popen(
        command, cwd=ROOT, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, text=True, start_new_session=True
    )
    os.close(theirs)
    seen = ""
    for question, answer in (("Password: ", "correct horse"), ("Once more: ", second)):
        while question not in seen:
            seen += os.read(ours, 1024).decode()
        os.write(ours, f"{answer}\n".encode())
    out, _ = child.communicate(timeout=60)
    os.close(ours)

    assert code == child.returncode
    assert "correct horse" not in seen + out
    assert (1 if code == 0 else 0) == len(out and users_in(out))
