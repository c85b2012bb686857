"""A seed -> a capture file of marked traffic. Run as a process, so that the marks are in no other one.

python -m agent.selftest.traffic CAPTURE SEED VISITS
"""

import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Final

from agent.lab import crafted
from agent.lab.canary import CANARY_BYTES, PATTERN
from agent.lab.day import school_day
from agent.lab.frames import Frame
from agent.lab.pcap import SECOND_NS, write_pcap
from agent.selftest.reports import Made, to_line

_START_NS: Final = crafted.START_NS + 10 * SECOND_NS
_DURATION_NS: Final = 120 * SECOND_NS


def make(path: Path, *, seed: int, visits: int) -> Made:
    """Writes every corner case of the lab, and then a school day.

    Raises:
        OSError: the file cannot be written.
        ValueError: no visit was asked for.
    """
    packets = octets = marks = 0
    flows: set[int] = set()

    def counted() -> Iterator[Frame]:
        nonlocal packets, octets, marks
        day = school_day(seed=seed, flows=visits, start_ns=_START_NS, duration_ns=_DURATION_NS)
        for frame in chain(_corner_cases(), day.frames()):
            numbers = PATTERN.findall(frame.data)
            packets += 1
            octets += len(frame.data)
            marks += len(numbers)
            flows.update(int(number, 16) for number in numbers)
            yield frame

    write_pcap(path, counted())
    return Made(packets, octets, marks * CANARY_BYTES, sorted(flows))


def _corner_cases() -> Iterator[Frame]:
    """Hellos cut to pieces, requests out of order, fragments turned around: all that tempts a gate to open too much."""
    for case in crafted.CASES.values():
        yield from case()


def main(path: str, seed: str, visits: str) -> None:
    """See above."""
    sys.stdout.write(to_line(make(Path(path), seed=int(seed), visits=int(visits))))


if __name__ == "__main__":
    main(*sys.argv[1:])
