"""Problems: all are shown, each with its place and its remedy, and nothing a file holds can flood the terminal."""

import pytest

from agent.policy.problems import (
    Mark,
    Problem,
    Problems,
    RulesError,
    did_you_mean,
    listed,
    max_listed_words,
    max_problems,
    max_shown_characters,
    shown,
)


def test_a_problem_reads_as_one_line() -> None:
    """File, line, what is wrong, what would be right."""
    assert "rules.yaml:7: it is wrong; mend it" == str(Problem("rules.yaml", 7, "it is wrong", "mend it"))


def test_a_problem_of_a_whole_file_names_no_line() -> None:
    """Line 0 is no line, and is not shown as one."""
    assert "rules.yaml: it is missing; copy it" == str(Problem("rules.yaml", 0, "it is missing", "copy it"))


def test_all_problems_are_raised_in_order() -> None:
    """They are sorted by file and line, whatever the order in which they were found."""
    problems = Problems()
    problems.add(Mark("b.yaml", 2), "two", "mend")
    problems.add(Mark("b.yaml", 1), "one", "mend")
    problems.add(Mark("a.yaml", 9), "nine", "mend")

    with pytest.raises(RulesError) as caught:
        problems.raise_if_any()

    assert ["nine", "one", "two"] == [problem.what for problem in caught.value.problems]
    assert "a.yaml:9: nine; mend\nb.yaml:1: one; mend\nb.yaml:2: two; mend" == str(caught.value)


def test_no_problem_is_no_error() -> None:
    """Nothing is raised when nothing was added."""
    problems = Problems()

    problems.raise_if_any()

    assert 0 == len(problems)


def test_problems_beyond_the_limit_are_counted() -> None:
    """A file that is wrong everywhere costs bounded memory, and the rest is told as a number."""
    problems = Problems()
    for line in range(max_problems + 5):
        problems.add(Mark("a.yaml", line), "wrong", "mend")

    with pytest.raises(RulesError) as caught:
        problems.raise_if_any()

    assert (max_problems, 5, max_problems + 5) == (len(caught.value.problems), caught.value.further, len(problems))
    assert str(caught.value).endswith("\nand 5 more problems")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("staff", '"staff"'),
        ("a\x1b[2Jb", '"a\\x1b[2Jb"'),
        ("x" * 5_000, '"' + "x" * (max_shown_characters - 3) + '..."'),
    ],
)
def test_a_wrong_value_is_shown_safely(text: str, expected: str) -> None:
    """A value is quoted, cut short, and cannot move the cursor."""
    assert expected == shown(text)


def test_a_near_word_is_proposed() -> None:
    """One letter off is understood."""
    assert 'did you mean "gaming"?' == did_you_mean("gamming", ["gaming", "news", "retail"])


def test_without_a_near_word_all_are_listed() -> None:
    """Nothing near: the reader gets the list, sorted; and is told when it is empty."""
    assert "one of: gaming, news" == did_you_mean("zzzzzz", ["news", "gaming"])
    assert "there are none yet" == did_you_mean("zzzzzz", [])


def test_long_lists_are_cut() -> None:
    """The tail of a long list is a number."""
    words = [f"w{number}" for number in range(max_listed_words + 3)]

    assert listed(words).endswith(f"w{max_listed_words - 1} and 3 more")
