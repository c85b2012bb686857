"""A capture -> a process that has replayed it and waits, so that another can search its memory. Run by test_canary.py.

    python tests/searched.py CAPTURE BEYOND     replays it, and opens BEYOND bytes past every window (0: as the gate does)
    python tests/searched.py CAPTURE read       reads the whole file instead

It says where it is on standard output, and goes on after each line on standard input. Nothing in here knows what is
being searched for, and nothing imports what makes it: whatever is found came from the capture.
"""

import sys
from pathlib import Path

from agent.pipeline import FlowRecord
from agent.policy.policy import load
from agent.replay import replay
from agent.shipped import shipped_rules


def pause(place: str) -> None:
    """Says where the process is, and waits."""
    sys.stdout.write(f"{place}\n")
    sys.stdout.flush()
    sys.stdin.readline()


def replayed(capture: Path, beyond_bytes: int) -> None:
    """Pauses when the whole file was read and is still mapped, and again when all is over."""
    records: list[FlowRecord] = []
    paused = False

    def on_progress(_path: Path, done_bytes: int, size_bytes: int) -> None:
        nonlocal paused
        if done_bytes == size_bytes and not paused:
            paused = True
            pause("mapped")

    report = replay(
        [capture],
        load(shipped_rules()),
        on_progress=on_progress,
        on_flow=lambda _path, record: records.append(record),
        widen_bytes=beyond_bytes,
    )
    pause(f"replayed {report.snapshot.gate.seen_packets} {len(records)}")


def main(capture: str, how: str) -> None:
    """See above."""
    if how == "read":
        content = Path(capture).read_bytes()
        pause(f"read {len(content)}")
    else:
        replayed(Path(capture), int(how))


if __name__ == "__main__":
    main(*sys.argv[1:])
