"""hallwatch notice: the rules in force -> the notice of electronic monitoring, and the record of what was posted."""

import argparse
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Final

from agent.cli.outcome import EXIT_CODES, Exit, FailedError, UsageError
from agent.cli.rules import RulesChoice, add_rules_option, load_rules, rules_directory
from agent.notice.changes import changes
from agent.notice.check import check_posted
from agent.notice.files import POSTED, PREMISES, load_posted, notice_of, record_posted
from agent.notice.notice import Notice, description_of, fingerprint_of
from agent.notice.page import Page
from agent.notice.page_html import as_html
from agent.notice.page_markdown import as_markdown
from agent.notice.page_text import as_text
from agent.notice.posted import Posted
from agent.notice.premises import Premises
from agent.notice.wording import page_of
from agent.policy.policy import Policy
from agent.policy.problems import Problems

DESCRIPTION = """\
Write the notice of electronic monitoring (Conn. Gen. Stat. § 31-48d) from the rules in force: the types of monitoring,
what is opened and what never is, the specific locations, how long things are kept, and whom to ask. Buildings and taps
are those of premises.yaml. Counsel decides whether the notice is what the law asks of you.

Once it hangs, --record keeps what it says in notice-posted.json; from then on "hallwatch check" fails when the rules no
longer are what was posted.
"""
EPILOG = f"""\
examples:
  hallwatch notice --rules my-rules --html >notice.html   to be printed on one or two pages
  hallwatch notice --rules my-rules --record              it hangs, as of today
  hallwatch notice --rules my-rules --diff                what changed since it was posted

{EXIT_CODES}"""

FORMS: Final[dict[str, Callable[[Page], str]]] = {"html": as_html, "text": as_text, "markdown": as_markdown}


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "notice",
        help="write the notice of electronic monitoring",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--html", dest="form", action="store_const", const="html", help="a page to print or to publish")
    what.add_argument("--text", dest="form", action="store_const", const="text", help="plain text (the default)")
    what.add_argument("--markdown", dest="form", action="store_const", const="markdown", help="for a board's papers")
    what.add_argument("--diff", action="store_true", help="tell what changed since the notice that was posted")
    what.add_argument("--record", action="store_true", help=f"keep in {POSTED} that this notice has been posted")
    add_rules_option(parser)
    parser.add_argument(
        "--posted",
        metavar="DATE",
        type=_date,
        help="with --record: the day on which it was posted, as in 2026-11-21 (default: today)",
    )
    parser.set_defaults(run=run, form="text")


def run(arguments: argparse.Namespace) -> int:
    """Write the notice, tell what changed, or record it."""
    if arguments.posted is not None and not arguments.record:
        raise UsageError("--posted says when a notice was posted, so it stands with --record")
    if arguments.record and arguments.rules.directory is None:
        raise UsageError("--record is for rules of your own: name their directory with --rules")
    directory = rules_directory(arguments.rules)
    policy = load_rules(arguments.rules)
    notice, premises = notice_of(directory, policy)
    if notice is None or premises is None:
        raise UsageError(
            f"{directory / PREMISES}: the file is missing; copy it from the shipped rules, and say there where"
        )
    today = policy.schedules.local(time.time_ns()).date()
    if arguments.posted is not None and arguments.posted > today:
        raise UsageError(f"--posted: {arguments.posted.isoformat()} is still to come; record the notice once it hangs")
    if arguments.diff:
        return _diff(directory, notice)
    if arguments.record:
        return _record(directory, notice, premises, arguments.posted or today)
    fingerprint = fingerprint_of(description_of(notice))
    print(FORMS[arguments.form](page_of(notice, fingerprint, today, premises.posted_where)), end="")
    return Exit.OK


def standing(rules: RulesChoice, policy: Policy) -> str:
    """For `check`: how the posted notice stands to the rules, in a few words.

    Raises:
        RulesError: premises.yaml is wrong, or the posted notice no longer says what the rules do.
    """
    if rules.district is not None:
        return "it is that of rules.yaml, and not compared with a district's pack"
    directory = rules_directory(rules)
    notice, _ = notice_of(directory, policy)
    problems = Problems()
    text = check_posted(notice, load_posted(directory), str(directory / POSTED), problems)
    problems.raise_if_any()
    return text


def _diff(directory: Path, notice: Notice) -> int:
    posted = load_posted(directory)
    if posted is None:
        raise FailedError(f"{directory / POSTED}: no notice is recorded as posted, so there is nothing to compare with")
    found = changes(posted.description, description_of(notice))
    print(f"since the notice posted on {posted.on.isoformat()}: {len(found) or 'no'} change(s)")
    for change in found:
        print(f"  {change}")
    return Exit.OK


def _record(directory: Path, notice: Notice, premises: Premises, on: date) -> int:
    description = description_of(notice)
    posted = Posted(on, fingerprint_of(description), premises.posted_where, description)
    path = record_posted(directory, posted)
    print(f"{path}: the notice {posted.fingerprint[:16]}... is recorded as posted on {on.isoformat()}")
    if not premises.posted_where:
        print(f'  where it hangs is not told: "notice:" of {PREMISES} has the place for it')
    return Exit.OK


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date such as 2026-11-21") from None
