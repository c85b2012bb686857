"""audit verify: whatever is done to a log afterwards is found, with its line."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.authority.audit import MAX_FINDINGS, Audit, NoLogError, verify
from agent.authority.chain import Link
from agent.authority.head import HEAD, read_head
from agent.authority.log_files import log_files
from agent.authority.record_log import RecordLog
from agent.authority.recorder import entry_of
from tests.authority.examples import DAY, NOON, SECOND, authorisation, flow, network

Lines = list[bytes]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A log of two days with four records each: lines 1 to 5 and 6 to 10 of the log."""
    directory = tmp_path / "records"
    log = RecordLog(directory, keep_days=10)
    for number in range(8):
        now = NOON + SECOND * (number + 2) + (number > 3) * DAY // 2
        log.append(entry_of(flow(), authorisation(), now - SECOND, now), now)
    log.close()
    return directory


def findings(audit: Audit) -> list[tuple[str, int, str]]:
    """(file, line, what) of everything that was found."""
    return [(finding.path.name, finding.line, finding.what) for finding in audit.findings]


def change(path: Path, how: Callable[[Lines], Lines]) -> None:
    """Do something to the lines of a file."""
    path.write_bytes(b"".join(how(path.read_bytes().splitlines(keepends=True))))


def test_untouched(directory: Path) -> None:
    """Nothing is found in a log as it was written; lines and records are counted; the end is the head."""
    audit, head = verify([directory]), read_head(directory)
    assert head is not None

    assert ([], 10, 8, head.last, []) == (audit.findings, audit.lines, audit.records, audit.end, audit.notes)


@pytest.mark.parametrize(
    ("how", "line", "what"),
    [
        (lambda lines: [*lines[:2], lines[2].replace(b"3333", b"3334"), *lines[3:]], 3, "was changed"),
        (lambda lines: [*lines[:2], *lines[3:]], 3, "missing before this one"),
        (lambda lines: [*lines[:1], *lines[2:]], 2, "missing before this one"),
        (lambda lines: lines[1:], 1, "this file began with line"),
        (lambda lines: [lines[0], lines[2], lines[1], *lines[3:]], 3, "out of order"),
        (lambda lines: [*lines[:3], lines[2], *lines[3:]], 4, "out of order"),
        (lambda lines: [*lines[:3], b"\n", *lines[3:]], 4, "no record"),
        (lambda lines: [*lines[:-1], lines[-1][:-1]], 5, "cut off"),
        (lambda lines: [*lines[:-1], lines[-1][:-30]], 5, "cut off"),
    ],
)
@pytest.mark.parametrize("which", [0, 1])
def test_every_change_is_found(
    directory: Path, which: int, how: Callable[[Lines], Lines], line: int, what: str
) -> None:
    """A line that was changed, removed, moved, repeated, put in or cut is found at its line, in either file."""
    path = log_files(directory)[which].path
    change(path, how)

    here = [text for name, at, text in findings(verify([directory])) if (name, at) == (path.name, line)]

    assert [text for text in here if what in text]


@pytest.mark.parametrize(("kept", "missing"), [(4, 1), (1, 4)])
def test_a_cut_end_is_found(directory: Path, kept: int, missing: int) -> None:
    """Whole lines that are missing at the end are found by the head, at the line where they should be."""
    path = log_files(directory)[1].path
    change(path, lambda lines: lines[:kept])

    assert [(path.name, kept + 1, f"the log ends with line {5 + kept}, {missing} before the last one that its head tells of")] == findings(verify([directory]))  # fmt: skip


def test_removed_files(directory: Path) -> None:
    """A file that is missing at the beginning, at the end, or altogether is found."""
    first, second = (file.path for file in log_files(directory))
    data = first.read_bytes()
    first.unlink()
    assert [(second.name, 1, "the log begins with line 6; its head says that it begins with line 1")] == findings(
        verify([directory])
    )
    second.unlink()
    assert [(HEAD, 0, "the head says that lines 1 to 10 are kept, and no file is there")] == findings(
        verify([directory])
    )
    first.write_bytes(data)
    assert [(first.name, 6, "the log ends with line 5, 5 before the last one that its head tells of")] == findings(
        verify([directory])
    )


def test_a_pipe_in_place_of_a_file(directory: Path) -> None:
    """Neither the audit nor the next start waits for a pipe's other end; what stood there is missing."""
    for path in (log_files(directory)[-1].path, directory / HEAD):
        path.unlink()
        os.mkfifo(path)
    log = RecordLog(directory, keep_days=10)

    assert [(HEAD, 0, "this is no file")] == findings(verify([directory]))
    assert log.append({"kind": "flow"}, NOON + 2 * DAY)
    log.close()
    assert any("the recorder found: the head" in what for _, _, what in findings(verify([directory])))


def test_the_head_was_changed(directory: Path) -> None:
    """A head that is missing, noise, or of another last line is found."""
    head = read_head(directory)
    assert head is not None
    (directory / HEAD).write_text(json.dumps({"first": 1, "sequence": 10, "hash": "0" * 64}))
    assert [(log_files(directory)[1].path.name, 5, "the line was replaced: its hash is not the head one")] == findings(
        verify([directory])
    )
    (directory / HEAD).write_text("noise")
    assert [(HEAD, 0)] == [(name, line) for name, line, _ in findings(verify([directory]))]
    (directory / HEAD).unlink()
    assert [(HEAD, 0)] == [(name, line) for name, line, _ in findings(verify([directory]))]


def test_a_log_written_anew(directory: Path, tmp_path: Path) -> None:
    """Who writes the whole log anew, head and all, is found by a line whose hash was kept elsewhere."""
    known = verify([directory]).end
    (tmp_path / "anew").mkdir()
    anew = tmp_path / "anew" / "records"
    log = RecordLog(anew, keep_days=10)
    for number in range(12):
        log.append({"kind": "flow", "n": number}, NOON)
    log.close()

    assert [] == verify([anew]).findings
    assert [(10, "the line was replaced: its hash is not the known one")] == [
        (line, what) for _, line, what in findings(verify([anew], known=known))
    ]
    assert [] == verify([directory], known=known).findings
    assert ["the known line 99 is missing: the log ends with line 10"] == [
        what for _, _, what in findings(verify([directory], known=Link(99, "0" * 64)))
    ]


def test_files_by_name(directory: Path) -> None:
    """A part of the log can be read by itself; what then cannot be said is noted."""
    first, second = (file.path for file in log_files(directory))

    assert ([], ["the last file of the log was not named, so its end was not looked at"]) == (
        verify([first]).findings,
        verify([first]).notes,
    )
    assert ([], []) == (verify([second]).findings, verify([second]).notes)
    assert 10 == verify([second, first]).lines
    older = verify([second], known=Link(2, "0" * 64))
    assert ([], ["the known line 2 is not in these files: it is older"]) == (older.findings, older.notes)


def test_what_is_no_log(directory: Path, tmp_path: Path) -> None:
    """Other directories and files are refused, and so are files of two logs at once."""
    (tmp_path / "other.jsonl").touch()
    other = tmp_path / log_files(directory)[0].path.name
    other.touch()
    empty = tmp_path / "empty"
    empty.mkdir()
    for paths in ([empty], [tmp_path / "other.jsonl"], [other, log_files(directory)[0].path]):
        with pytest.raises(NoLogError):
            verify(paths)
    with pytest.raises(FileNotFoundError):
        verify([tmp_path / "absent" / other.name])


def test_records_that_were_not_permitted(directory: Path) -> None:
    """With the authorisations at hand, each record must lie inside one: its time, its segment, its names."""
    ours = authorisation()
    log = RecordLog(directory, keep_days=10)
    staff, later = network("staff"), NOON + DAY // 2 + 60 * SECOND
    log.append(entry_of(flow(segment="students"), staff, later, later), later)
    log.append(entry_of(flow(), authorisation(names=True), later, later), later)
    log.append(entry_of(flow(), ours, later, later) | {"names": ["a.example"]}, later)
    log.append(entry_of(flow(), ours, NOON - SECOND, later), later)
    log.append(entry_of(flow(), ours, later, NOON + DAY), later)
    log.append(entry_of(flow(), ours, later, later) | {"ended": "soon"}, later)
    log.close()
    whats = [what for _, _, what in findings(verify([directory], authorisations=[ours, staff]))]

    assert [
        f"the record is of another segment than the authorisation {staff.identifier}",
        f"there is no authorisation {authorisation(names=True).identifier}",
        f"the record holds names, which the authorisation {ours.identifier} does not allow",
        f"the record is outside the time of the authorisation {ours.identifier}",
        f"the record is outside the time of the authorisation {ours.identifier}",
        "the record does not say when it was",
    ] == whats
    assert [] == verify([directory]).findings


def test_findings_are_bounded(directory: Path) -> None:
    """Of a file of noise so many findings are kept, and the rest counted."""
    with log_files(directory)[1].path.open("ab") as file:
        file.write(b"noise\n" * (MAX_FINDINGS + 50))
    audit = verify([directory])

    assert (MAX_FINDINGS, 50) == (len(audit.findings), audit.further)
