"""A live tap in network namespaces -> what its gate costs: per packet in the kernel, of the process, of the whole machine.

Run it as root from the root of the tree: `python -m bench.live --write docs/performance.md`. The sender shares the
machine with the gate, so trust the differences between the lines and not the rates.
"""

import argparse
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from agent.lab.crafted import START_NS
from agent.lab.day import school_day
from bench.replay_vs_nfstream import processor
from tests.live.cable import SWITCH, Cable
from tests.live.sender import Load, Sender
from tests.live.traffic import introduction, middle
from tests.live.watcher import Watcher

BEGIN, END = "<!-- live: begin -->", "<!-- live: end -->"
STATISTICS = Path("/proc/sys/kernel/bpf_stats_enabled")
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")

DAY_VISITS = 1500
DAY_NS = 60_000_000_000
DAY_ROUNDS = 12
"""The day is played so often; from the second time on its flows are known."""
STEADY_FLOWS = 2000
STEADY_PACKETS_PER_S = 300_000
STEADY_S = 5
MAX_FLOWS = 1 << 16
SETTLE_S = 10
GATES = (None, "process", "kernel")
BUSY = (0, 1, 2, 5, 6)
"""Columns of the first line of /proc/stat: user, nice, system, irq, softirq. What a hypervisor stole is nobody's."""


@dataclass(frozen=True, slots=True)
class Run:
    """One load, sent once."""

    packets: int
    elapsed_s: float
    machine_s: float
    """CPU time of everything, the sender's too."""
    process_s: float
    dropped: int


def machine_s() -> float:
    """CPU time that this machine has spent, in seconds."""
    fields = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()[1:]
    return sum(int(fields[column]) for column in BUSY) / TICKS_A_SECOND


def process_s(watcher: Watcher | None) -> float:
    """CPU time that Hallwatch has spent, in seconds."""
    if watcher is None:
        return 0.0
    fields = Path(f"/proc/{watcher.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND


def send(sender: Sender, load: Load, watcher: Watcher | None, *, rounds: int, packets_per_s: float = 0) -> Run:
    """Sends a load so many times, and holds what was counted to what was sent.

    Raises:
        SystemExit: a packet was neither counted nor dropped.
    """
    before = (time.perf_counter(), machine_s(), process_s(watcher))
    for _ in range(rounds):
        sender.send(load, packets_per_s=packets_per_s)
    after = (time.perf_counter(), machine_s(), process_s(watcher))
    elapsed, machine, process = (b - a for a, b in zip(before, after, strict=True))
    return Run(load.packets * rounds, elapsed, machine, process, held(sender, watcher))


def held(sender: Sender, watcher: Watcher | None) -> int:
    """How many packets were dropped before the gate, once the counts have settled."""
    if watcher is None:
        return 0
    end_s = time.monotonic() + SETTLE_S
    while True:
        found = watcher.scrape()
        dropped = int(found("hallwatch_capture_dropped_packets_total"))
        if found.seen + dropped >= sender.sent_packets or time.monotonic() > end_s:
            break
        time.sleep(0.2)
    if found.seen + dropped != sender.sent_packets or found.unaccounted != (0, 0):
        sys.exit(f"{sender.sent_packets} packets were sent, {found.seen} counted, {dropped} dropped")
    return dropped


@contextmanager
def watched(gate: str | None) -> Iterator[tuple[Sender, Watcher | None]]:
    """A cable with a gate at its end, or with nobody."""
    with tempfile.TemporaryDirectory() as folder, Cable() as cable:
        with cable.inside(cable.far):
            sender = Sender(SWITCH)
        if gate is None:
            yield sender, None
            return
        with Watcher(cable, Path(folder), gate=gate, max_flows=MAX_FLOWS) as watcher:
            yield sender, watcher.ready()


@contextmanager
def statistics_on() -> Iterator[None]:
    """The kernel measures its programs meanwhile, which itself costs some nanoseconds a packet."""
    before = STATISTICS.read_text(encoding="ascii")
    STATISTICS.write_text("1", encoding="ascii")
    try:
        yield
    finally:
        STATISTICS.write_text(before, encoding="ascii")


def kernel_ns(watcher: Watcher) -> tuple[int, int]:
    """Nanoseconds and runs of the gate's program so far, from the process' descriptor of it.

    Raises:
        SystemExit: it has none.
    """
    for info in Path(f"/proc/{watcher.process.pid}/fdinfo").iterdir():
        values = dict(line.split(":\t", 1) for line in info.read_text(encoding="ascii").splitlines() if ":\t" in line)
        if "run_cnt" in values:
            return int(values["run_time_ns"]), int(values["run_cnt"])
    sys.exit("no BPF program among the descriptors of the process")


def day() -> Load:
    """A school day."""
    made = school_day(seed=1, flows=DAY_VISITS, start_ns=START_NS, duration_ns=DAY_NS)
    return Load([frame.data for frame in made.frames()])


def steady() -> tuple[Load, Load]:
    """Flows' introductions, and then packets of their middle, each flow in turn."""
    frames = [middle(number, 4) for number in range(STEADY_FLOWS)]
    return (
        Load([frame for number in range(STEADY_FLOWS) for frame in introduction(number)]),
        Load([flow[i] for i in range(4) for flow in frames]),
    )


def day_rows(load: Load, rounds: int) -> Iterator[str]:
    """Lines of the first table: the day at the highest rate, with each gate and with none."""
    yield "| a school day, as fast as it can be sent | packets/s | CPU s per million packets, whole machine | dropped |"
    yield "|---|--:|--:|--:|"
    for gate in GATES:
        runs = []
        for _ in range(rounds):
            with watched(gate) as (sender, watcher):
                runs.append(send(sender, load, watcher, rounds=DAY_ROUNDS))
        cost = statistics.median(run.machine_s / run.packets for run in runs) * 1e6
        rate = statistics.median(run.packets / run.elapsed_s for run in runs)
        yield f"| {title(gate)} | {rate:,.0f} | {cost:.2f} | {sum(run.dropped for run in runs)} |"


def steady_rows(rounds: int) -> Iterator[str]:
    """Lines of the second table: sealed flows at a steady rate."""
    opening, load = steady()
    times = STEADY_PACKETS_PER_S * STEADY_S // load.packets
    yield f"| {STEADY_FLOWS:,} sealed flows, {STEADY_PACKETS_PER_S:,} packets/s | packets/s reached | CPU of the process, of one core | dropped |"
    yield "|---|--:|--:|--:|"
    for gate in GATES[1:]:
        runs = []
        for _ in range(rounds):
            with watched(gate) as (sender, watcher):
                send(sender, opening, watcher, rounds=1)
                runs.append(send(sender, load, watcher, rounds=times, packets_per_s=STEADY_PACKETS_PER_S))
        share = statistics.median(run.process_s / run.elapsed_s for run in runs)
        rate = statistics.median(run.packets / run.elapsed_s for run in runs)
        yield f"| {title(gate)} | {rate:,.0f} | {share:.1%} | {sum(run.dropped for run in runs)} |"


def program_line(load: Load) -> str:
    """What the gate's program costs by the kernel's own statistics."""
    with statistics_on(), watched("kernel") as (sender, watcher):
        assert watcher is not None
        parts = []
        opening, later = steady()
        for what, rounds, some in (("the day", DAY_ROUNDS, load), ("", 1, opening), ("sealed flows alone", 60, later)):
            before = kernel_ns(watcher)
            send(sender, some, watcher, rounds=rounds)
            spent, runs = (b - a for a, b in zip(before, kernel_ns(watcher), strict=True))
            parts += [f"{what} {spent / runs:.0f} ns"] if what else []
    return f"The kernel's own statistics of the gate's program, per packet: {', '.join(parts)}."


def title(gate: str | None) -> str:
    """A gate's name in a table."""
    return "nobody listening" if gate is None else f"gate in the {gate}"


def report(rounds: int) -> str:
    """All figures, in Markdown."""
    load = day()
    about = (
        f"The day has {load.packets:,} packets of {load.bytes / load.packets:.0f} bytes on average, played {DAY_ROUNDS} "
        f"times over; median of {rounds} rounds; {os.cpu_count()} × {processor()}, Linux {platform.release()}, "
        f"veth between two namespaces, the sender on the same machine."
    )
    return "\n".join([about, "", *day_rows(load, rounds), "", *steady_rows(rounds), "", program_line(load)])


def write_between_marks(document: Path, text: str) -> None:
    """Replaces what stands between the two marks of a document."""
    before, _, rest = document.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    document.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, prints, and writes into a document when one is named."""
    parser = argparse.ArgumentParser(prog="python -m bench.live", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured (%(default)s)")
    parser.add_argument("--write", type=Path, help="a document with the two marks that the figures go between")
    options = parser.parse_args(arguments)
    if os.geteuid() != 0:
        sys.exit("it takes root: namespaces are made, and the kernel's gate is put before one of them")
    result = report(options.rounds)
    print(result)
    if options.write:
        write_between_marks(options.write, result)


if __name__ == "__main__":
    main()
