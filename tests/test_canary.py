"""The canary test: nothing that must stay closed is in the memory of a process that has replayed it.

Every payload of the lab that the gate may not open is filled with markers. This process makes such a capture; a second
one replays it and waits; then this one searches all memory of that one, the mapped capture itself left out.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from agent.lab import crafted
from agent.lab.canary import CANARY_BYTES, PREFIX, canary, flow_numbers
from agent.lab.day import school_day
from agent.lab.pcap import write_pcap

ROOT = Path(__file__).parent.parent
SECOND_NS = 1_000_000_000

CHUNK_BYTES = 1 << 22
UNREADABLE = frozenset({"[vvar]", "[vvar_vclock]", "[vsyscall]"})
"""The kernel's own pages, which /proc/PID/mem refuses; no byte of a capture gets there."""

FIRST_HALF = PREFIX[: CANARY_BYTES // 2]
SECOND_HALF = re.compile(re.escape(PREFIX[CANARY_BYTES // 2 :]) + rb"([0-9a-f]{6})")


@dataclass(frozen=True, slots=True)
class Capture:
    """A capture file, and the numbers of the flows that are marked in it."""

    path: Path
    frames: int
    marked: frozenset[int]


@dataclass(slots=True)
class Found:
    """What a search came upon."""

    searched_bytes: int = 0
    flows: set[int] = field(default_factory=set)
    """Numbers in whole markers."""
    first_halves: int = 0
    second_halves: int = 0


# The short day is over within a minute, so that all its slices are alive at once; in the long one flows are sealed, rows
# are given back and used again.
DURATIONS_S = {"short": 30, "long": 900}


@pytest.fixture(scope="module")
def captures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Capture]:
    """Returns a short and a long school day, each with every crafted corner case before it."""
    folder = tmp_path_factory.mktemp("canary")
    found = {}
    for name, duration_s in DURATIONS_S.items():
        frames = [frame for case in crafted.CASES.values() for frame in case()]
        start_ns = crafted.START_NS + 10 * SECOND_NS
        frames += school_day(seed=1, flows=200, start_ns=start_ns, duration_ns=duration_s * SECOND_NS).frames()
        marked = frozenset(number for frame in frames for number in flow_numbers(frame.data))
        assert len(marked) > 200
        path = folder / f"{name}.pcap"
        found[name] = Capture(path, write_pcap(path, frames), marked)
    return found


class Searched:
    """A process that can be searched. See searched.py for what it does."""

    def __init__(self, capture: Capture, process: "subprocess.Popen[str]") -> None:
        self._capture = capture
        self._process = process

    def wait(self) -> str:
        """Returns where the process says it has come."""
        assert self._process.stdout is not None
        place = self._process.stdout.readline().strip()
        assert place, f"the searched process ended with {self._process.wait()}"
        return place

    def go_on(self) -> None:
        """Lets the process leave the place where it waits."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def search(self) -> Found:
        """Looks through all memory of the process but the mapped capture."""
        found = Found()
        try:
            memory = os.open(f"/proc/{self._process.pid}/mem", os.O_RDONLY)
        except PermissionError as error:
            pytest.skip(f"THE CANARY TEST DID NOT RUN: no process may read another's memory here ({error})")
        try:
            for start, end, readable in self._regions():
                found.searched_bytes += self._look(memory, start, end, found, readable=readable)
        finally:
            os.close(memory)
        return found

    def _regions(self) -> Iterator[tuple[int, int, bool]]:
        """Start, end, and whether the process itself could read there."""
        for line in Path(f"/proc/{self._process.pid}/maps").read_text(encoding="utf-8").splitlines():
            addresses, access, _offset, _device, _inode, *name = line.split(maxsplit=5)
            if name and (name[0] in UNREADABLE or name[0] == str(self._capture.path)):
                continue
            start, end = (int(address, 16) for address in addresses.split("-"))
            yield start, end, access.startswith("r")

    def _look(self, memory: int, start: int, end: int, found: Found, *, readable: bool) -> int:
        """Searches one region in overlapping chunks; returns how many bytes of it there were."""
        tail = b""
        for at in range(start, end, CHUNK_BYTES):
            try:
                chunk = os.pread(memory, min(CHUNK_BYTES, end - at), at)
            except OSError:
                if readable:
                    raise
                return 0
            self._count(tail + chunk, found)
            tail = chunk[-CANARY_BYTES:]
        return end - start

    def _count(self, chunk: bytes, found: Found) -> None:
        found.flows |= flow_numbers(chunk) & self._capture.marked
        found.first_halves += chunk.count(FIRST_HALF)
        numbers = (int(digits, 16) for digits in SECOND_HALF.findall(chunk))
        found.second_halves += sum(number in self._capture.marked for number in numbers)


@contextmanager
def searched(capture: Capture, how: str) -> Iterator[Searched]:
    """Runs searched.py over the capture."""
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "tests" / "searched.py"), str(capture.path), how],
        cwd=ROOT,
        env={"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield Searched(capture, process)
        finally:
            process.kill()


def test_the_needles_are_right() -> None:
    """What is searched for is what the lab marks with: a whole marker has both halves."""
    marker = canary(0xBEEF)

    assert marker.startswith(FIRST_HALF)
    assert [b"00beef"] == SECOND_HALF.findall(marker)
    assert {0xBEEF} == flow_numbers(marker)


@pytest.mark.parametrize("name", DURATIONS_S)
def test_nothing_closed_was_kept(name: str, captures: dict[str, Capture]) -> None:
    """No marker, whole or half, is in the process: not while the file is mapped, and not when the replay is over."""
    capture = captures[name]
    with searched(capture, "0") as process:
        assert "mapped" == process.wait()
        meanwhile = process.search()
        process.go_on()
        place = process.wait().split()
        afterwards = process.search()

    assert ["replayed", str(capture.frames)] == place[:2]
    for found in (meanwhile, afterwards):
        assert (set(), 0, 0) == (found.flows, found.first_halves, found.second_halves)
        assert found.searched_bytes > 20 << 20  # an interpreter with numpy is no smaller


def test_windows_widened_on_purpose(captures: dict[str, Capture]) -> None:
    """Control: with every window 256 bytes too wide markers are found, meanwhile and afterwards alike."""
    with searched(captures["short"], "256") as process:
        assert "mapped" == process.wait()
        meanwhile = process.search()
        process.go_on()
        assert process.wait().startswith("replayed")
        afterwards = process.search()

    for found in (meanwhile, afterwards):
        assert len(found.flows) > 20
        assert min(found.first_halves, found.second_halves) >= len(found.flows)


def test_windows_one_marker_too_wide(captures: dict[str, Capture]) -> None:
    """Control: the search would find a leak as small as one marker, too."""
    with searched(captures["short"], str(CANARY_BYTES)) as process:
        assert "mapped" == process.wait()
        found = process.search()

    assert found.flows
    assert found.first_halves > len(found.flows)


def test_a_process_that_reads_everything(captures: dict[str, Capture]) -> None:
    """Control: a process that reads the file as others do is full of what should have stayed closed."""
    capture = captures["short"]
    with searched(capture, "read") as process:
        assert f"read {capture.path.stat().st_size}" == process.wait()
        found = process.search()

    assert capture.marked == found.flows


def test_the_file_itself_is_left_out(captures: dict[str, Capture]) -> None:
    """The capture is mapped while it is replayed, and its pages are full of markers: they are what the search leaves out."""
    capture = captures["short"]
    nowhere = Capture(Path("/nowhere"), 0, capture.marked)
    with searched(capture, "0") as process:
        assert "mapped" == process.wait()
        process._capture = nowhere
        found = process.search()

    assert capture.marked == found.flows
