"""A directory of rules: what is there is read, what is missing or odd is told by its path, and nothing hangs."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.policy import rule_files
from agent.policy.problems import Problems, RulesError
from agent.policy.rule_files import RuleFiles, read_rule_files


def read(directory: Path) -> tuple[RuleFiles, list[str]]:
    """Returns the files, and the problems with the directory left out of their paths."""
    problems = Problems()
    files = read_rule_files(directory, problems)
    try:
        problems.raise_if_any()
    except RulesError as error:
        return files, [str(problem).removeprefix(f"{directory}/") for problem in error.problems]
    return files, []


def test_a_whole_directory(rules: Callable[..., Path]) -> None:
    """Four catalogue files and the other three; hidden files and other kinds are left alone."""
    directory = rules({"catalogue/.hidden.yaml": ":", "catalogue/README.md": "words", "districts/a.yaml": ":"})

    files, problems = read(directory)

    assert ([], 4) == (problems, len(files.catalogue))
    assert None not in (*files.catalogue, files.segments, files.schedules, *files.rules)
    assert (1, None) == (len(files.rules), files.accounts)


def test_a_missing_file_names_what_is_there(rules: Callable[..., Path]) -> None:
    """A misspelt file name is the most likely reason for a missing file."""
    files, problems = read(rules({"schedules.yaml": None, "schedule.yaml": "a: b"}))

    assert files.schedules is None
    assert ['schedules.yaml: the file is missing; rename "schedule.yaml", if that is it'] == problems


def test_an_empty_directory(tmp_path: Path) -> None:
    """Everything that is missing is told at once."""
    files, problems = read(tmp_path)

    assert RuleFiles((), None, None, (None,), None) == files
    assert ["catalogue", "rules.yaml", "schedules.yaml", "segments.yaml"] == [
        line.partition(":")[0] for line in problems
    ]


def test_another_ending_is_told(rules: Callable[..., Path]) -> None:
    """A catalogue file that ends in .yml is not silently left out."""
    _, problems = read(rules({"catalogue/ours.yml": "a: b"}))

    assert ['catalogue/ours.yml: this file would not be read; let its name end in ".yaml"'] == problems


def test_what_is_no_file(rules: Callable[..., Path]) -> None:
    """A pipe would be read for ever, a directory cannot be; both are told."""
    directory = rules({"segments.yaml": None, "rules.yaml": None})
    os.mkfifo(directory / "segments.yaml")
    (directory / "rules.yaml").mkdir()

    _, problems = read(directory)

    assert [
        "rules.yaml: this is no file; put a plain file here",
        "segments.yaml: this is no file; put a plain file here",
    ] == (problems)


def test_a_file_that_may_not_be_read(rules: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's reason is passed on."""

    def refuse(self: Path, _mode: str) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    directory = rules()
    monkeypatch.setattr(Path, "open", refuse)

    _, problems = read(directory)

    assert "rules.yaml: the file cannot be read: Permission denied; let the daemon's user read it" in problems


def test_a_name_that_no_file_can_have(rules: Callable[..., Path]) -> None:
    """A name longer than a directory holds is one that is not there, and no error of the system's."""
    name = "a" * 300
    _, problems = read(rules({"rules.yaml": f"extends: {name}.yaml"}))
    assert ['rules.yaml:1: "' + name[:57] + '..." is no file of rules in this directory'] == [
        problem.partition(";")[0] for problem in problems
    ]

    found = Problems()
    files = read_rule_files(rules({}), found, district=name)
    assert ((None,), 1) == (files.rules, len(found))


@pytest.mark.parametrize("target", ["nowhere.yaml", "accounts.yaml"])
def test_a_link_that_leads_nowhere_is_no_missing_file(rules: Callable[..., Path], target: str) -> None:
    """Declarations that are meant to be there are not left out in silence, nor told to be called what they are called."""
    directory = rules({})
    (directory / "accounts.yaml").symlink_to(target)

    files, problems = read(directory)

    assert files.accounts is None
    assert len(problems) == 1
    assert problems[0].startswith("accounts.yaml: the file ")
    assert "would not be read" not in problems[0]


def test_a_directory_that_may_not_be_entered(rules: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file of it is told of. Root may enter any, so the system's answer is put in its place."""

    def refused(path: Path, *_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    directory = rules({})
    monkeypatch.setattr(Path, "stat", refused)
    monkeypatch.setattr(Path, "lstat", refused)
    monkeypatch.setattr(Path, "open", refused)

    _, problems = read(directory)

    assert {"accounts.yaml", "rules.yaml", "schedules.yaml", "segments.yaml"} <= {
        line.partition(":")[0] for line in problems if "cannot be read: Permission denied" in line
    }


def test_the_number_of_files_has_a_limit(rules: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory full of files is not read to its end."""
    monkeypatch.setattr(rule_files, "max_catalogue_files", 2)

    files, problems = read(rules())

    assert (2, ["catalogue: more than 2 files; join some of them"]) == (len(files.catalogue), problems)


def test_a_misspelt_file_of_accounts_is_told(rules: Callable[..., Path]) -> None:
    """Without the file nothing is declared; with a misspelt one that would be silent."""
    files, problems = read(rules({"account.yaml": "board_services: []"}))

    assert None is files.accounts
    assert ["account.yaml: this file would not be read; rename it to accounts.yaml"] == problems


def test_a_district_in_place_of_the_rules(rules: Callable[..., Path]) -> None:
    """The pack is read, and what it extends; rules.yaml is not."""
    directory = rules({"districts/a.yaml": "extends: rest.yaml", "rest.yaml": "rules: []", "rules.yaml": None})
    problems = Problems()

    files = read_rule_files(directory, problems, district="a")

    assert (0, ["a.yaml", "rest.yaml"]) == (
        len(problems),
        [Path(node.mark.file).name for node in files.rules if node is not None],
    )
