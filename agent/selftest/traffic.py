"""A seed -> a capture file of marked traffic. Run as a process, so that the marks are in no other one.

python -m agent.selftest.traffic CAPTURE SEED
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from agent.lab.canary import CANARY_BYTES, PATTERN
from agent.lab.day import school_day
from agent.lab.frames import Frame
from agent.lab.pcap import SECOND_NS, write_pcap
from agent.selftest.reports import Made, to_line

VISITS: Final = 2000
"""Some 60,000 frames, made in 5 s and sent in 6."""

_START_NS: Final = 1_795_437_000 * SECOND_NS
_DURATION_NS: Final = 120 * SECOND_NS


def make(path: Path, *, seed: int, visits: int = VISITS) -> Made:
    """Writes a school day.

    Raises:
        OSError: the file cannot be written.
    """
    packets = octets = marks = 0
    flows: set[int] = set()

    def counted() -> Iterator[Frame]:
        nonlocal packets, octets, marks
        for frame in school_day(seed=seed, flows=visits, start_ns=_START_NS, duration_ns=_DURATION_NS).frames():
            numbers = PATTERN.findall(frame.data)
            packets += 1
            octets += len(frame.data)
            marks += len(numbers)
            flows.update(int(number, 16) for number in numbers)
            yield frame

    write_pcap(path, counted())
    return Made(packets, octets, marks * CANARY_BYTES, sorted(flows))


def main(path: str, seed: str) -> None:
    """See above."""
    sys.stdout.write(to_line(make(Path(path), seed=int(seed))))


if __name__ == "__main__":
    main(*sys.argv[1:])
