"""premises.yaml and notice-posted.json in a directory."""

import os
from datetime import date
from pathlib import Path

import pytest

from agent.notice.files import DEFAULT_RECORDS_DAYS, load_posted, load_premises, record_posted, records_days
from agent.notice.notice import fingerprint_of
from agent.notice.posted import Posted
from agent.policy.document import max_file_bytes
from agent.policy.problems import RulesError


def test_absent_files_are_nothing(tmp_path: Path) -> None:
    """A directory without them has no premises, no posted notice, and the default time for records."""
    assert load_premises(tmp_path, None) is None
    assert load_posted(tmp_path) is None
    assert DEFAULT_RECORDS_DAYS == records_days(tmp_path)


def test_premises_are_read(rules: Path, two_buildings: str) -> None:
    """The file is read, and the daemon keeps records for as long as the notice says."""
    premises = load_premises(rules, {"staff", "students", "guests"})
    assert premises is not None
    assert "Two Schools District" == premises.district
    (rules / "premises.yaml").write_text(two_buildings.replace("records_days: 90", "records_days: 7"))
    assert 7 == records_days(rules)


def test_problems_name_the_file(rules: Path) -> None:
    """What is wrong is told with the file's path and line."""
    with pytest.raises(RulesError) as raised:
        load_premises(rules, {"staff", "students"})

    assert [(str(rules / "premises.yaml"), 9)] == [(problem.file, problem.line) for problem in raised.value.problems]


def test_record_replaces_the_one_before(tmp_path: Path) -> None:
    """The last record is the one that is read, and nothing else is left in the directory."""
    for day in (1, 2):
        record_posted(tmp_path, Posted(date(2026, 10, day), fingerprint_of({}), ("é",), {}))
    posted = load_posted(tmp_path)

    assert posted is not None
    assert (date(2026, 10, 2), ("é",)) == (posted.on, posted.where)
    assert ["notice-posted.json"] == [path.name for path in tmp_path.iterdir()]


@pytest.mark.parametrize("name", ["premises.yaml", "notice-posted.json"])
@pytest.mark.parametrize("kind", ["directory", "pipe", "noise", "large"])
def test_what_cannot_be_read(tmp_path: Path, name: str, kind: str) -> None:
    """Neither file can hang or crash a command: each is a problem that names it."""
    path = tmp_path / name
    match kind:
        case "directory":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "noise":
            path.write_bytes(bytes(range(256)))
        case _:
            path.write_bytes(b"#" * (max_file_bytes + 1))
    with pytest.raises(RulesError, match=name.replace(".", r"\.")):
        load_premises(tmp_path, None) if name == "premises.yaml" else load_posted(tmp_path)
