"""Marked traffic in a file."""

from pathlib import Path

from agent.lab.canary import CANARY_BYTES, flow_numbers
from agent.selftest.sender import frames
from agent.selftest.traffic import make


def test_what_it_says_is_in_the_file(tmp_path: Path) -> None:
    """Packets, bytes and marked flows are those of the file, and the same seed gives the same file."""
    first, again = tmp_path / "a.pcap", tmp_path / "b.pcap"
    made = make(first, seed=3, visits=20)
    written = list(frames(first))

    assert (len(written), sum(map(len, written))) == (made.packets, made.bytes)
    assert sorted({number for frame in written for number in flow_numbers(frame)}) == made.marked_flows
    assert made == make(again, seed=3, visits=20)
    assert first.read_bytes() == again.read_bytes()


def test_there_is_something_to_find(tmp_path: Path) -> None:
    """Most of the bytes are marked: a gate that opens too much is caught."""
    made = make(tmp_path / "a.pcap", seed=1, visits=20)

    assert made.marked_bytes > made.bytes // 2
    assert 0 == made.marked_bytes % CANARY_BYTES
    assert len(made.marked_flows) > 40


def test_no_frame_is_too_long_for_the_cable(tmp_path: Path) -> None:
    """Every frame can be sent as it is."""
    path = tmp_path / "a.pcap"
    make(path, seed=1, visits=50)

    assert all(14 <= len(frame) <= 1600 for frame in frames(path))
