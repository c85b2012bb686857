"""Fields: each missing, misspelt or wrong value is one problem at its own line, and reading goes on."""

from datetime import date

import pytest

from agent.policy import fields as fields_module
from agent.policy import problems as problems_module
from agent.policy.document import Text, parse
from agent.policy.fields import Fields, iso_date, max_identifier_characters, max_text_characters, one_of
from agent.policy.problems import Mark, Problems, RulesError


def fields(text: str) -> Fields:
    """Returns a thing with required keys id and title, and optional ones."""
    problems = Problems()
    node = parse(text.encode(), "f.yaml", problems)
    assert node is not None
    return Fields(node, "thing", problems, required=["id", "title"], optional=["words", "parts", "named"])


def found(read: Fields) -> list[str]:
    """Returns the problems, as shown."""
    try:
        read.problems.raise_if_any()
    except RulesError as error:
        return [str(problem) for problem in error.problems]
    return []


def test_right_values_are_returned() -> None:
    """Text, list, and a single text as a list of one."""
    read = fields("id: a-1\ntitle: ' The thing '\nwords: [x, y]\nparts: [{a: b}]\nnamed: {n: 1}\n")

    assert ("a-1", "The thing", Text("The thing", Mark("f.yaml", 2))) == (
        read.identifier("id"),
        read.string("title"),
        read.text("title"),
    )
    assert ["x", "y"] == [text.text for text in read.texts("words")]
    assert [3] == [text.mark.line for text in read.texts("words")][:1]
    assert 1 == len(read.items("parts"))
    assert [("n", 5)] == [(name, mark.line) for name, mark, _ in read.entries("named")]
    assert ["The thing"] == [text.text for text in read.texts("title")]
    assert [] == found(read)


def test_absent_keys_give_nothing() -> None:
    """An optional key that is not there is no problem, and reads as nothing."""
    read = fields("id: a\ntitle: b\n")

    assert (None, "", ()) == (read.text("words"), read.string("words"), read.texts("words"))
    assert ((), (), None) == (read.items("parts"), read.entries("named"), read.choices("words", ["x"], "word"))
    assert ("words" in read, "title" in read) == (False, True)
    assert [] == found(read)


def test_misspelt_and_missing_keys() -> None:
    """A misspelt key is one problem with the right word; a missing one another."""
    read = fields("id: a\n\ntitel: b\n")

    assert [
        'f.yaml:1: this thing has no "title"; add "title:"',
        'f.yaml:3: "titel" is no key of this thing; did you mean "title"?',
    ] == found(read)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[a]", 'f.yaml:1: this thing is a list; write "key: value" lines; keys: id, title, words, parts, named'),
        ("", "f.yaml:1: this thing has no"),
        ("just words", "f.yaml:1: this thing is plain text"),
    ],
)
def test_what_is_no_table(text: str, expected: str) -> None:
    """Something else than a table is told by what it is, and then reads as an empty one."""
    read = fields(text)

    assert expected in found(read)[0]
    assert "" == read.string("title")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("words: []", '"words" is an empty list; name at least one'),
        ("words: [[a]]", '"words" holds a list where plain text belongs'),
        ("words: {a: b}", '"words" holds a table where plain text belongs'),
        ("words:", '"words" is empty; give it a value'),
        ("words: z", 'word: "z" is not known; one of: aa, bb'),
        ("words: [aa, aab]", 'word: "aab" is not known; did you mean "aa"?'),
        (f"words: {'a' * (max_text_characters + 1)}", '"words" is longer than 1000 characters; shorten it'),
    ],
)
def test_wrong_choices(line: str, problem: str) -> None:
    """Each wrong value of a list is one problem at its line; right ones beside it are kept."""
    read = fields(f"id: a\ntitle: b\n{line}\n")

    chosen = read.choices("words", ["aa", "bb"], "word")

    assert chosen is not None
    assert chosen <= {"aa"}
    assert 1 == len(found(read))
    assert found(read)[0].startswith(f"f.yaml:3: {problem}")


def test_any_word_will_do_where_nobody_can_say() -> None:
    """When the file that explains the words could not be read, they are not complained of."""
    read = fields("id: a\ntitle: b\nwords: [z]\n")

    assert frozenset({"z"}) == read.choices("words", None, "word")
    assert [] == found(read)


@pytest.mark.parametrize("word", ["Staff", "a b", "ä", "-a", "_a", "a.b", "x" * (max_identifier_characters + 1)])
def test_what_is_no_identifier(word: str) -> None:
    """Identifiers become labels and arguments: lower case, no spaces, bounded."""
    read = fields(f"id: {word}\ntitle: b\n")

    assert (None, 1) == (read.identifier("id"), len(found(read)))
    assert "is no identifier; lower-case letters" in found(read)[0]


def test_lists_and_tables_where_others_belong() -> None:
    """A list that should be a table, and a table that should be a list, are told apart."""
    read = fields("id: a\ntitle: b\nparts: {a: b}\nnamed: [a]\n")

    assert ((), ()) == (read.items("parts"), read.entries("named"))
    assert [
        'f.yaml:3: "parts" holds a table where a list belongs; begin each member with "- "',
        'f.yaml:4: "named" holds a list where named entries belong; write one "name:" a line',
    ] == found(read)


def test_dates() -> None:
    """A day is year, month and day; anything else is told with an example."""
    read = fields("id: 2026-11-26\ntitle: 26 November\n")
    right, wrong = read.text("id"), read.text("title")
    assert right is not None
    assert wrong is not None

    assert (date(2026, 11, 26), None) == (iso_date(right, read.problems), iso_date(wrong, read.problems))
    assert ['f.yaml:2: "26 November" is no date; year-month-day, such as 2026-11-26'] == found(read)


def test_remedies_are_looked_for_while_they_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of 100,000 wrong words would take minutes otherwise; every one of them is counted all the same."""
    asked: list[str] = []

    def remedy(word: str, _known: object) -> str:
        asked.append(word)
        return "write x"

    monkeypatch.setattr(problems_module, "max_problems", 2)
    monkeypatch.setattr(fields_module, "did_you_mean", remedy)
    problems = Problems()
    for word in ("a", "b", "c", "d"):
        one_of(Text(word, Mark("f.yaml", 1)), "word", {"x"}, problems)

    assert (["a", "b"], 4) == (asked, len(problems))
