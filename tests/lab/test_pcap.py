"""Capture files, read back by dpkt."""

from decimal import Decimal
from pathlib import Path
from typing import Literal

import dpkt
import pytest

from agent.lab.frames import Frame
from agent.lab.pcap import write_pcap, write_pcapng

FRAMES = [
    Frame(1_795_437_000_123_456_789, bytes(60)),
    Frame(1_795_437_001_000_000_001, b"\x01" * 96, cut_bytes=1404),
    Frame(1_795_437_001_999_999_999, b"\x02" * 61),
]


@pytest.mark.parametrize("linktype", [0, 1, 113])
def test_a_classic_file_keeps_nanoseconds_lengths_and_link_type(tmp_path: Path, linktype: int) -> None:
    """Times to the nanosecond, bytes, the length on the wire of a cut frame, and the link type come back."""
    path = tmp_path / "a.pcap"
    assert 3 == write_pcap(path, FRAMES, linktype)
    with path.open("rb") as file:
        reader = dpkt.pcap.Reader(file)
        assert linktype == reader.datalink()
        found = [(int(Decimal(time) * 10**9), data) for time, data in reader]
    assert [(frame.time_ns, frame.data) for frame in FRAMES] == found
    raw = path.read_bytes()
    assert 0xA1B23C4D in (int.from_bytes(raw[:4], "little"), int.from_bytes(raw[:4], "big"))
    second = 24 + 16 + 60
    lengths = [int.from_bytes(raw[second + at : second + at + 4], _order(raw)) for at in (8, 12)]
    assert [96, 1500] == lengths


def test_a_pcapng_file_reads_back(tmp_path: Path) -> None:
    """Bytes come back, and times to the microsecond or the one beside it."""
    path = tmp_path / "a.pcapng"
    assert 3 == write_pcapng(path, FRAMES)
    with path.open("rb") as file:
        reader = dpkt.pcapng.Reader(file)
        assert 1 == reader.datalink()
        found = list(reader)
    assert [frame.data for frame in FRAMES] == [data for _, data in found]
    for frame, (time, _) in zip(FRAMES, found, strict=True):
        assert abs(Decimal(time) * 10**9 - frame.time_ns) <= 2000


@pytest.mark.parametrize("write", [write_pcap, write_pcapng])
def test_a_file_without_frames_is_a_file(tmp_path: Path, write: object) -> None:
    """The header is written all the same."""
    path = tmp_path / "empty"
    assert callable(write)
    assert 0 == write(path, [])
    assert path.stat().st_size >= 24


def _order(raw: bytes) -> Literal["little", "big"]:
    return "little" if raw[:4] == bytes.fromhex("4d3cb2a1") else "big"
