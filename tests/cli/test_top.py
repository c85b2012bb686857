"""hallwatch top: in a pipe, on a terminal, and against an agent that runs."""

import os
import pty
import re
import select
import signal
import ssl
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent.cli.main import main
from agent.web.passwords import hashed
from tests.demo import demo
from tests.web.issued import authority

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 30.0


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The demo; its URL."""
    with demo(tmp_path_factory.mktemp("demo")) as url:
        yield url


class Terminal:
    """The command on a terminal of 120 columns and 40 lines."""

    def __init__(self, *words: str, terminal: str = "xterm-256color") -> None:
        self._person, program = pty.openpty()
        size = {"COLUMNS": "120", "LINES": "40", "TERM": terminal}
        line = [sys.executable, "-m", "agent", "top", *words]
        self.process = subprocess.Popen(
            line, cwd=ROOT, stdin=program, stdout=program, stderr=program, env={**os.environ, **size}, close_fds=True
        )
        os.close(program)
        self.shown = ""

    def until(self, pattern: str) -> str:
        """Waits for a pattern in what is shown from now on; what was shown until then."""
        begin, until = len(self.shown), time.monotonic() + TIMEOUT_S
        while not re.search(pattern, self.shown[begin:]):
            assert time.monotonic() < until, self.shown
            self._take()
        return self.shown[begin:]

    def press(self, keys: bytes) -> None:
        os.write(self._person, keys)

    def ended(self) -> int:
        """Its exit code, once all that it has shown is here."""
        until = time.monotonic() + TIMEOUT_S
        while self.process.poll() is None:
            assert time.monotonic() < until, self.shown
            self._take()
        while self._take():
            assert time.monotonic() < until, self.shown
        return self.process.wait(TIMEOUT_S)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(TIMEOUT_S)
        os.close(self._person)

    def _take(self) -> bool:
        """Whether there was something."""
        taken = b""
        if select.select([self._person], [], [], 0.1)[0]:
            try:
                taken = os.read(self._person, 65_536)
            except OSError:  # Linux says EIO when the other side has closed
                time.sleep(0.05)
        self.shown += taken.decode("utf-8", "replace")
        return bool(taken)


@pytest.fixture
def terminal(agent: str) -> Iterator[Terminal]:
    """Following the demo."""
    made = Terminal(agent, "--interval", "0.5")
    yield made
    made.close()


def test_once(agent: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One round of plain text, for scripts."""
    assert 0 == main(["top", "--once", agent])
    shown = capsys.readouterr()

    assert "of payload left unopened" in shown.out
    assert "Gate in the agent's process" in shown.out
    assert "Example Public Schools" in shown.out
    assert ("", False) == (shown.err, "\x1b" in shown.out)


def test_rounds(agent: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Several rounds follow one another, and the counts go on."""
    assert 0 == main(["top", "-n", "3", "--interval", "1.5", agent])
    seen = [int(number.replace(",", "")) for number in re.findall(r"frames seen ([\d,]+)", capsys.readouterr().out)]

    assert 3 == len(seen)
    assert seen[0] < seen[2]
    assert seen == sorted(seen)


def test_no_person(agent: str, capsys: pytest.CaptureFixture[str]) -> None:
    """No address of the demo's day is shown."""
    assert 0 == main(["top", "--once", agent])
    assert [] == re.findall(r"\d+\.\d+\.\d+\.\d+|[0-9a-f]+::", capsys.readouterr().out)


def test_on_a_terminal_that_cannot_be_written_over(agent: str) -> None:
    """It is shown round after round, as in a pipe."""
    dumb = Terminal(agent, "-n", "2", "--interval", "0.5", terminal="dumb")
    try:
        assert 0 == dumb.ended()
        assert 2 == len(re.findall(r"frames seen [\d,]+ ", dumb.shown))
        assert "\x1b[?1049h" not in dumb.shown
    finally:
        dumb.close()


def test_on_a_terminal(terminal: Terminal) -> None:
    """It takes the screen, renews itself, and gives the screen back when q is pressed."""
    first = re.search(r"frames seen ([\d,]+)", terminal.until(r"frames seen [\d,]+ "))
    assert first is not None
    terminal.until(rf"frames seen (?!{first[1]} )[\d,]+ ")
    terminal.press(b"q")

    assert 0 == terminal.ended()
    assert "\x1b[?1049h" in terminal.shown
    assert terminal.shown.rstrip().endswith("\x1b[?1049l")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted(terminal: Terminal, number: signal.Signals) -> None:
    """Ctrl-C or a kill ends it cleanly: the screen is given back, the code is 130, and there is no traceback."""
    terminal.until("frames seen")
    terminal.process.send_signal(number)

    assert 130 == terminal.ended()
    assert "\x1b[?1049l" in terminal.shown
    assert "Traceback" not in terminal.shown


def test_an_agent_that_goes_away(tmp_path: Path) -> None:
    """The last counts stay, with since when there is no answer and why."""
    with demo(tmp_path) as url:
        made = Terminal(url, "--interval", "0.5")
        try:
            made.until("counting")
        except AssertionError:
            made.close()
            raise
    try:
        assert "frames seen" in made.until(r"(?s)no answer since \d\d:\d\d:\d\d.*?frames seen")
        made.press(b"q")
        assert 0 == made.ended()
    finally:
        made.close()


def test_nobody_there(capsys: pytest.CaptureFixture[str]) -> None:
    """An error in one line, on a port that nothing listens on (discard, which is reserved)."""
    assert 1 == main(["top", "--once", "http://127.0.0.1:9/"])
    shown = capsys.readouterr()
    assert ("", "hallwatch: http://127.0.0.1:9: nothing listens there; is the agent running?\n") == (
        shown.out,
        shown.err,
    )


@pytest.mark.parametrize(
    "line",
    [
        ["--interval", "0.1"],
        ["--interval", "soon"],
        ["-n", "0"],
        ["-n", "-1"],
        ["--once", "-n", "2"],
        ["ftp://x/"],
        ["--ca-file", "ca.pem", "http://127.0.0.1/"],
        ["--key", "key.pem", "https://127.0.0.1/"],
        ["--user-file", "u", "--netrc", "n"],
    ],
)
def test_wrong_command_lines(line: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Told at once, with code 2."""
    assert 2 == main(["top", *line])
    assert "" != capsys.readouterr().err


def test_no_password_in_the_clear(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A password is not sent over a network without TLS; on this machine it may be."""
    file = tmp_path / "user"
    file.write_text("ann:secret\n", "utf-8")
    assert 2 == main(["top", "--once", "--user-file", str(file), "http://192.0.2.1/"])
    assert "unprotected" in capsys.readouterr().err
    assert 1 == main(["top", "--once", "--user-file", str(file), "http://127.0.0.1:9/"])


def test_a_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Named, with what is the matter."""
    assert 1 == main(["top", "--once", "--user-file", str(tmp_path / "missing"), "http://127.0.0.1:9/"])
    assert f"hallwatch: {tmp_path / 'missing'}: No such file or directory\n" == capsys.readouterr().err


PROTECTED = """\
tls_server_config:
  cert_file: server.pem
  key_file: server.key
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: ca.pem
"""


@dataclass(frozen=True, slots=True)
class Protected:
    """The demo behind TLS, a client's certificate and a password, and what it takes to be let in, file by file."""

    url: str
    ca: list[str]
    certificate: list[str]
    stranger: list[str]
    """A certificate of another authority."""
    user: list[str]
    wrong_user: list[str]


@pytest.fixture(scope="module", params=["TLS12", "TLS13"])
def protected(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Protected]:
    """With one version of TLS: each tells of a missing certificate at another moment."""
    folder = tmp_path_factory.mktemp("protected")
    ours, theirs = authority(folder), authority(folder / "theirs", "Another CA")
    ours.issue("server", server=True)
    context = ssl.create_default_context(cafile=folder / "ca.pem")
    context.load_cert_chain(ours.issue("client"), folder / "client.key")
    stranger = theirs.issue("stranger")
    users = f"basic_auth_users: {{ann: {hashed(b'a secret', 4)}}}\n"
    version = f"  min_version: {request.param}\n  max_version: {request.param}\n"
    (folder / "web.yml").write_text(PROTECTED + version + users, "utf-8")
    (folder / "user").write_text("ann:a secret\n", "utf-8")
    (folder / "wrong").write_text("ann:another\n", "utf-8")
    headers = {"Authorization": f"Basic {b64encode(b'ann:a secret').decode()}"}
    with demo(folder, "--web.config.file", str(folder / "web.yml"), context=context, headers=headers) as url:
        yield Protected(
            url,
            ca=["--ca-file", str(folder / "ca.pem")],
            certificate=["--cert", str(folder / "client.pem"), "--key", str(folder / "client.key")],
            stranger=["--cert", str(stranger), "--key", str(stranger.with_suffix(".key"))],
            user=["--user-file", str(folder / "user")],
            wrong_user=["--user-file", str(folder / "wrong")],
        )


def test_a_protected_agent(protected: Protected, capsys: pytest.CaptureFixture[str]) -> None:
    """With all that it asks for there are counts; without any one there are none, and it is said which is missing."""
    its = protected
    assert 0 == main(["top", "--once", *its.ca, *its.certificate, *its.user, its.url])
    shown = capsys.readouterr()
    seen = re.search(r"frames seen ([\d,]+)", shown.out)
    assert seen is not None
    assert (True, "") == (int(seen[1].replace(",", "")) > 0, shown.err)

    for words, said in (
        ([*its.certificate, *its.user], "--ca-file names whom to trust"),
        ([*its.ca, *its.user], "it asks for a certificate: --cert"),
        ([*its.ca, *its.stranger, *its.user], "it refuses the certificate of --cert"),
        ([*its.ca, *its.certificate], "it asks for a user: --user-file or --netrc"),
        ([*its.ca, *its.certificate, *its.wrong_user], "it knows no such user, or another password"),
    ):
        assert 1 == main(["top", "--once", *words, its.url])
        shown = capsys.readouterr()
        assert ("", 1) == (shown.out, shown.err.count("\n"))
        assert shown.err.startswith(f"hallwatch: {its.url.rstrip('/')}: ")
        assert said in shown.err
    assert 1 == main(["top", "--once", its.url.replace("https://", "http://")])
    assert "This port speaks HTTPS" in capsys.readouterr().err
