"""Tests of secrets in files: what is taken, and what is refused in a line that does not repeat it."""

import os
from pathlib import Path

import pytest

from agent.devices.daily import MIN_SECRET_BYTES
from agent.sketches.secret import CREDENTIALS, MAX_SECRET_BYTES, SecretError, credential, read_secret

SECRET = b"0123456789abcdef" * 4


def written(folder: Path, data: bytes, mode: int = 0o600) -> Path:
    """A file that holds this."""
    path = folder / "secret"
    path.write_bytes(data)
    path.chmod(mode)
    return path


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_the_end_of_its_line_does_not_count(end: bytes, tmp_path: Path) -> None:
    """An editor may add one on one machine and none on another."""
    assert SECRET == read_secret(written(tmp_path, SECRET + end))


def test_a_group_may_read_it(tmp_path: Path) -> None:
    """root:hallwatch 0640 is a usual way."""
    assert SECRET == read_secret(written(tmp_path, SECRET, 0o640))


@pytest.mark.parametrize(
    ("data", "mode", "why"),
    [
        (b"", 0o600, "0 bytes are too few, 32 are the least; it is empty"),
        (b"\n\n", 0o600, "it is empty"),
        (SECRET[: MIN_SECRET_BYTES - 1], 0o600, "31 bytes are too few, 32 are the least; make it anew: openssl rand"),
        (SECRET, 0o644, "everyone can read it; chmod 600"),
        (b"x" * (MAX_SECRET_BYTES + 1), 0o600, "more than 4096 bytes"),
    ],
)
def test_what_is_refused(data: bytes, mode: int, why: str, tmp_path: Path) -> None:
    """The line has the file and the remedy, and nothing of the secret."""
    path = written(tmp_path, data, mode)
    with pytest.raises(SecretError) as told:
        read_secret(path)

    assert str(told.value).startswith(f"{path}: ")
    assert why in str(told.value)
    assert SECRET[:8].decode() not in str(told.value).removeprefix(str(path))


def test_what_is_not_there(tmp_path: Path) -> None:
    """It says how to make one."""
    with pytest.raises(SecretError, match=r"No such file or directory.*openssl rand -hex 32"):
        read_secret(tmp_path / "secret")


def test_what_is_no_file(tmp_path: Path) -> None:
    """A directory, or a pipe that nobody writes into, is not waited for."""
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(SecretError, match=r"this is no file|Is a directory"):
            read_secret(path)


def test_another_least(tmp_path: Path) -> None:
    """A password may be shorter than a secret; an empty one is a mistake."""
    assert b"pw" == read_secret(written(tmp_path, b"pw\n"), least_bytes=1)
    with pytest.raises(SecretError, match="it is empty"):
        read_secret(written(tmp_path, b"\n"), least_bytes=1)


def test_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where systemd says, if anywhere, and only what it put there."""
    monkeypatch.delenv(CREDENTIALS, raising=False)
    assert credential("secret") is None
    monkeypatch.setenv(CREDENTIALS, str(tmp_path))
    assert credential("secret") is None
    path = written(tmp_path, SECRET)
    assert path == credential("secret")
