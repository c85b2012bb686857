"""hallwatch audit verify."""

from pathlib import Path

import pytest

from agent.authority.log_files import log_files
from agent.authority.record_log import RecordLog
from agent.authority.recorder import entry_of
from agent.cli.main import main
from tests.authority.examples import NOON, SECOND, Office, authorisation, flow

Log = tuple[Path, Path]


@pytest.fixture
def log(tmp_path: Path) -> Log:
    """A log of five lines, and the directory of the authorisation that it was written under."""
    office = Office(tmp_path / "authorisations")
    made = authorisation()
    office.write(made)
    written = RecordLog(office.directory / "records", keep_days=10)
    for second in range(2, 6):
        now = NOON + second * SECOND
        written.append(entry_of(flow(), made, now - SECOND, now), now)
    written.close()
    return office.directory / "records", office.directory


def verify(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    """Run the command: exit code, output, errors."""
    capsys.readouterr()
    code = main(["audit", "verify", *map(str, arguments)])
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def test_untouched(log: Log, capsys: pytest.CaptureFixture[str]) -> None:
    """A log as it was written passes, with its authorisations and with the line that was to be kept elsewhere."""
    records, directory = log
    code, out, err = verify(capsys, records, "--authorisations", directory)
    assert (0, "") == (code, err)
    assert "5 line(s) read, 4 of them record(s)" in out
    kept = out.rpartition(" ")[2].strip()
    assert kept.startswith("5:")
    assert 0 == verify(capsys, log_files(records)[0].path, "--head", kept)[0]


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        (b'"sequence":3,', b'"sequence":9,', 3, "was changed"),
        (b'"sent_bytes":3333', b'"sent_bytes":3334', 2, "was changed"),
        (b'"application":"example_drive"', b'"application":"example_mail!"', 2, "was changed"),
    ],
)
def test_a_changed_line(
    log: Log, old: bytes, new: bytes, line: int, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A changed line fails, with its file and number."""
    path = log_files(log[0])[0].path
    path.write_bytes(path.read_bytes().replace(old, new, 1))
    code, _, err = verify(capsys, path)

    assert 1 == code
    assert f"{path}:{line}: the line {what}" in err


@pytest.mark.parametrize(("removed", "line"), [(2, 3), (4, 5)])
def test_a_removed_line(log: Log, removed: int, line: int, capsys: pytest.CaptureFixture[str]) -> None:
    """A line that was removed fails, in the middle and at the end, with the number where it should be."""
    path = log_files(log[0])[0].path
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:removed] + lines[removed + 1 :]))
    code, _, err = verify(capsys, log[0])

    assert 1 == code
    assert f"{path}:{line}: " in err
    assert "the log is not as it was written: 1 finding(s)" in err


def test_without_an_authorisation(log: Log, capsys: pytest.CaptureFixture[str]) -> None:
    """Records whose authorisation is gone fail when that is asked for."""
    (path,) = log[1].glob("*.json")
    path.unlink()
    assert 0 == verify(capsys, log[0])[0]
    code, _, err = verify(capsys, log[0], "--authorisations", log[1])

    assert 1 == code
    assert 4 == err.count("there is no authorisation")


def test_what_cannot_be_asked(log: Log, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is no log, and what is no head, is refused as a mistake of the command line; a file that is absent fails."""
    code, _, err = verify(capsys, tmp_path)
    assert 2 == code
    assert "no log here" in err
    code, _, err = verify(capsys, log[0], "--head", "5")
    assert 2 == code
    assert "SEQUENCE:HASH" in err
    assert 1 == verify(capsys, tmp_path / log_files(log[0])[0].path.name)[0]
    (log[1] / "authority.pub").write_text("noise")
    assert 1 == verify(capsys, log[0], "--authorisations", log[1])[0]
