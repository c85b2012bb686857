"""hallwatch coverage: the written policy, clause by clause -> what is counted for it, and what is not looked for and why."""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator

from agent.cli.outcome import EXIT_CODES, Exit
from agent.cli.rules import add_rules_option, load_rules
from agent.policy.coverage import Coverage, columns, coverage, heading, not_advice
from agent.policy.pack import Pack

DESCRIPTION = """\
Show the written policy clause by clause: which rules serve a clause, what they count, and what is not looked for, with
the reason. It is the table for a board that asks what is being watched over, and what is not.

What is counted is read off the rules as they are loaded, not written down a second time.
"""
EPILOG = f"""\
examples:
  hallwatch coverage --district hamden
  hallwatch coverage --district hamden --markdown > coverage.md     for a board meeting
  hallwatch coverage --rules my-rules --json

{EXIT_CODES}"""


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "coverage",
        help="show what is counted for each clause of the policy, and what is not",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_rules_option(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--markdown", action="store_true", help="print Markdown instead of tables")
    form.add_argument("--json", action="store_true", help="print one JSON document instead of tables")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the table."""
    policy = load_rules(arguments.rules)
    found = coverage(policy)
    if arguments.json:
        json.dump(_document(policy.pack, found), sys.stdout, indent=2)
        print()
    elif arguments.markdown:
        print("\n".join(_markdown(policy.pack, found)))
    else:
        _show(policy.pack, found)
    return Exit.OK


def _cells(found: Coverage) -> Iterator[tuple[list[str], ...]]:
    """The cells of each row, as lines."""
    for row in found.rows:
        clause = row.clause
        counted = [f"{rule}: {words}" for rule, words in zip(clause.rules, row.counted, strict=True)]
        yield [clause.number, clause.identifier], [clause.paraphrase], counted or ["nothing"], [clause.not_observable]


def _show(pack: Pack, found: Coverage) -> None:
    from rich import box
    from rich.table import Table

    from agent.cli.console import console_for

    console = console_for(sys.stdout)
    for line in heading(pack):
        console.print(line)
    if found.rows:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_lines=True)
        for column in columns:
            table.add_column(column, overflow="fold")
        for cells in _cells(found):
            table.add_row(*("\n".join(lines) for lines in cells))
        console.print(table)
    others = Table(title="Rules that rest on other words", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("rule", "rests on", "counted"):
        others.add_column(column, overflow="fold")
    for rule, counted in found.others:
        others.add_row(rule.identifier, rule.clause or rule.because, counted)
    console.print(others)
    console.print(not_advice)


def _markdown(pack: Pack, found: Coverage) -> Iterator[str]:
    title, *rest = heading(pack)
    yield f"# {title}"
    for line in rest:
        yield from ("", line)
    if found.rows:
        yield ""
        yield from _markdown_table(columns, _cells(found))
    yield from ("", "## Rules that rest on other words", "")
    others = (([rule.identifier], [rule.clause or rule.because], [counted]) for rule, counted in found.others)
    yield from _markdown_table(("rule", "rests on", "counted"), others)
    yield from ("", not_advice)


def _markdown_table(columns: tuple[str, ...], rows: Iterable[tuple[list[str], ...]]) -> Iterator[str]:
    yield f"| {' | '.join(columns)} |"
    yield f"|{'---|' * len(columns)}"
    for cells in rows:
        yield f"| {' | '.join('<br>'.join(map(_escaped, lines)) for lines in cells)} |"


def _escaped(text: str) -> str:
    """Text within a cell: nothing in a rule file can end the cell, the row, or the table."""
    flat = " ".join(text.split())
    for character in "\\|*_`<[":
        flat = flat.replace(character, f"\\{character}")
    return flat


def _document(pack: Pack, found: Coverage) -> dict[str, object]:
    policy = pack.policy
    return {
        "district": pack.district or None,
        "policy": None
        if policy is None
        else {"number": policy.number, "title": policy.title, "dates": policy.dates, "source": policy.source},
        "clauses": [
            {
                "id": row.clause.identifier,
                "number": row.clause.number,
                "paraphrase": row.clause.paraphrase,
                "rules": list(row.clause.rules),
                "counted": list(row.counted),
                "not_observable": row.clause.not_observable or None,
            }
            for row in found.rows
        ],
        "other_rules": [
            {"rule": rule.identifier, "clause": rule.clause or None, "because": rule.because, "counted": counted}
            for rule, counted in found.others
        ],
    }
