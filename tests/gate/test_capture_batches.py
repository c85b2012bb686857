"""A capture file is read in batches: up to a time, a number of frames, or the room for slices; no frame twice."""

import struct

import pytest

from agent.flow import Direction
from agent.gate.native import COMPLETE, NativeGate, ReadProgress
from agent.lab.crafted import START_NS, ends_of
from agent.lab.frames import Frame
from agent.lab.stack import Wire
from tests.gate import capture_bytes as make
from tests.gate.capture_reading import CUT, FRAMES, Reader
from tests.gate.feeding import Feeder


@pytest.mark.parametrize("data", [make.pcap(FRAMES), make.pcapng(FRAMES)], ids=["pcap", "pcapng"])
def test_until(read: Reader, data: bytes) -> None:
    """A frame that is not before the time asked for waits, and is fed by the next call that reaches it, once."""
    read.open(data)
    second_ns = FRAMES[2].time_ns

    first = read.some(until_ns=second_ns)
    assert (2, second_ns, True, 0) == (first.frames, first.time_ns, first.reached, first.stop)
    again = read.some(until_ns=second_ns)
    assert (0, second_ns, True, 0) == (again.frames, again.time_ns, again.reached, again.stop)
    one = read.some(until_ns=second_ns + 1)
    assert (1, FRAMES[3].time_ns, True) == (one.frames, one.time_ns, one.reached)
    rest = read.some()
    assert (2, FRAMES[4].time_ns, False, COMPLETE) == (rest.frames, rest.time_ns, rest.reached, rest.stop)
    assert 5 == read.gate.totals()["seen_packets"]


def test_last_frame_waits(read: Reader) -> None:
    """A file is not at its end while its last frame waits, even when it is cut behind it."""
    read.open(make.pcap(FRAMES[:1]) + b"cut")
    waiting = read.some(until_ns=0)
    assert (0, True, 0) == (waiting.frames, waiting.reached, waiting.stop)

    fed = read.some()
    assert (1, False, CUT) == (fed.frames, fed.reached, fed.stop)


@pytest.mark.parametrize("step", [1, 2, 3, 5, 6])
def test_max_frames(read: Reader, step: int) -> None:
    """No batch has more frames than asked for; together they are the file, and the place in it goes on."""
    data = make.pcap(FRAMES)
    read.open(data)
    found: list[ReadProgress] = []
    while not found or not found[-1].stop:
        found.append(read.some(max_frames=step))

    assert 5 == sum(one.frames for one in found)
    assert all(one.frames <= step for one in found)
    assert len(data) == found[-1].at_bytes
    assert sorted(one.at_bytes for one in found) == [one.at_bytes for one in found]


def test_a_new_file_forgets_the_waiting_frame(read: Reader) -> None:
    """Opening another file drops the frame of the first one that was waiting."""
    read.open(make.pcap(FRAMES))
    read.some(until_ns=0)

    assert (2, COMPLETE) == read.all(make.pcap(FRAMES[:2]))
    assert 2 == read.gate.totals()["seen_packets"]


def test_batches_end_before_their_room_does() -> None:
    """However much a file opens, no slice is lost: a batch ends when its room is nearly used."""
    gate = NativeGate(max_flows=4096)
    read = Reader(Feeder(gate))
    big = [Frame(START_NS, part.data) for number in range(40) for part in _large_hello(number)]
    data = make.pcap(big)
    stop, batches, frames = read.open(data), 0, 0
    while not stop:
        progress = read.some()
        frames, batches, stop = frames + progress.frames, batches + 1, progress.stop

    assert (len(big), 0) == (frames, gate.totals()["lost_slices"])
    assert 40 * 2 * 16_000 == gate.opened_bytes()["tls"] + gate.opened_bytes()["dns_tcp"]
    assert batches > 1
    gate.close()


def _large_hello(number: int) -> list[Frame]:
    hello = b"\x16\x03\x01\x3e\x7b\x01\x00\x3e\x77" + bytes(16_000 - 9)
    return [Frame(0, Wire(ends_of(number, port)).tcp(Direction.TO_SERVER, 999, 0, 2).data) for port in (443, 53)] + [
        Frame(0, Wire(ends_of(number, 443)).tcp(Direction.TO_SERVER, 1000, 0, 16, hello).data),
        Frame(0, Wire(ends_of(number, 53)).tcp(Direction.TO_SERVER, 1000, 0, 16, _dns(16_000)).data),
    ]


def _dns(size: int) -> bytes:
    return struct.pack("!HHHHHHH", size - 2, 7, 0x0100, 1, 0, 0, 0) + bytes(size - 14)
