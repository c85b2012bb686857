"""Command line over file over defaults: every kind of option, by the real parser of `run`."""

import argparse
from pathlib import Path

import pytest

from agent.cli.options import COMMAND_LINE, DEFAULT, InForce, Options, changed_in_file, in_force
from agent.cli.run import add_to
from agent.policy.problems import Problems, RulesError
from agent.settings import SettingsError


class Asked:
    """The options of `run`, and a command line and a file put to them."""

    def __init__(self, folder: Path) -> None:
        self.parser = argparse.ArgumentParser()
        add_to(self.parser.add_subparsers())
        self.file = folder / "hallwatch.yaml"

    def said(self, *words: str) -> argparse.Namespace:
        return self.parser.parse_args(["run", *words])

    @property
    def options(self) -> Options:
        found: Options = self.said().run.keywords["options"]
        return found

    def in_force(self, text: str, *words: str) -> InForce:
        """Raises RulesError with what is wrong."""
        self.file.write_text(text, encoding="utf-8")
        problems = Problems()
        found = in_force(self.options, self.said(*words), self.file, problems)
        problems.raise_if_any()
        return found

    def value(self, name: str, text: str, *words: str) -> tuple[object, str]:
        """An option's value, and where it was said (a line of the file as its number)."""
        found = self.in_force(text, *words)
        return found.value(self.options, name), found.sources[name].removeprefix(f"{self.file}:")


@pytest.fixture
def asked(tmp_path: Path) -> Asked:
    return Asked(tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("demo", "demo: true", True),
        ("demo", "demo: false", False),
        ("interface", "interface: eth1", ["eth1"]),
        ("interface", "interface: [eth1, eth2]", ["eth1", "eth2"]),
        ("gate", "gate: kernel", "kernel"),
        ("max-flows", "max-flows: 4096", 4096),
        ("district", "district: darien", "darien"),
        ("web.listen-address", 'web: {listen-address: "[::]:0"}', ("::", 0)),
        ("seed", "seed: 7", 7),
    ],
)
def test_a_setting_is_the_option(asked: Asked, name: str, text: str, expected: object) -> None:
    """The file's text goes the way of the option's."""
    assert (expected, "1") == asked.value(name, text)


@pytest.mark.parametrize(
    ("name", "text", "words", "expected"),
    [
        ("gate", "gate: kernel", ["--gate", "auto"], "auto"),
        ("interface", "interface: [eth1, eth2]", ["-i", "eth3"], ["eth3"]),
        ("seed", "seed: 7", ["--seed", "1"], 1),
        ("district", "district: darien", ["--district", "hamden"], "hamden"),
        ("demo", "demo: false", ["--demo"], True),
    ],
)
def test_the_command_line_wins(asked: Asked, name: str, text: str, words: list[str], expected: object) -> None:
    """Even when it says the default; and a list is replaced, not made longer."""
    assert (expected, COMMAND_LINE) == asked.value(name, text, *words)


def test_the_source_on_the_command_line_puts_the_files_out_of_force(asked: Asked) -> None:
    """--demo with a file that names an interface is the demo, and nothing of the interface is left; the reverse too."""
    assert (None, DEFAULT) == asked.value("interface", "interface: eth1", "--demo")
    assert (False, DEFAULT) == asked.value("demo", "demo: true", "-i", "eth1")


def test_rules_and_district_may_be_said_in_different_places(asked: Asked) -> None:
    """One of the two on the command line leaves the other of the file in force."""
    words = ("rules: /etc/rules\ndistrict: darien", "--district", "hamden")

    assert (Path("/etc/rules"), "1") == asked.value("rules", *words)
    assert ("hamden", COMMAND_LINE) == asked.value("district", *words)


def test_a_path_is_beside_the_file(asked: Asked) -> None:
    """Wherever the daemon was started; an absolute one stays."""
    assert (asked.file.parent / "rules", "1") == asked.value("rules", "rules: rules")
    assert (asked.file.parent / "s", "1") == asked.value("state", "state: s")
    assert (Path("/var/s"), "1") == asked.value("state", "state: /var/s")


def test_without_a_file_everything_is_default(asked: Asked) -> None:
    """And the defaults are those of --help, as values and not as text."""
    found = in_force(asked.options, asked.said(), None, Problems())

    assert {DEFAULT} == set(found.sources.values())
    assert (("127.0.0.1", 10484), 1 << 18) == (found.arguments.listen, found.arguments.max_flows)


def test_what_is_wrong_in_the_values(asked: Asked) -> None:
    """Each value is refused as the option would refuse it, with its line; all at once."""
    text = "gate: [kernel, auto]\nmax-flows: 3\nlog-level: loud\nseed: one\nweb:\n  listen-address: 80\n"
    with pytest.raises(RulesError) as caught:
        asked.in_force(text)

    assert [
        (1, '"gate" has more than one value'),
        (2, "\"max-flows\": '3' is not a number from 1024 to 16777216"),
        (3, '"log-level": "loud" is not known'),
        (4, "\"seed\": invalid literal for int() with base 10: 'one'"),
        (6, "\"web.listen-address\": '80' is not HOST:PORT, such as 127.0.0.1:10484 or [::1]:10484"),
    ] == [(problem.line, problem.what) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("demo: yes", "said by true or false"),
        ("demo: [true, true]", "said by true or false"),
        ("demo: true\ninterface: eth1", '"interface" and "demo" (line 1) exclude one another'),
        ("config.file: x", '"config.file" is no setting'),
        ("config: {check: true}", '"config" is no setting'),
        ("help: true", '"help" is no setting'),
    ],
)
def test_what_a_file_cannot_say(asked: Asked, text: str, expected: str) -> None:
    """A flag is true or false; there is one source; and the file says nothing of files."""
    with pytest.raises(RulesError) as caught:
        asked.in_force(text)
    (problem,) = caught.value.problems

    assert expected in problem.what


def test_what_changed_since_the_start(asked: Asked) -> None:
    """By value and not by text; what the command line said cannot change; and what is wrong now is raised."""
    words = ["--seed", "7"]
    start = asked.in_force("interface: eth1\nseed: 1\ngate: auto\n", *words)
    changed = []
    for text in ("seed: 2\ninterface: [eth1]\n", "interface: eth2\ngate: kernel\n"):
        asked.file.write_text(text, encoding="utf-8")
        changed.append(changed_in_file(asked.options, asked.said(*words), asked.file, start))
    asked.file.write_text("gates: x\n", encoding="utf-8")

    assert [(), ("interface", "gate")] == changed
    with pytest.raises(SettingsError):
        changed_in_file(asked.options, asked.said(*words), asked.file, start)
