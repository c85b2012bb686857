"""district, policy and clauses of a file of rules: read whole, joined over files, each fault with its line."""

from datetime import date

import pytest

from agent.policy import pack_file
from agent.policy.document import parse
from agent.policy.fields import Fields
from agent.policy.pack import Pack
from agent.policy.pack_file import PackPart, is_identifier, joined, read_pack_part
from agent.policy.problems import Problems, RulesError

WHOLE = """\
district: Newtown
policy: {number: 4118, title: Use, source: As published, adopted: 2009-07-28, revised: [2015-02-24, 2024-10-22]}
clauses:
  - {id: n-4118/use/1, number: First, paraphrase: Be kind., not_observable: Kindness is payload.}
  - {id: n-4118/use/2, number: Second, paraphrase: No games., rules: [games]}
"""


def read(text: str, problems: Problems) -> PackPart:
    """Returns the part that a text has."""
    node = parse(text.encode(), "p.yaml", problems)
    assert node is not None
    return read_pack_part(Fields(node, "file", problems, optional=["district", "policy", "clauses"]), problems)


def told(problems: Problems) -> list[str]:
    """Returns the problems."""
    try:
        problems.raise_if_any()
    except RulesError as error:
        return [str(problem) for problem in error.problems]
    return []


def pack_of(*texts: str, resting: dict[str, list[str]] | None = None, known: tuple[str, ...] = ("games",)) -> Pack:
    """Returns the pack of several files, the extending one first; there must be no problem."""
    problems = Problems()
    pack = joined([read(text, problems) for text in texts], resting or {}, known, problems)
    assert [] == told(problems)
    return pack


def test_a_whole_part_is_read() -> None:
    """Numbers of policies are text; dates are dates; clauses keep their order."""
    pack = pack_of(WHOLE)

    assert "Newtown" == pack.district
    assert pack.policy is not None
    assert ("4118", date(2009, 7, 28), None, (date(2015, 2, 24), date(2024, 10, 22))) == (
        pack.policy.number,
        pack.policy.adopted,
        pack.policy.effective,
        pack.policy.revised,
    )
    assert [("n-4118/use/1", (), "Kindness is payload."), ("n-4118/use/2", ("games",), "")] == [
        (clause.identifier, clause.rules, clause.not_observable) for clause in pack.clauses.values()
    ]


def test_rules_that_rest_on_a_clause_serve_it() -> None:
    """A clause has the rules that it lists, then those that name it; each once."""
    pack = pack_of(WHOLE, resting={"n-4118/use/1": ["a"], "n-4118/use/2": ["games", "b"]}, known=("games", "a", "b"))

    assert {"n-4118/use/1": ("a",), "n-4118/use/2": ("games", "b")} == {
        name: clause.rules for name, clause in pack.clauses.items()
    }


def test_the_extending_file_comes_first_and_replaces() -> None:
    """Its district, policy and clauses stand; what it does not have is taken from the file it extends."""
    own = "clauses: [{id: n-4118/use/2, number: Own, paraphrase: P, rules: [games]}]\n"
    pack = pack_of(own, WHOLE)

    assert "Newtown" == pack.district
    assert [("n-4118/use/2", "Own"), ("n-4118/use/1", "First")] == [
        (name, clause.number) for name, clause in pack.clauses.items()
    ]


@pytest.mark.parametrize(
    ("clause", "problem"),
    [
        ("number: N, paraphrase: P", 'this clause has no "id"'),
        ("id: a/1, paraphrase: P, not_observable: N", 'this clause has no "number"'),
        ("id: a b, number: N, paraphrase: P, not_observable: N", '"a b" is no identifier of a clause; words joined by'),
        ("id: a//b, number: N, paraphrase: P, not_observable: N", '"a//b" is no identifier of a clause'),
        (
            "id: n-4118/use/1, number: N, paraphrase: P, not_observable: N",
            'n-4118/use/1" stands in line 4 already; give',
        ),
        ("id: a/1, number: N, paraphrase: P", 'no rule serves the clause "a/1", and nothing says why; add "rules:"'),
        ("id: a/1, number: N, paraphrase: P, rules: [gams]", 'rule: "gams" is not known; did you mean "games"?'),
        ("id: a/1, number: N, paraphrase: P, rule: [games], not_observable: N", 'did you mean "rules"?'),
    ],
)
def test_one_fault_is_one_problem(clause: str, problem: str) -> None:
    """Each fault is told once, in line 6, with its remedy."""
    problems = Problems()
    joined([read(f"{WHOLE}  - {{{clause}}}\n", problems)], {}, ("games",), problems)
    lines = told(problems)

    assert 1 == len(lines), lines
    assert lines[0].startswith("p.yaml:6: ")
    assert problem in lines[0]


@pytest.mark.parametrize(
    ("policy", "problem"),
    [
        ("{title: T, source: S}", 'this policy has no "number"'),
        ("{number: 1, title: T, source: S, adopted: 2009}", '"2009" is no date; year-month-day'),
        ("{number: 1, title: T, source: S, revised: [last year]}", '"last year" is no date'),
        ("{number: 1, title: T, source: S, revisd: 2024-01-01}", 'did you mean "revised"?'),
    ],
)
def test_the_written_policy_is_checked(policy: str, problem: str) -> None:
    """A policy that nobody could find is none."""
    problems = Problems()
    read(f"policy: {policy}\n", problems)
    (line,) = told(problems)

    assert problem in line


def test_rules_that_nobody_can_tell_are_not_complained_of() -> None:
    """When an extended file cannot be read, that is one problem, and not one for each rule in it."""
    problems = Problems()
    joined([read("clauses: [{id: a/1, number: N, paraphrase: P, rules: [x]}]", problems)], {}, (), problems)

    assert [] == told(problems)


def test_the_number_of_clauses_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one too many is named."""
    monkeypatch.setattr(pack_file, "max_clauses", 1)
    problems = Problems()
    read(WHOLE, problems)

    assert ["p.yaml:5: more than 1 clauses; join those that the same rules serve"] == told(problems)


def test_what_names_a_clause() -> None:
    """Words with a space in them are a policy of their own."""
    assert [True, True, False] == [is_identifier(text) for text in ("hamden-4118.5R/use/3", "4.1", "Acceptable use")]
