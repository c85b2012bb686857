"""The log's writing side: files, times, a full disk, and what a crash leaves behind."""

import json
import os
import resource
import signal
import stat
from pathlib import Path

import pytest

from agent.authority.audit import verify
from agent.authority.head import read_head
from agent.authority.log_files import log_files
from agent.authority.record_log import RecordLog
from tests.authority.examples import DAY, NOON, SECOND


def entries(directory: Path) -> list[dict[str, object]]:
    """All lines of the log."""
    return [json.loads(line) for file in log_files(directory) for line in file.path.read_bytes().splitlines()]


def numbers(directory: Path) -> list[object]:
    """What was appended and is there."""
    return [entry["n"] for entry in entries(directory) if entry["kind"] == "flow"]


def write(log: RecordLog, *values: int, now: int = NOON) -> list[bool]:
    """Append entries."""
    return [log.append({"kind": "flow", "n": value}, now) for value in values]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Where the log will be."""
    return tmp_path / "records"


@pytest.fixture
def log(directory: Path) -> RecordLog:
    """A log that keeps ten days."""
    return RecordLog(directory, keep_days=10)


def test_nothing_is_made_before_the_first_entry(log: RecordLog, directory: Path) -> None:
    """A log without entries leaves no trace, however long it runs."""
    for day in range(3):
        log.tick(NOON + day * DAY)
    log.close()

    assert not directory.exists()


def test_entries_are_there_at_once(log: RecordLog, directory: Path) -> None:
    """A line is in the file when append returns; the head follows at the tick; the audit finds nothing."""
    assert [True, True] == write(log, 1, 2)
    assert [1, 2] == numbers(directory)
    assert read_head(directory) is None
    log.tick(NOON + SECOND)
    head = read_head(directory)

    assert head is not None
    assert (1, 3) == (head.first, head.last.sequence)
    assert [] == verify([directory]).findings


def test_nobody_else_can_read_it(log: RecordLog, directory: Path) -> None:
    """The directory is 0700 and every file in it 0600, whatever the umask."""
    before = os.umask(0)
    try:
        write(log, 1)
        log.tick(NOON)
    finally:
        os.umask(before)

    assert 0o700 == stat.S_IMODE(directory.stat().st_mode)
    assert {0o600} == {stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()}


def test_a_file_a_day(log: RecordLog, directory: Path) -> None:
    """Each day has its file, whose first line carries the hash of the last one before; the chain goes through."""
    write(log, 1, 2)
    write(log, 3, now=NOON + DAY)
    log.tick(NOON + DAY)
    first, second = log_files(directory)

    assert (1, 4) == (first.sequence, second.sequence)
    last = json.loads(first.path.read_bytes().splitlines()[-1])
    opened = json.loads(second.path.read_bytes().splitlines()[0])
    assert ("opened", last["hash"]) == (opened["kind"], opened["previous"])
    assert [] == verify([directory]).findings


def test_files_have_a_size(log: RecordLog, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is full is followed by another on the same day."""
    monkeypatch.setattr("agent.authority.record_log.MAX_FILE_BYTES", 1_000)
    write(log, *range(20))
    log.close()

    assert list(range(20)) == numbers(directory)
    assert len(log_files(directory)) > 3
    assert [] == verify([directory]).findings


def test_old_files_are_deleted(log: RecordLog, directory: Path) -> None:
    """What is ten days old goes, without an entry being needed; the head says so, and the audit agrees."""
    write(log, 1)
    write(log, 2, now=NOON + DAY)
    log.tick(NOON + 9 * DAY)
    assert [1, 2] == numbers(directory)
    log.tick(NOON + 10 * DAY)
    assert [2] == numbers(directory)
    assert [] == verify([directory]).findings
    log.tick(NOON + 11 * DAY)
    assert [] == numbers(directory)
    assert [] == verify([directory]).findings

    write(log, 3, now=NOON + 11 * DAY)
    log.tick(NOON + 11 * DAY)
    assert ([3], []) == (numbers(directory), verify([directory]).findings)
    assert 5 == entries(directory)[0]["sequence"]


@pytest.mark.parametrize("step", [-12, 500])
def test_a_clock_that_was_wrong_takes_no_line_out_of_the_middle(log: RecordLog, directory: Path, step: int) -> None:
    """A file of a day long past, or to come, goes with its neighbours: until then the chain has all of its lines."""
    for number, now in enumerate((NOON, NOON + step * DAY, NOON + DAY)):
        write(log, number, now=now)
    log.tick(NOON + 9 * DAY)
    before = verify([directory])
    log.tick(NOON + 11 * DAY)
    log.close()

    assert ([], 3) == (before.findings, before.records)
    assert ([], []) == (verify([directory]).findings, numbers(directory))


def test_another_time_of_keeping(log: RecordLog, directory: Path) -> None:
    """A shorter one holds from the next tick on, the same day; and a longer one keeps what is still there."""
    write(log, 1)
    log.tick(NOON + 5 * DAY)
    log.keep(5)
    assert [1] == numbers(directory)
    log.tick(NOON + 5 * DAY)
    assert [] == numbers(directory)

    write(log, 2, now=NOON + 5 * DAY)
    log.keep(20)
    log.tick(NOON + 24 * DAY)
    assert ([2], []) == (numbers(directory), verify([directory]).findings)


def test_old_files_of_an_earlier_run_are_deleted(log: RecordLog, directory: Path) -> None:
    """A daemon that records nothing any more still deletes what is too old."""
    write(log, 1)
    log.close()
    RecordLog(directory, keep_days=10).tick(NOON + 10 * DAY)

    assert [] == log_files(directory)


def test_goes_on_after_a_restart(log: RecordLog, directory: Path) -> None:
    """The next run begins a file and goes on with the chain."""
    write(log, 1)
    log.close()
    again = RecordLog(directory, keep_days=10)
    write(again, 2, now=NOON + SECOND)
    again.close()

    assert [1, 2] == numbers(directory)
    assert [] == verify([directory]).findings
    assert 0 == again.limits_met["record_log_damaged"]


def test_one_writer(log: RecordLog, directory: Path) -> None:
    """A second process cannot write into the same log; its entries are counted as lost."""
    write(log, 1)
    other = RecordLog(directory, keep_days=10)

    assert [False] == write(other, 2)
    assert 1 == other.limits_met["records_lost"]
    log.close()
    assert [True] == write(other, 3)
    other.close()
    assert ([1, 3], []) == (numbers(directory), verify([directory]).findings)


def test_the_log_has_a_size(directory: Path) -> None:
    """A log that is full takes no more, counts what it did not take, and stays whole."""
    log = RecordLog(directory, keep_days=10, max_log_bytes=1_500)
    taken = write(log, *range(20))
    log.close()

    assert taken.count(False) == log.limits_met["record_log_full"]
    assert list(range(taken.count(True))) == numbers(directory)
    assert taken == sorted(taken, reverse=True)
    assert [] == verify([directory]).findings


def test_a_full_disk(log: RecordLog, directory: Path) -> None:
    """While nothing can be written, entries are counted and dropped; then the log goes on, whole."""
    write(log, 1)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        # A limit in the middle of the next line, and then below any file: as a disk that fills up.
        resource.setrlimit(resource.RLIMIT_FSIZE, (log_files(directory)[0].path.stat().st_size + 10, limits[1]))
        assert [False] == write(log, 2)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
        log.tick(NOON)
        assert [False, False] == write(log, 3, 4)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert 3 == log.limits_met["records_lost"]
    assert [True] == write(log, 5)
    log.close()

    assert ([1, 5], []) == (numbers(directory), verify([directory]).findings)
    assert log.limits_met["record_log_unsynced"] >= 1


def test_a_directory_that_cannot_be_made(tmp_path: Path) -> None:
    """The daemon goes on where there is no place for a log."""
    (tmp_path / "records").write_text("a file")
    log = RecordLog(tmp_path / "records", keep_days=10)

    assert [False] == write(log, 1)
    log.tick(NOON)
    log.close()
    assert 1 == log.limits_met["records_lost"]
