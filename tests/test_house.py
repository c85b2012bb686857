"""The house rules that a program can check: size, first lines, names, and a test beside every module."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAX_LINES = 400
"""A file that is longer holds a second idea."""

NO_NAMES = frozenset({"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"})
NO_TEST_OF_ITS_OWN = {
    "agent/flow.py": "words",
    "agent/facts.py": "words",
    "agent/verdict.py": "words",
    "agent/snapshot.py": "words",
    "agent/contracts.py": "words: Protocols",
    "agent/now.py": "words",
    "agent/__main__.py": "one call of agent.cli.main",
    "agent/lab/__main__.py": "runs agent.lab.day, and is run by tests/lab/",
}


def sources(*suffixes: str) -> list[str]:
    """Returns our own sources, as paths from the root."""
    folders = [ROOT / name for name in ("agent", "bench", "deploy", "tests")]
    inside = [path for folder in folders for path in folder.rglob("*") if path.suffix in suffixes]
    beside = [path for path in ROOT.glob("*") if path.suffix in suffixes]
    return sorted(path.relative_to(ROOT).as_posix() for path in (*inside, *beside))


def package_modules() -> list[str]:
    """Returns the modules of the package that hold code."""
    modules = [path for path in sources(".py") if path.startswith("agent/")]
    return [path for path in modules if not path.endswith("/__init__.py")]


def text(path: str) -> str:
    """Returns what a source holds."""
    return (ROOT / path).read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sources(".py", ".c", ".h"))
def test_files_hold_one_idea(path: str) -> None:
    """No source is longer than 400 lines."""
    lines = text(path).count("\n")

    assert lines <= MAX_LINES


@pytest.mark.parametrize("path", sources(".py"))
def test_modules_say_what_they_are(path: str) -> None:
    """The first statement of a module is a docstring whose first line says something; an empty __init__ may be silent."""
    module = ast.parse(text(path))
    if not module.body and path.endswith("/__init__.py"):
        return
    first = (ast.get_docstring(module) or "").partition("\n")[0]

    assert len(first.split()) >= 3, f"{path} begins with {first!r}"


@pytest.mark.parametrize("path", sources(".c", ".h"))
def test_c_files_say_what_they_are(path: str) -> None:
    """A C file begins with a comment."""
    assert text(path)[:2] in {"/*", "//"}


def test_no_name_that_says_nothing() -> None:
    """No module or folder is called utils or the like: such a name invites anything."""
    named = [path for path in sources(".py", ".c", ".h") if NO_NAMES & set(re.split(r"[/._]", path))]

    assert [] == named


@pytest.mark.parametrize("path", package_modules())
def test_modules_have_their_test(path: str) -> None:
    """agent/x/y.py is tested by tests/x/test_y.py; words are tested by everything that uses them."""
    if path in NO_TEST_OF_ITS_OWN:
        return
    inner = Path(path).relative_to("agent")
    mirror = ROOT / "tests" / inner.parent / f"test_{inner.name}"

    assert mirror.is_file(), f"{path} has no {mirror.relative_to(ROOT)}"


def test_exceptions_are_still_there() -> None:
    """Every exception from the rule above names a module that exists."""
    assert [] == sorted(path for path in NO_TEST_OF_ITS_OWN if not (ROOT / path).is_file())


def test_nothing_unfinished() -> None:
    """No marker of unfinished work, and no silenced checker without its code and reason."""
    marker = re.compile(
        r"\b(TODO|FIXME|XXX|HACK)\b|NotImplementedError|type: ignore(?!\[[a-z-]+\]  # \w)|noqa(?!: [A-Z]+\d+ \W? ?\w)"
    )
    here = Path(__file__).relative_to(ROOT).as_posix()
    found = [
        f"{path}:{number}"
        for path in sources(".py", ".c", ".h")
        if path != here
        for number, line in enumerate(text(path).splitlines(), 1)
        if marker.search(line)
    ]

    assert [] == found


def test_no_place_of_one_machine() -> None:
    """No file names an absolute path of a developer's machine."""
    place = re.compile(r"(?<![\w.])/(work|home|root|Users)/")
    here = Path(__file__).relative_to(ROOT).as_posix()
    kept = [ROOT / name for name in ("Makefile", "Dockerfile", "README.md", "CHANGELOG.md", ".ci/run")]
    kept += [path for folder in ("docs", "rules", "deploy") for path in (ROOT / folder).rglob("*") if path.is_file()]
    kept += [ROOT / path for path in sources(".py", ".c", ".h", ".toml") if path != here]
    found = [str(path.relative_to(ROOT)) for path in kept if place.search(path.read_text("utf-8", errors="replace"))]

    assert [] == found
