"""A live tap in network namespaces -> what its gate costs: per packet in the kernel, of the process, of the whole machine.

Run it as root from the root of the tree: `python -m bench.live --write docs/performance.md`. The sender shares the
machine with the gate, so trust the differences between the lines and not the rates.

The kernel's work on a packet, the gate's program included, is done while the sender's system call is under way, and is
charged to the sender (where CONFIG_IRQ_TIME_ACCOUNTING is off, as it is by default). So the sender's time and that of
Hallwatch are all that a load costs, whatever else the machine does meanwhile.
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
from bench.marks import write_between_marks
from bench.replay_vs_nfstream import processor
from tests.live.cable import SWITCH, Cable
from tests.live.lowly import lowly
from tests.live.sender import Load, Sender
from tests.live.traffic import introduction, middle
from tests.live.watcher import Watcher

STATISTICS = Path("/proc/sys/kernel/bpf_stats_enabled")
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")

DAY_VISITS = 1500
DAY_NS = 60_000_000_000
DAY_ROUNDS = 24
"""The day is played so often; from the second time on its flows are known."""
STEADY_FLOWS = 2000
STEADY_PACKETS_PER_S = 300_000
STEADY_S = 5
MAX_FLOWS = 1 << 16
SETTLE_S = 10
GATES = (None, "process", "kernel")
LOADED_BY = {"as root": (), "with CAP_NET_RAW and CAP_BPF alone": ("net_raw", "bpf")}
"""Without CAP_PERFMON the kernel puts barriers into the program."""


@dataclass(frozen=True, slots=True)
class Run:
    """One load, sent once."""

    packets: int
    elapsed_s: float
    sender_s: float
    """CPU time of the sender, and of the kernel on its behalf."""
    process_s: float
    """CPU time of Hallwatch while it was sent."""
    settled_s: float
    """CPU time of Hallwatch until all of it was counted and named."""
    dropped: int


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
    before = (time.perf_counter(), time.process_time(), process_s(watcher))
    for _ in range(rounds):
        sender.send(load, packets_per_s=packets_per_s)
    after = (time.perf_counter(), time.process_time(), process_s(watcher))
    elapsed_s, sender_s, spent_s = (b - a for a, b in zip(before, after, strict=True))
    dropped = held(sender, watcher)
    return Run(load.packets * rounds, elapsed_s, sender_s, spent_s, process_s(watcher) - before[2], dropped)


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
def watched(gate: str | None, capabilities: Sequence[str] = ()) -> Iterator[tuple[Sender, Watcher | None]]:
    """A cable with a gate at its end, or with nobody; as root, or as a user with some capabilities."""
    with tempfile.TemporaryDirectory() as folder, Cable() as cable:
        with cable.inside(cable.far):
            sender = Sender(SWITCH)
        if gate is None:
            yield sender, None
            return
        prefix = lowly(capabilities, Path(folder)) if capabilities else []
        with Watcher(cable, Path(folder), gate=gate, max_flows=MAX_FLOWS, prefix=prefix) as watcher:
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
    yield "| a school day, as fast as it can be sent | CPU s per million packets | sender and kernel | Hallwatch | packets/s | dropped |"
    yield "|---|--:|--:|--:|--:|--:|"
    runs: dict[str | None, list[Run]] = {gate: [] for gate in GATES}
    for _ in range(rounds):
        for gate, measured in runs.items():
            with watched(gate) as (sender, watcher):
                measured.append(send(sender, load, watcher, rounds=DAY_ROUNDS))
    for gate, measured in runs.items():
        millions = measured[0].packets / 1e6
        sending = statistics.median(run.sender_s for run in measured) / millions
        ours = statistics.median(run.settled_s for run in measured) / millions
        rate = max(run.packets / run.elapsed_s for run in measured)
        dropped = sum(run.dropped for run in measured)
        yield f"| {title(gate)} | {sending + ours:.2f} | {sending:.2f} | {ours:.2f} | {rate:,.0f} | {dropped} |"


def steady_rows(rounds: int) -> Iterator[str]:
    """Lines of the second table: sealed flows at a steady rate."""
    opening, load = steady()
    times = STEADY_PACKETS_PER_S * STEADY_S // load.packets
    yield f"| {STEADY_FLOWS:,} sealed flows, {STEADY_PACKETS_PER_S:,} packets/s | packets/s reached | CPU of the process, of one core | dropped |"
    yield "|---|--:|--:|--:|"
    for gate in GATES[1:]:
        with watched(gate) as (sender, watcher):
            send(sender, opening, watcher, rounds=1)
            runs = [
                send(sender, load, watcher, rounds=times, packets_per_s=STEADY_PACKETS_PER_S) for _ in range(rounds)
            ]
        share = statistics.median(run.process_s / run.elapsed_s for run in runs)
        rate = statistics.median(run.packets / run.elapsed_s for run in runs)
        yield f"| {title(gate)} | {rate:,.0f} | {share:.1%} | {max(run.dropped for run in runs)} |"


def program_line(load: Load) -> str:
    """What the gate's program costs by the kernel's own statistics, as who loads it."""
    told = [f"{who} {', '.join(program_costs(load, capabilities))}" for who, capabilities in LOADED_BY.items()]
    return f"The kernel's own statistics of the gate's program, per packet: {'; '.join(told)}."


def program_costs(load: Load, capabilities: Sequence[str]) -> Iterator[str]:
    """One text for each load."""
    with statistics_on(), watched("kernel", capabilities) as (sender, watcher):
        assert watcher is not None
        opening, later = steady()
        for what, rounds, some in (("the day", DAY_ROUNDS, load), ("", 1, opening), ("sealed flows alone", 60, later)):
            before = kernel_ns(watcher)
            send(sender, some, watcher, rounds=rounds)
            spent, runs = (b - a for a, b in zip(before, kernel_ns(watcher), strict=True))
            if what:
                yield f"{what} {spent / runs:.0f} ns"


def title(gate: str | None) -> str:
    """A gate's name in a table."""
    return "nobody listening" if gate is None else f"gate in the {gate}"


def report(rounds: int) -> str:
    """All figures, in Markdown."""
    load = day()
    about = (
        f"The day has {load.packets:,} packets of {load.bytes / load.packets:.0f} bytes on average, played {DAY_ROUNDS} "
        f"times over; median of {rounds} rounds, in turns; {os.cpu_count()} × {processor()}, Linux {platform.release()}, "
        f"veth between two namespaces, the sender on the same machine."
    )
    return "\n".join([about, "", *day_rows(load, rounds), "", *steady_rows(rounds), "", program_line(load)])


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, prints, and writes into a document when one is named."""
    parser = argparse.ArgumentParser(prog="python -m bench.live", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured (%(default)s)")
    parser.add_argument("--write", type=Path, help="a document with the two marks that the figures go between")
    options = parser.parse_args(arguments)
    if os.geteuid() != 0:
        sys.exit("it takes root: namespaces are made, and the kernel's gate is put before one of them")
    result = report(options.rounds)
    print(result)
    if options.write:
        write_between_marks(options.write, "live", result)


if __name__ == "__main__":
    main()
