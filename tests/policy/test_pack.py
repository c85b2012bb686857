"""Words of a pack: dates in a sentence, and clauses by their id or in their own words."""

from datetime import date

from agent.policy.pack import Clause, Pack, WrittenPolicy


def test_dates_in_words() -> None:
    """What there is of them, in order."""
    assert "" == WrittenPolicy("1", "T", "S").dates
    assert "effective 2023-12-12" == WrittenPolicy("1", "T", "S", effective=date(2023, 12, 12)).dates
    days = (date(2015, 2, 24), date(2023, 11, 14), date(2024, 10, 22))
    assert "adopted 2009-07-28, revised 2015-02-24, 2023-11-14 and 2024-10-22" == (
        WrittenPolicy("1", "T", "S", adopted=date(2009, 7, 28), revised=days).dates
    )
    assert "revised 2015-02-24" == WrittenPolicy("1", "T", "S", revised=days[:1]).dates


def test_a_clause_in_words() -> None:
    """An id of the pack is told by its place and paraphrase; anything else stands for itself."""
    pack = Pack("D", None, {"d/1": Clause("d/1", "Section 1", "Be kind.")})

    assert ["Section 1: Be kind. (d/1)", "Acceptable use, 3", ""] == [
        pack.in_words(clause) for clause in ("d/1", "Acceptable use, 3", "")
    ]
