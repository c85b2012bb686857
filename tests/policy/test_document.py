"""Documents: text with its line for what is right, a problem with its line for what is not, and no way to blow up."""

import sys
from collections.abc import Iterator

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from yaml.reader import Reader

from agent.policy import document
from agent.policy.document import Listing, Node, Table, Text, max_depth, max_file_bytes, parse
from agent.policy.problems import Mark, Problems, RulesError


@pytest.fixture(params=[yaml.CSafeLoader, yaml.SafeLoader], ids=["libyaml", "python"], autouse=True)
def _loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Runs every test with both parsers: which one PyYAML has depends on how it was built."""
    with monkeypatch.context() as patch:
        patch.setattr(document, "_loader", request.param)
        yield


def read(text: str | bytes) -> tuple[Node | None, list[tuple[int, str, str]]]:
    """Returns the document, and (line, what, remedy) of each problem."""
    problems = Problems()
    node = parse(text if isinstance(text, bytes) else text.encode(), "f.yaml", problems)
    try:
        problems.raise_if_any()
    except RulesError as error:
        return node, [(problem.line, problem.what, problem.remedy) for problem in error.problems]
    return node, []


def test_values_know_their_line() -> None:
    """Tables, lists and texts carry the line they begin in, keys included."""
    node, problems = read("a: b\n\nlist:\n  - c\n  - {d: e}\n")

    assert [] == problems
    assert node == Table(
        {
            "a": (Mark("f.yaml", 1), Text("b", Mark("f.yaml", 1))),
            "list": (
                Mark("f.yaml", 3),
                Listing(
                    (
                        Text("c", Mark("f.yaml", 4)),
                        Table(
                            {"d": (Mark("f.yaml", 5), Text("e", Mark("f.yaml", 5)))},
                            Mark("f.yaml", 5),
                        ),
                    ),
                    Mark("f.yaml", 4),
                ),
            ),
        },
        Mark("f.yaml", 1),
    )


@pytest.mark.parametrize("word", ["no", "on", "07:45", "0755", "2026-11-26", "1e3", "~", "null", "1_000"])
def test_words_stay_words(word: str) -> None:
    """Nothing is turned into a truth value, a number, a date or nothing behind the writer's back."""
    node, problems = read(f"key: {word}")

    assert isinstance(node, Table)
    assert ([], Text(word, Mark("f.yaml", 1))) == (problems, node.entries["key"][1])


@pytest.mark.parametrize("text", ["", "# only a comment\n", "\ufeff", "\n\n"])
def test_nothing_is_an_empty_table(text: str) -> None:
    """An empty file is no error here; what reads it says which keys it misses."""
    node, problems = read(text)

    assert (Table({}, Mark("f.yaml", 1)), []) == (node, problems)


@pytest.mark.parametrize(
    ("text", "line", "what", "remedy"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, 'the key "a" stands here a second time (first in line 1)', "keep one of them"),
        ("a: [1\nb: 2\n", 2, "not YAML", "check indentation"),
        ("a:\n\t- b\n", 2, "not YAML", "indent with spaces"),
        ("a: 'b\n", 2, "not YAML", "check indentation, colons and quotes"),
        ("a: &x b\nc: *x\n", 2, 'an alias ("*x")', "aliases are not read"),
        ("a: 1\nb: !!python/object/apply:os.system [id]\n", 2, "a tag (", "plain text"),
        ("a: !!int 3\n", 1, "a tag (", "plain text"),
        ("a: 1\n---\nb: 2\n", 2, "a second document starts", "one document"),
        ("a: 1\n[b, c]: 2\n", 2, "a key that is a list or a table", "a plain word"),
        ("a:\n  " + "[" * 100, 2, f"more than {max_depth} levels", "check brackets"),
        ("a: 1\nb: \x07\n", 2, 'a control character ("\\x07")', "remove it"),
        ('a: 1\nb: "\\e[2J"\n', 2, 'a control character ("\\x1b")', "remove the escape"),
        (b"a: 1\nb: \xff\xfe\n", 2, "not UTF-8", "save the file as UTF-8"),
        (b"a: 1\n" + b"#" * max_file_bytes, 0, "larger than", "divide it"),
    ],
)
def test_what_is_wrong_has_line_and_remedy(text: str | bytes, line: int, what: str, remedy: str) -> None:
    """Each fault of a file is one problem, at its line, with what would be right."""
    _, problems = read(text)

    assert 1 == len(problems)
    assert line == problems[0][0]
    assert what in problems[0][1]
    assert remedy in problems[0][2]


@pytest.mark.parametrize("text", ['"\\UFFFFFFFF"', '"\\ud800"', "%YAML 1." + "9" * 5_000 + "\n--- a\n"])
def test_escapes_and_versions_out_of_range(text: str) -> None:
    """Numbers inside YAML's own syntax are as untrusted as the rest."""
    node, problems = read(text)

    assert (None, 1) == (node, len(problems))


def test_a_billion_laughs_are_one_problem() -> None:
    """Aliases that double at each level are refused at the first one, before anything is copied."""
    lines = ["a0: &a0 [ha, ha]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 64)]

    node, problems = read("\n".join(lines))

    assert (None, 1, 2) == (node, len(problems), problems[0][0])


def test_deep_nesting_is_one_problem() -> None:
    """A megabyte of brackets ends at the named depth: no recursion error, no long wait."""
    node, problems = read("[" * 1_000_000)

    assert (None, 1) == (node, len(problems))


def test_too_many_values_are_one_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of values has a limit of its own, which is met at the value that exceeds it."""
    monkeypatch.setattr(document, "max_nodes", 10)

    within, none = read("\n".join(["- x"] * 9))
    node, problems = read("\n".join(["- x"] * 10))

    assert (True, []) == (isinstance(within, Listing), none)
    assert (None, [(10, "the file holds more than 10 values", "divide it over several files")]) == (node, problems)


def test_the_limit_of_bytes_is_exact() -> None:
    """A file of exactly the limit is read."""
    node, problems = read(b"a: b\n" + b"#" * (max_file_bytes - 5))

    assert (True, []) == (isinstance(node, Table), problems)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200) | st.text(alphabet="ab:-[]{}&*!|>'\"#%@, \n\t", max_size=60).map(str.encode))
def test_any_bytes_give_a_value_or_a_problem(data: bytes) -> None:
    """Whatever a file holds, there is a document, or a problem that says why not; never both missing, never a crash."""
    node, problems = read(data)

    assert (node is not None) or problems


def test_the_same_characters_as_yaml() -> None:
    """What is refused is what PyYAML's own reader refuses, of all characters there are."""
    every = "".join(map(chr, range(sys.maxunicode + 1)))

    assert set(Reader.NON_PRINTABLE.findall(every)) == set(document._unprintable.findall(every))
