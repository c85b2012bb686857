"""`python -m agent.lab OUT.pcap`: a seed -> a capture file of a school day, and the truth about it."""

import argparse
import ipaddress
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from agent.lab.day import Day, school_day
from agent.lab.frames import Frame, Truth
from agent.lab.pcap import SECOND_NS, write_pcap, write_pcapng

FIRST_BELL_NS = 1_795_437_000 * SECOND_NS
"""Monday, 23 November 2026, 07:30 in Connecticut: without --start, the same arguments give the same file."""

_EPILOG = """\
examples:
  python -m agent.lab day.pcap                                   a small day of 500 visits
  python -m agent.lab day.pcap --flows 5000 --truth day.json     a larger one, and what is in it
  python -m agent.lab day.pcapng --seed 7                        another day, as pcapng

The traffic is invented: addresses belong to nobody, and payload that Hallwatch must not open is
filled with the marker HW-CANARY- and the flow's number. The same arguments give the same file.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit status: 0, or 1 when a file cannot be written."""
    options = _parser().parse_args(arguments)
    console = Console(stderr=True)
    day = school_day(
        seed=options.seed,
        flows=options.flows,
        start_ns=int(options.start * SECOND_NS),
        duration_ns=int(options.duration * SECOND_NS),
    )
    write = write_pcapng if options.out.suffix == ".pcapng" else write_pcap
    began = time.monotonic()
    try:
        with Progress(
            TextColumn("making traffic"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("simulated seconds"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        ) as progress:
            frames = write(options.out, _watched(day, progress, options.start, options.duration))
        if options.truth is not None:
            options.truth.write_text(json.dumps([_plain(truth) for truth in day.truths], indent=1) + "\n")
    except OSError as problem:
        console.print(f"[red]cannot write {problem.filename}: {problem.strerror}[/red]", soft_wrap=True)
        return 1
    seconds = time.monotonic() - began
    console.print(f"{options.out}: {frames:,} frames of {len(day.truths):,} flows in {seconds:.1f} s", soft_wrap=True)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m agent.lab",
        description="Writes a capture file of a synthetic school day.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("out", type=Path, metavar="OUT", help="capture file to write; pcapng if it ends so, else pcap")
    parser.add_argument(
        "--flows", type=_positive_int, default=500, metavar="N", help="visits, look-ups not counted (500)"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="another number is another day (1)")
    parser.add_argument("--truth", type=Path, metavar="FILE", help="write what each flow is, as JSON")
    parser.add_argument(
        "--duration", type=_positive_float, default=120.0, metavar="S", help="seconds in which the visits begin (120)"
    )
    parser.add_argument(
        "--start",
        type=float,
        default=FIRST_BELL_NS / SECOND_NS,
        metavar="S",
        help="time of the first frame, in seconds since the epoch (a Monday morning)",
    )
    return parser


def _watched(day: Day, progress: Progress, start_s: float, duration_s: float) -> Iterator[Frame]:
    """The day's frames, while the bar follows their time."""
    task = progress.add_task("", total=int(duration_s))
    shown = -1
    for frame in day.frames():
        seconds = int(frame.time_ns / SECOND_NS - start_s)
        if seconds != shown:
            shown = seconds
            progress.update(task, completed=min(seconds, int(duration_s)))
        yield frame


def _plain(truth: Truth) -> dict[str, object]:
    """The truth as JSON has it: addresses as text, None for frames without IP; counts as [to server, to client]."""
    made: dict[str, object] = asdict(truth)
    ends = truth.ends
    del made["ends"]
    made["client"], made["client_port"] = _text(ends.client), ends.client_port
    made["server"], made["server_port"] = _text(ends.server), ends.server_port
    return made


def _text(address: bytes) -> str | None:
    return str(ipaddress.ip_address(address)) if address else None


def _positive_int(text: str) -> int:
    value = int(text)
    if value < 1:
        message = f"{text} is not a positive number"
        raise argparse.ArgumentTypeError(message)
    return value


def _positive_float(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        message = f"{text} is not a positive number"
        raise argparse.ArgumentTypeError(message)
    return value


if __name__ == "__main__":
    sys.exit(main())
