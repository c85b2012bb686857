"""A settings file's bytes against what is read from them: nesting, lists, lines, and everything that is refused."""

import os
from pathlib import Path

import pytest

from agent.policy.problems import Problems, RulesError
from agent.settings import max_settings_bytes, read_settings

KNOWN = ("interface", "max-flows", "web.listen-address", "web.config.file")


def read(folder: Path, text: str | bytes) -> dict[str, tuple[int, list[str]]]:
    """The settings in `text`: name -> line and values; raises RulesError with what is wrong."""
    file = folder / "hallwatch.yaml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    problems = Problems()
    found = read_settings(file, KNOWN, problems)
    problems.raise_if_any()
    return {name: (one.mark.line, [text.text for text in one.texts]) for name, one in found.items()}


def refused(folder: Path, text: str | bytes) -> list[str]:
    """Every problem in `text`, without the folder's name."""
    with pytest.raises(RulesError) as caught:
        read(folder, text)
    return [str(problem).removeprefix(f"{folder}/") for problem in caught.value.problems]


def test_names_may_be_nested_or_not(tmp_path: Path) -> None:
    """`web: {listen-address: ...}` and `web.listen-address: ...` are the same; a list is a list; lines are kept."""
    expected = {"interface": (2, ["eth1", "eth2"]), "web.listen-address": (4, ["[::]:1"])}

    assert expected == read(tmp_path, '# mine\ninterface: [eth1, eth2]\nweb:\n  listen-address: "[::]:1"\n')
    assert expected == read(tmp_path, '\ninterface:\n\n- eth1\n- eth2\nweb.listen-address: "[::]:1"\n') | {
        "web.listen-address": (4, ["[::]:1"])
    }


@pytest.mark.parametrize("text", ["", "# nothing yet\n"])
def test_nothing_is_fine(tmp_path: Path, text: str) -> None:
    """A file without a key says nothing."""
    assert {} == read(tmp_path, text)


def test_everything_wrong_is_told_at_once(tmp_path: Path) -> None:
    """Each with its line and what would be right."""
    text = (
        "interfaces: eth1\nweb:\n  listen-adress: x\n  config:\n    file:\nmax-flows:\n  - []\nmax-flows: 7\nvlan: 3\n"
    )

    assert [
        'hallwatch.yaml:1: "interfaces" is no setting; did you mean "interface"?',
        'hallwatch.yaml:3: "web.listen-adress" is no setting; did you mean "web.listen-address"?',
        'hallwatch.yaml:5: "web.config.file" has no plain value; give it one, or leave the key out',
        'hallwatch.yaml:7: "max-flows" has no plain value; give it one, or leave the key out',
        'hallwatch.yaml:8: the key "max-flows" stands here a second time (first in line 6); keep one of them',
        'hallwatch.yaml:9: "vlan" is no setting; one of: interface, max-flows, web.config.file, web.listen-address',
    ] == refused(tmp_path, text)


def test_a_name_said_in_both_ways(tmp_path: Path) -> None:
    """Nested and with dots is twice."""
    text = "web: {listen-address: a}\nweb.listen-address: b\n"

    assert [
        'hallwatch.yaml:2: "web.listen-address" stands here a second time (first in line 1); keep one of them'
    ] == refused(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- eth1\n", "settings are keys and values"),
        ("eth1\n", "settings are keys and values"),
        ("web: x\n", '"web" is no setting'),
        ("interface: []\n", "has no plain value"),
        ("interface: {name: eth1}\n", "has no plain value"),
        ("interface: &a eth1\nmax-flows: *a\n", "an alias"),
        ("a:\n\tb: 1\n", "this is not YAML"),
        (b"interface: \xff\n", "this is not UTF-8"),
        ("#" * max_settings_bytes + "\n", f"larger than {max_settings_bytes} bytes"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str | bytes, expected: str) -> None:
    """What is no file of settings is one clear problem."""
    (problem,) = refused(tmp_path, text)

    assert expected in problem


def test_a_file_that_is_none(tmp_path: Path) -> None:
    """A missing file, a folder and a pipe: told, not waited for."""
    os.mkfifo(tmp_path / "pipe")
    for name, expected in (("absent", "No such file"), (".", "this is no file"), ("pipe", "this is no file")):
        problems = Problems()
        assert {} == read_settings(tmp_path / name, KNOWN, problems)
        with pytest.raises(RulesError, match=expected):
            problems.raise_if_any()
