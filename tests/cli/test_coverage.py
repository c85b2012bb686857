"""hallwatch coverage: the table for a board, for people, for Markdown and for machines."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from agent.cli.main import main

DISTRICTS = ("hamden", "wethersfield", "darien")


def covered(line: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Returns the document that a command line prints."""
    assert 0 == main(["coverage", *line, "--json"])
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


@pytest.mark.parametrize("district", DISTRICTS)
def test_something_is_said_of_every_clause(district: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each clause has what is counted or why nothing is, and every rule of the pack serves one."""
    document = covered(["--district", district], capsys)

    assert all(clause["counted"] or clause["not_observable"] for clause in document["clauses"])
    assert all(len(clause["rules"]) == len(clause["counted"]) for clause in document["clauses"])
    assert {"default"} == {line["rule"] for line in document["other_rules"] if not line["rule"].startswith("students-")}


def test_what_is_counted_is_what_is_loaded(own_rules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The table is read off the rules: change a condition, and the table says so."""
    pack = own_rules / "districts" / "hamden.yaml"
    pack.write_text(pack.read_text().replace("linkedin, twitter, youtube]", "linkedin, twitter, youtube, tiktok]"))
    pack.write_text(pack.read_text()[: pack.read_text().index("# What hallwatch check")])
    (clause,) = [
        clause
        for clause in covered(["--rules", str(own_rules), "--district", "hamden"], capsys)["clauses"]
        if clause["id"] == "hamden-4118.5R/prohibited-uses/12"
    ]

    assert ["named-social-networking"] == clause["rules"]
    assert "TikTok" in clause["counted"][0]
    assert "for Staff, always: review" in clause["counted"][0]


def test_markdown_for_a_board(capsys: pytest.CaptureFixture[str]) -> None:
    """A heading, the policy with its dates and source, a table of four columns, and who decides what the law is."""
    assert 0 == main(["coverage", "--district", "wethersfield", "--markdown"])
    shown = capsys.readouterr().out
    rows = [line for line in shown.splitlines() if line.startswith("| ")]
    first, others = rows.index(rows[0]), next(at for at, row in enumerate(rows) if row.startswith("| rule |"))

    assert shown.startswith("# What is counted for the policy of Wethersfield Public Schools\n")
    assert "adopted 2018-02-27, revised 2023-01-10 and 2024-03-12" in shown
    assert "counsel decides" in shown
    assert {4} == {len(re.findall(r"(?<!\\)\|", row)) - 1 for row in rows[first:others]}
    assert 42 == len(rows[first:others]) - 1


def test_nothing_in_a_rule_file_breaks_the_table(own_rules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Bars, markup and lines within a text stay within its cell."""
    text = "clauses: [{id: n/1, number: '1 | 2', paraphrase: '<b>*a* `b` [c](d)', not_observable: 'two\\n\\nlines'}]\n"
    (own_rules / "rules.yaml").write_text("extends: students.yaml\n" + text)
    assert 0 == main(["coverage", "--rules", str(own_rules), "--markdown"])
    (row,) = [line for line in capsys.readouterr().out.splitlines() if "n/1" in line]

    assert r"| 1 \| 2<br>n/1 | \<b>\*a\* \`b\` \[c](d) | nothing |" in row


@pytest.mark.parametrize("district", DISTRICTS)
def test_tables_for_people(district: str, capsys: pytest.CaptureFixture[str]) -> None:
    """On a terminal the same is a table, with rules that rest on another policy's words below."""
    assert 0 == main(["coverage", "--district", district])
    shown = capsys.readouterr().out

    for part in ("not looked for", "Rules that rest on other words", "students-in-school-hours", "counsel decides"):
        assert part in shown


def test_rules_without_a_pack(capsys: pytest.CaptureFixture[str]) -> None:
    """The shipped rules have no clauses: that is said, and where there are some."""
    assert 0 == main(["coverage"])
    shown = capsys.readouterr().out

    assert "These rules carry no clauses" in shown
    assert "--district hamden" in shown
    assert [] == covered([], capsys)["clauses"]


def test_one_form_at_a_time(capsys: pytest.CaptureFixture[str]) -> None:
    """Markdown and JSON at once is a mistake."""
    assert 2 == main(["coverage", "--markdown", "--json"])
    assert "not allowed with" in capsys.readouterr().err
