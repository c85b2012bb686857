"""hallwatch replay: capture files -> what they hold, for people and for machines."""

import argparse
import gc
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TextIO

from agent.cli.document import document, written
from agent.cli.flow_lines import FlowLines
from agent.cli.outcome import EXIT_CODES, Exit, FailedError, UsageError
from agent.cli.rules import add_rules_option, load_rules
from agent.replay import DEFAULT_MAX_FLOWS, FileReport, ReplayReport, replay
from agent.stop_signals import stop_signals_interrupt

GARBAGE_OBJECTS = 100_000
"""New objects between two searches for circles of them. Python's 700 cost a replay 0.08 s of 2.3: each search walks what
flows and names have just begun, which are no circles and are dropped without it. A daemon keeps to Python's, since rules
that were loaded anew leave circles behind."""

DESCRIPTION = """\
Play capture files through the gate as if each had been seen on a tap, and show what they hold: traffic by category,
application and verdict, what the names rest on, and how many bytes of payload were opened.

Files may be pcap or pcapng. Verdicts are those of the time at which a packet was captured. A file that was cut is
read up to the cut; one that cannot be read is named on standard error, and the others go on.
"""
EPILOG = f"""\
examples:
  hallwatch replay monday.pcapng
  hallwatch replay captures/ --rules my-rules
  hallwatch replay *.pcap --json | jq '.traffic[] | select(.verdict == "prohibited")'
  hallwatch replay monday.pcapng --flows flows.jsonl

flows.jsonl gets a line for each flow: capture, proto, src, sport, dst, dport, hostname, category, application, verdict,
evidence, packets, bytes (both [to server, to client]), vlan, and outer for a flow that came through a tunnel. It names
addresses and hosts: use it on captures that are yours to read. A new file is made for its owner alone.

{EXIT_CODES}"""

CAPTURE_SUFFIXES = frozenset({".cap", ".pcap", ".pcapng"})
"""What is taken from a directory; a file named on the command line may be called anything."""

MAX_FLOWS = 1 << 24
"""3 GiB of rows: beyond what one capture file of any school holds."""


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "replay",
        help="show what capture files hold",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", metavar="FILE", nargs="+", type=Path, help="a capture file, or a directory of them")
    add_rules_option(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of tables")
    parser.add_argument("--flows", metavar="OUT.jsonl", type=Path, help="write a line of JSON for each flow")
    parser.add_argument(
        "--max-flows",
        metavar="N",
        type=_max_flows,
        default=DEFAULT_MAX_FLOWS,
        help=f"rows of the flow table; packets of flows beyond are counted as untracked (default: {DEFAULT_MAX_FLOWS})",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Replay, and show the report."""
    gc.set_threshold(GARBAGE_OBJECTS)
    files = capture_files(arguments.files)
    policy = load_rules(arguments.rules)
    with ExitStack() as open_things:
        on_flow = None
        if arguments.flows is not None:
            on_flow = FlowLines(open_things.enter_context(_private_file(arguments.flows, files))).write
        on_progress = open_things.enter_context(_progress(sys.stderr, files))
        report = replay(files, policy, on_progress=on_progress, on_flow=on_flow, max_flows=arguments.max_flows)
    if arguments.json:
        print(written(document(report)))
    else:
        from agent.cli.console import console_for
        from agent.cli.report import show

        show(report, console_for(sys.stdout))
    return _tell_failures(report)


def capture_files(named: Iterable[Path]) -> list[Path]:
    """The files that were named, and those below the directories that were, each once, in that order.

    Raises:
        UsageError: A directory holds none.
    """
    found: dict[Path, Path] = {}
    for path in named:
        inside = [path]
        if path.is_dir():
            inside = sorted(file for file in path.rglob("*") if file.suffix in CAPTURE_SUFFIXES and file.is_file())
            if not inside:
                raise UsageError(f"{path} holds no file that ends in {', '.join(sorted(CAPTURE_SUFFIXES))}")
        for file in inside:
            found.setdefault(file.resolve(), file)
    return list(found.values())


def _tell_failures(report: ReplayReport) -> int:
    code = Exit.OK
    for file in report.files:
        if file.error is not None:
            print(f"hallwatch: {file.path}: {file.error}", file=sys.stderr)
            code = Exit.FAILED
        elif file.note is not None:
            print(f"hallwatch: {file.path}: {_note(file)}", file=sys.stderr)
    gate = report.snapshot.gate
    if gate.missing_packets or gate.missing_bytes:
        print(
            f"hallwatch: {gate.missing_packets} packets and {gate.missing_bytes} bytes are not accounted for: a defect",
            file=sys.stderr,
        )
        code = Exit.FAILED
    return code


def _note(file: FileReport) -> str:
    return f"{file.note}; its first {file.packets:,} packets were read"


@contextmanager
def _private_file(path: Path, inputs: Sequence[Path]) -> Iterator[TextIO]:
    """A new file that only its owner can read: it will name hosts and addresses.

    Raises:
        UsageError: It is one of the captures, which writing would destroy under the gate's hands.
        FailedError: It cannot be written.
    """
    if any(path.exists() and file.exists() and path.samefile(file) for file in inputs):
        raise UsageError(f"{path} is one of the captures to be read")
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
            yield out
    except OSError as error:
        raise FailedError(f"{path}: {error.strerror}") from error


@contextmanager
def _progress(stream: TextIO, files: Sequence[Path]) -> Iterator[Callable[[Path, int, int], None] | None]:
    """What draws a bar over the bytes of all files; None where nobody would see it."""
    if not stream.isatty():
        yield None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    from agent.cli.console import console_for

    sizes = [file.stat().st_size if file.is_file() else 0 for file in files]
    starts = {file: sum(sizes[:index]) for index, file in enumerate(files)}
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with stop_signals_interrupt(), Progress(*columns, console=console_for(stream), transient=True) as bar:
        task = bar.add_task("", total=sum(sizes))

        def on_progress(file: Path, done_bytes: int, _total_bytes: int) -> None:
            bar.update(task, completed=starts[file] + done_bytes, description=file.name)

        yield on_progress


def _max_flows(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MAX_FLOWS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {MAX_FLOWS}")
    return int(text)
