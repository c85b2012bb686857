"""Where a log goes on: after a crash, and after somebody changed it."""

from pathlib import Path

import pytest

from agent.authority.audit import verify
from agent.authority.chain import Link
from agent.authority.head import HEAD, read_head
from agent.authority.log_files import log_files
from agent.authority.record_log import RecordLog
from agent.authority.resume import Resumed, resume
from tests.authority.examples import DAY, NOON, SECOND


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A log of two files and six lines, closed in good order."""
    directory = tmp_path / "records"
    log = RecordLog(directory, keep_days=10)
    for number in range(4):
        log.append({"kind": "flow", "n": number}, NOON + (number > 1) * DAY)
    log.close()
    return directory


def last_file(directory: Path) -> Path:
    """The file that was written last."""
    return log_files(directory)[-1].path


def go_on(directory: Path) -> list[str]:
    """Append after a restart; what the audit finds then."""
    log = RecordLog(directory, keep_days=10)
    assert log.append({"kind": "flow", "n": 9}, NOON + DAY + SECOND)
    log.close()
    return [finding.what for finding in verify([directory]).findings]


def test_in_good_order(directory: Path) -> None:
    """A log goes on after its last line."""
    head = read_head(directory)
    assert head is not None
    resumed = resume(directory)

    assert (1, head.last, "") == (resumed.first, resumed.last, resumed.damage)
    assert sum(file.path.stat().st_size for file in log_files(directory)) == resumed.bytes
    assert [] == go_on(directory)


def test_no_log_yet(tmp_path: Path) -> None:
    """An empty directory begins at the beginning."""
    assert Resumed(1, Link(), 0, "") == resume(tmp_path)


def test_lines_after_the_head(directory: Path) -> None:
    """Lines that reached the file before a crash and the head did not are kept: the log goes on after them."""
    head = (directory / HEAD).read_bytes()
    log = RecordLog(directory, keep_days=10)
    log.append({"kind": "flow", "n": 5}, NOON + DAY + SECOND)
    log.close()
    (directory / HEAD).write_bytes(head)

    assert [] == go_on(directory)


@pytest.mark.parametrize("torn", [b"{", b'{"kind":"flow","n"'])
def test_a_line_that_a_power_cut_left(directory: Path, torn: bytes) -> None:
    """Half a line after the head is cut off, and nothing is amiss."""
    with last_file(directory).open("ab") as file:
        file.write(torn)

    assert [] == go_on(directory)


@pytest.mark.parametrize("left", [b"", b'{"kind":'])
def test_a_file_that_was_just_begun(directory: Path, left: bytes) -> None:
    """A file without a line is taken away."""
    (directory / "records-000000000007-2026-11-24.jsonl").write_bytes(left)

    assert [] == go_on(directory)


def test_the_end_was_cut_off(directory: Path) -> None:
    """A log that is shorter than its head goes on behind the head: what is missing stays missing, for every audit."""
    path = last_file(directory)
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    found = go_on(directory)

    assert any("line 6 of the log missing" in what for what in found)
    assert any("the log ended before its head" in what for what in found)


def test_the_last_file_was_removed(directory: Path) -> None:
    """The same for a whole file, and for all of them."""
    last_file(directory).unlink()
    assert any("lines 4 to 6 of the log missing" in what for what in go_on(directory))
    for file in log_files(directory):
        file.path.unlink()
    assert any("the log ended before its head" in what for what in go_on(directory))


def test_a_line_was_changed(directory: Path) -> None:
    """A changed line stays found, and the recorder says that it saw it."""
    path = last_file(directory)
    path.write_bytes(path.read_bytes().replace(b'"n":2', b'"n":7'))
    found = go_on(directory)

    assert any("was changed: it does not have its own hash" in what for what in found)
    assert any("the last file was changed" in what for what in found)


@pytest.mark.parametrize("data", [None, b"noise"])
def test_the_head_was_removed(directory: Path, data: bytes | None) -> None:
    """Without its head a log goes on after its last line, and says for good that the head was not there."""
    (directory / HEAD).unlink()
    if data is not None:
        (directory / HEAD).write_bytes(data)

    assert [True] == ["when it was started, the recorder found: the head" in what for what in go_on(directory)]


@pytest.mark.parametrize("head", [None, b"noise", "as it was before the file"])
def test_a_file_that_nothing_can_be_read_of(tmp_path: Path, head: bytes | str | None) -> None:
    """A bad sector takes the last file, and the head too or its last second: records go on beside it."""
    directory = tmp_path / "records"
    heads = []
    for number in range(2):
        log = RecordLog(directory, keep_days=10)
        log.append({"kind": "flow", "n": number}, NOON + DAY)
        log.close()
        heads.append((directory / HEAD).read_bytes())
    last_file(directory).write_bytes(b"\0" * 512 + b"\n")
    if head is None:
        (directory / HEAD).unlink()
    else:
        (directory / HEAD).write_bytes(head if isinstance(head, bytes) else heads[0])

    assert any("the recorder found" in what for what in go_on(directory))
    assert 3 == len(log_files(directory))
