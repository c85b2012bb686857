"""hallwatch audit verify: a log of records -> whether every line is as it was written, and was permitted."""

import argparse
import sys
from pathlib import Path

from agent.authority.audit import NoLogError, verify
from agent.authority.chain import Link
from agent.authority.head import link_of
from agent.authority.signature import KeyFileError
from agent.authority.store import read_public_key, read_store
from agent.cli.outcome import EXIT_CODES, Exit, FailedError, UsageError

DESCRIPTION = """\
Read a log of flow records through. Each line carries the hash of the one before, so a line that was changed, removed or
moved shows, and with the log's head also an end that was cut off. What is wrong is listed, a line each: file, line, what.

Whoever can write to the log's directory could write the whole of it anew. So keep the last line's hash elsewhere from
time to time, as this command prints it, and give it back with --head.
"""
EPILOG = f"""\
examples:
  hallwatch audit verify /etc/hallwatch/authorisations/records
  hallwatch audit verify records --authorisations /etc/hallwatch/authorisations
  hallwatch audit verify records --head 1234:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08

{EXIT_CODES}"""


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "audit",
        help="find what was done to the log of records",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("action", choices=["verify"], metavar="verify", help="read the log through")
    parser.add_argument("files", nargs="+", metavar="FILE", type=Path, help="the log's directory, or files of it")
    parser.add_argument("--head", metavar="SEQUENCE:HASH", type=_link, help="a line whose hash was kept elsewhere")
    parser.add_argument(
        "--authorisations",
        metavar="DIR",
        type=Path,
        help="also check that each record lies inside the scope and time of an authorisation there",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Verify; FAILED when anything is wrong."""
    authorisations = None
    if arguments.authorisations is not None:
        try:
            store = read_store(arguments.authorisations, read_public_key(arguments.authorisations))
        except KeyFileError as error:
            raise FailedError(str(error)) from error
        authorisations = store.authorisations
    try:
        audit = verify(arguments.files, known=arguments.head, authorisations=authorisations)
    except NoLogError as error:
        raise UsageError(str(error)) from error
    for finding in audit.findings:
        print(finding, file=sys.stderr)
    if audit.further:
        print(f"and {audit.further} more", file=sys.stderr)
    for note in audit.notes:
        print(f"note: {note}")
    print(f"{audit.lines} line(s) read, {audit.records} of them record(s)")
    found = len(audit.findings) + audit.further
    if found:
        raise FailedError(f"the log is not as it was written: {found} finding(s), listed above")
    print(f"each is as it was written. To be kept elsewhere: {audit.end.sequence}:{audit.end.hash}")
    return Exit.OK


def _link(text: str) -> Link:
    try:
        return link_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
