"""One capture file -> CPU seconds of `hallwatch replay` and of nfstream, in turns, and their ratio; then names_vs_nfstream.py.

Trust the ratio and not the seconds: both programs read the same file on the same machine within the same minutes, in
turns, and the median of the rounds counts. CPU time is that of the whole process with every process it started
(wait4), from the interpreter's start to its end, so that work moved to other cores is not free.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench import names_vs_nfstream
from bench.marks import write_between_marks
from bench.truth import truth_beside

ROOT = Path(__file__).parent.parent
MAKE_DAY = ROOT.parent / "shared" / "bench" / "make_day.py"


@dataclass(frozen=True, slots=True)
class Contender:
    """A program that is measured."""

    title: str
    command: tuple[str, ...]
    packets_at: tuple[str, ...]
    """Where in the JSON that it prints its count of packets stands."""
    flows_at: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """What one run of one contender cost."""

    cpu_s: float
    peak_mib: float
    """Of its largest process."""
    packets: int
    flows: int


def contenders(capture: Path) -> tuple[Contender, Contender]:
    """Returns ours and the peer, each with the command that reads the capture."""
    ours = str(Path(sys.executable).parent / "hallwatch")
    return (
        Contender(
            f"hallwatch {importlib.metadata.version('hallwatch')}",
            (ours, "replay", str(capture), "--json"),
            ("gate", "seen_packets"),
            ("flows",),
        ),
        Contender(
            f"nfstream {importlib.metadata.version('nfstream')}",
            (sys.executable, str(Path(__file__).parent / "nfstream_loop.py"), str(capture)),
            ("packets",),
            ("flows",),
        ),
    )


def number_at(document: object, path: tuple[str, ...]) -> int:
    """Returns the whole number at a path of keys.

    Raises:
        SystemExit: there is none; the program does not print what the comparison is about.
    """
    value = document
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    if not isinstance(value, int):
        sys.exit(f"no number at {'.'.join(path)} in what the program printed")
    return value


def measure(contender: Contender) -> Run:
    """Runs a contender to its end."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(contender.command, stdout=output)
        _pid, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)  # reaped here, so that Popen need not look for it
        if process.returncode != 0:
            sys.exit(f"{contender.title} ended with {process.returncode}")
        output.seek(0)
        printed = json.load(output)
    return Run(
        usage.ru_utime + usage.ru_stime,
        usage.ru_maxrss / 1024,
        number_at(printed, contender.packets_at),
        number_at(printed, contender.flows_at),
    )


def default_capture(packets: int) -> Path:
    """Returns a synthetic school day, made once and kept in .bench/ with its truth beside it.

    Without the maker of large days, which is no part of Hallwatch, the lab makes one: slower, so it is kept small.
    """
    large = MAKE_DAY.is_file()
    kept = ROOT / ".bench" / (f"day-{packets}.pcap" if large else "lab-day.pcap")
    if not kept.is_file():
        kept.parent.mkdir(exist_ok=True)
        made = kept.with_stem(f"{kept.stem}-unfinished")
        truth = truth_beside(made)
        flows = str(max(packets // 50, 1))
        command = (
            [str(MAKE_DAY), "--flows", flows, "--packets", str(packets), "--out", str(made)]
            if large
            else ["-m", "agent.lab", "--flows", "2000", str(made)]
        )
        subprocess.run([sys.executable, *command, "--truth", str(truth)], check=True, cwd=ROOT, stdout=sys.stderr)
        truth.replace(truth_beside(kept))
        made.replace(kept)
    return kept


def table(capture: Path, runs: dict[Contender, list[Run]]) -> str:
    """Returns the result in Markdown: a row for each contender, the first one being the measure of the others."""
    ours, *_others = runs
    unit_s = statistics.median(run.cpu_s for run in runs[ours])
    packets = runs[ours][0].packets
    rounds = len(runs[ours])
    about = (
        f"`{capture.name}`: {packets:,} packets, {capture.stat().st_size / 1e6:,.0f} MB; median of {rounds} rounds; "
        f"{os.cpu_count()} × {processor()}, {platform.system()} {platform.release()}, Python {platform.python_version()}."
    )
    lines = [
        about,
        "",
        "| | CPU s | CPU s per million packets | times ours | range of rounds | peak MiB | packets seen | flows |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for contender, measured in runs.items():
        cpu_s = sorted(run.cpu_s for run in measured)
        median_s = statistics.median(cpu_s)
        lines.append(
            f"| {contender.title} | {median_s:.2f} | {median_s / packets * 1e6:.2f} | {median_s / unit_s:.2f} "
            f"| {cpu_s[0]:.2f} – {cpu_s[-1]:.2f} | {max(run.peak_mib for run in measured):.0f} "
            f"| {measured[0].packets:,} | {measured[0].flows:,} |"
        )
    return "\n".join(lines)


def processor() -> str:
    """Returns the processor's name as Linux tells it."""
    info = Path("/proc/cpuinfo")
    names = re.findall(r"^model name\s*: (.*)$", info.read_text(), re.MULTILINE) if info.is_file() else []
    return names[0] if names else platform.machine()


def main() -> None:
    """Measures in turns, compares names, prints both, and writes them into a document when one is named."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.replay_vs_nfstream", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("capture", nargs="?", type=Path, help="a capture file (default: a synthetic school day)")
    parser.add_argument("--packets", type=int, default=1_000_000, help="size of the synthetic day (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each program runs (%(default)s)")
    parser.add_argument("--write", type=Path, help="a document with the two marks that the table goes between")
    options = parser.parse_args()

    capture = options.capture or default_capture(options.packets)
    runs: dict[Contender, list[Run]] = {contender: [] for contender in contenders(capture)}
    for number in range(1, options.rounds + 1):
        for contender, measured in runs.items():
            measured.append(measure(contender))
            print(f"round {number}: {contender.title}: {measured[-1].cpu_s:.2f} CPU s", file=sys.stderr)
    for part, result in (("bench", table(capture, runs)), ("names", names_vs_nfstream.table(capture))):
        print(result)
        if options.write:
            write_between_marks(options.write, part, result)


if __name__ == "__main__":
    main()
