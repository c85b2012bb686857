"""Tests of `hallwatch run --devices.*`: what is asked for is made, and what cannot be is said before anything starts."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from agent import log
from agent.cli.devices import PASSWORD, SECRET
from agent.cli.main import main
from agent.sketches.exchange import Exchange
from agent.sketches.secret import CREDENTIALS

URL = "redis://127.0.0.1:1"
ROOT = Path(__file__).parent.parent.parent
GOOD = "0123456789abcdef" * 4


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Exchange | None]:
    """What the daemon would be given to count devices with."""
    given: list[Exchange | None] = []

    def daemon(*, devices: Exchange | None, **_: object) -> int:
        given.append(devices)
        return 0

    monkeypatch.setitem(sys.modules, "agent.start", SimpleNamespace(run_demo=daemon, run_tap=daemon))
    monkeypatch.setattr(log, "set_up", lambda _level: None)
    monkeypatch.delenv(CREDENTIALS, raising=False)
    return given


@pytest.fixture
def declared(own_rules: Path) -> Path:
    """Rules whose notice tells of it."""
    with (own_rules / "premises.yaml").open("a") as file:
        file.write("distinct_devices: {where: network room}\n")
    return own_rules


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file with a good one, under the name that a credential has."""
    (tmp_path / "credentials").mkdir()
    path = tmp_path / "credentials" / SECRET
    path.write_text(f"{GOOD}\n")
    path.chmod(0o600)
    return path


def run(rules: Path, *words: str) -> int:
    return main(["run", "--demo", "--rules", str(rules), *words])


def test_off_by_default(made: list[Exchange | None], declared: Path) -> None:
    """Without the address of a store nothing is counted."""
    assert 0 == run(declared)
    assert [None] == made


def test_what_is_not_asked_for_is_not_loaded() -> None:
    """The daemon and its command line do without redis until a store is named."""
    told = "import sys, agent.daemon, agent.cli.run, agent.cli.devices; sys.exit('redis' in sys.modules)"

    assert 0 == subprocess.run([sys.executable, "-c", told], cwd=ROOT, check=False).returncode


def test_from_files(made: list[Exchange | None], declared: Path, secret: Path) -> None:
    """Secret and smallest number told reach what counts; and the mark is that of the secret."""
    assert 0 == run(declared, "--devices.redis", URL, "--devices.secret-file", str(secret), "--min-devices", "9")
    (exchange,) = made

    assert exchange is not None
    assert (9, f"{URL}/0") == (exchange._min_devices, str(exchange._store))
    assert (GOOD.encode(), "e86e4e16") == (exchange.census._secret, exchange.census.mark)


def test_from_credentials(
    made: list[Exchange | None], declared: Path, secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """systemd's LoadCredential= is enough, for the secret and for the password."""
    monkeypatch.setenv(CREDENTIALS, str(secret.parent))
    password = secret.with_name(PASSWORD)
    password.write_text("hunter2\n")
    password.chmod(0o600)
    assert 0 == run(declared, "--devices.redis", URL)
    (exchange,) = made

    assert exchange is not None
    store = exchange._store
    assert "hunter2" == store._client.connection_pool.connection_kwargs["password"]  # type: ignore[attr-defined]  # a Store


def test_without_premises(made: list[Exchange | None], own_rules: Path, secret: Path) -> None:
    """Rules from which no notice can be written may be tried."""
    (own_rules / "premises.yaml").unlink()

    assert 0 == run(own_rules, "--devices.redis", URL, "--devices.secret-file", str(secret))
    assert 1 == len(made)


def test_the_notice_must_tell_of_it(
    made: list[Exchange | None], own_rules: Path, secret: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where there are premises, and so a notice, it does not start behind the notice's back."""
    assert 2 == run(own_rules, "--devices.redis", URL, "--devices.secret-file", str(secret))
    assert [] == made
    said = capsys.readouterr().err
    assert f"{own_rules / 'premises.yaml'}: the notice would not tell" in said
    assert 'distinct_devices: {where: network room}"' in said


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--devices.redis", URL], "openssl rand -hex 32 makes one"),
        (["--devices.redis", URL, "--devices.secret-file", "{folder}/none"], "No such file or directory"),
        (["--devices.redis", URL, "--devices.secret-file", "{folder}/short"], "5 bytes are too few, 32 are the least"),
        (
            [
                "--devices.redis",
                URL,
                *["--devices.secret-file", "{secret}", "--devices.password-file", "{folder}/none"],
            ],
            "none: ",
        ),
        (
            [
                "--devices.redis",
                URL,
                *["--devices.secret-file", "{secret}", "--devices.password-file", "{folder}/latin"],
            ],
            "UTF-8",
        ),
        (["--devices.redis", "http://store"], "this is no URL of a Redis, such as redis://HOST:PORT/0"),
        (["--devices.redis", "redis://:hunter2@store"], "put it into a file, --devices.password-file"),
        (["--devices.redis", URL, "--devices.ca-file", "{folder}/short"], "for a store with TLS"),
        (
            [
                "--devices.redis",
                "rediss://store",
                *["--devices.secret-file", "{secret}", "--devices.ca-file", "{folder}/short"],
            ],
            "no certificates of authorities can be read",
        ),
        (["--devices.secret-file", "{secret}"], "name it with --devices.redis"),
    ],
)
def test_what_cannot_be(
    words: list[str],
    why: str,
    made: list[Exchange | None],
    declared: Path,
    secret: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One clear line before anything starts, without a secret or a password in it."""
    for name, data in (("short", b"short"), ("latin", b"h\xfcnter2")):
        (secret.parent / name).write_bytes(data)
        (secret.parent / name).chmod(0o600)
    words = [word.format(folder=secret.parent, secret=secret) for word in words]
    try:
        code = run(declared, *words)
    except SystemExit as stopped:  # by argparse, for a word that no option can have
        code = int(stopped.code or 0)

    said = capsys.readouterr().err
    assert (2, []) == (code, made)
    assert why in said
    assert [] == [word for word in ("hunter2", GOOD, "short\n") if word in said.replace("/short\n", "")]
