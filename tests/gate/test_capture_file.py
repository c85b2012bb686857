"""Capture files -> frames: every format, byte order and clock. Damage: test_capture_damage.py."""

import struct
from pathlib import Path

import pytest

from agent.flow import Direction
from agent.gate.native import COMPLETE
from agent.lab import crafted
from agent.lab.crafted import START_NS, ends_of
from agent.lab.frames import Frame
from agent.lab.pcap import write_pcap, write_pcapng
from agent.lab.stack import Wire
from tests.gate import capture_bytes as make
from tests.gate.capture_reading import FRAMES, NEVER_NS, Reader, frame

MAX_NS = 4_000_000_000_000_000_000
S = 1_000_000_000

ORDERS = pytest.mark.parametrize("order", ["<", ">"], ids=["little endian", "big endian"])


# ---- pcap


@ORDERS
@pytest.mark.parametrize("nano", [False, True])
def test_pcap(read: Reader, order: str, nano: bool) -> None:
    """Classic files of either byte order, with micro- or nanoseconds, give their frames and times."""
    times = [START_NS + number * 1_234_567 // (1 if nano else 1000) * (1 if nano else 1000) for number in range(5)]
    frames = [frame(number, time_ns) for number, time_ns in enumerate(times)]

    assert times == read.times(make.pcap(frames, order=order, nano=nano))
    assert sum(one.wire_bytes for one in frames) == read.gate.totals()["seen_bytes"]


@ORDERS
def test_length_on_the_wire(read: Reader, order: str) -> None:
    """What the snap length cut off is counted; a wire length shorter than the frame is mended."""
    short = make.pcap([frame(1, cut_bytes=1000)], order=order)
    wrong = make.pcap([frame(2, cut_bytes=-20)], order=order)

    assert (1, COMPLETE) == read.all(short)
    assert frame(1, cut_bytes=1000).wire_bytes == read.gate.totals()["seen_bytes"]
    assert (1, COMPLETE) == read.all(wrong)
    assert frame(1, cut_bytes=1000).wire_bytes + len(frame(2).data) == read.gate.totals()["seen_bytes"]


@pytest.mark.parametrize("link", [101, 101 | 0x14000000, 228])
def test_link_type(read: Reader, link: int) -> None:
    """The link type is the low half of its word; the upper bits tell of frame check sequences."""
    bare = [Frame(START_NS, one.data[14:]) for one in FRAMES]

    assert (5, COMPLETE) == read.all(make.pcap(bare, link=link))
    assert 0 == read.gate.totals()["undecodable_packets"]


def test_the_lab_writes_what_is_read(read: Reader, tmp_path: Path) -> None:
    """Files of scapy's writers are read, pcap and pcapng."""
    frames = crafted.tls()
    write_pcap(tmp_path / "a", frames)
    write_pcapng(tmp_path / "b", frames)

    assert (len(frames), COMPLETE) == read.all((tmp_path / "a").read_bytes())
    assert (len(frames), COMPLETE) == read.all((tmp_path / "b").read_bytes())


# ---- pcapng


@ORDERS
def test_pcapng(read: Reader, order: str) -> None:
    """Enhanced Packet Blocks of either byte order; without an option, stamps are microseconds."""
    assert [one.time_ns for one in FRAMES] == read.times(make.pcapng(FRAMES, order=order))
    assert sum(one.wire_bytes for one in FRAMES) == read.gate.totals()["seen_bytes"]


@ORDERS
@pytest.mark.parametrize(
    ("value", "units", "time_ns"),
    [
        (0, 1_700_000_000, 1_700_000_000 * S),
        (3, 1_700_000_000_123, 1_700_000_000_123_000_000),
        (6, 1_700_000_000_123_456, 1_700_000_000_123_456_000),
        (9, 1_700_000_000_123_456_789, 1_700_000_000_123_456_789),
        (10, 17_000_000_001_234_567_891, 1_700_000_000_123_456_789),
        (12, 1_700_000_123_456_789_012, 1_700_000_123_456_789),
        (0x80, 1_700_000_000, 1_700_000_000 * S),
        (0x80 | 10, 1_700_000_000 << 10 | 512, 1_700_000_000 * S + S // 2),
        (0x80 | 30, 1_700_000_000 << 30 | 1 << 28, 1_700_000_000 * S + S // 4),
        (0x80 | 63, 5 << 60, S * 5 // 8),
        (0x80 | 127, 2**64 - 1, 0),
        (127, 10**17, 0),
    ],
)
def test_time_resolution(read: Reader, order: str, value: int, units: int, time_ns: int) -> None:
    """if_tsresol: powers of ten and of two."""
    head = make.section(order=order) + make.interface(order=order, options=make.resolution(value, order=order))

    assert [time_ns] == read.times(head + make.enhanced(FRAMES[0], units, order=order))


@ORDERS
@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, 1000 * S), (3600, 4600 * S), (-400, 600 * S), (-1000, 0), (-2000, 0), (2**62, MAX_NS), (-(2**63), 0)],
)
def test_time_offset(read: Reader, order: str, seconds: int, expected: int) -> None:
    """if_tsoffset, a signed number of seconds, is added; what is out of range is held at its end."""
    options = make.resolution(9, order=order) + make.offset(seconds, order=order)
    head = make.section(order=order) + make.interface(order=order, options=options)

    assert [expected] == read.times(head + make.enhanced(FRAMES[0], 1000 * S, order=order))


def test_stamp_out_of_range(read: Reader) -> None:
    """A stamp beyond the year 2096 is damage, and held there."""
    head = make.section() + make.interface()

    assert [MAX_NS] == read.times(head + make.enhanced(FRAMES[0], 2**64 - 1))


@ORDERS
def test_packet_blocks(read: Reader, order: str) -> None:
    """Obsolete Packet Blocks have stamps, Simple ones the time of the frame before them."""
    head = make.section(order=order) + make.interface(order=order)
    data = head + make.simple(FRAMES[0], order=order) + make.obsolete(FRAMES[1], 7, order=order)
    data += make.simple(FRAMES[2], order=order) + make.enhanced(FRAMES[3], 9, order=order)

    assert [0, 7000, 7000, 9000] == read.times(data)
    assert sum(one.wire_bytes for one in FRAMES[:4]) == read.gate.totals()["seen_bytes"]


@pytest.mark.parametrize("snap", [0, 61, 64, 200])
def test_simple_block_and_snap_length(read: Reader, snap: int) -> None:
    """A Simple Packet Block holds as much of the frame as the snap length lets, and is padded: padding is no data."""
    data = Wire(ends_of(1, 27015)).udp(Direction.TO_SERVER, bytes(range(60))).data
    kept = data[:snap] if snap else data
    one = make.section() + make.interface(snap=snap) + make.simple(Frame(0, kept, len(data) - len(kept)))
    read.open(one)
    _, batch = read.gate.read_capture(until_ns=NEVER_NS, max_frames=1)

    assert [kept[42:]] == [slice_.data for slice_ in batch.slices]
    assert len(data) == read.gate.totals()["seen_bytes"]


def test_sections_and_interfaces(read: Reader) -> None:
    """Each section has a byte order and interfaces of its own; each interface a link type and clock of its own."""
    raw = Frame(0, FRAMES[1].data[14:])
    first = make.section() + make.interface(options=make.resolution(9)) + make.interface(link=101)
    first += make.enhanced(raw, 5, number=1) + make.enhanced(FRAMES[0], 6, number=0)
    second = make.section(order=">") + make.interface(order=">", link=101, options=make.resolution(0, order=">"))
    second += make.enhanced(raw, 7, order=">")

    assert [5000, 6, 7 * S] == read.times(first + second)
    assert 0 == read.gate.totals()["undecodable_packets"]


def test_other_blocks_and_options(read: Reader) -> None:
    """Blocks and options that are not needed are passed over, also behind a packet's data, also badly closed."""
    options = make.option(2, b"tap0") + make.resolution(9) + make.option(0, b"") + make.offset(77)
    data = make.section() + make.block(5, bytes(20)) + make.interface(options=options) + make.block(0x0BAD, b"12345")
    head = struct.pack("<IIIII", 0, 0, 5, len(FRAMES[0].data), len(FRAMES[0].data))
    padding = bytes(-len(FRAMES[0].data) % 4)
    data += make.block(6, head + FRAMES[0].data + padding + make.option(2, bytes(4)) + make.option(0, b""))
    data += make.block(4, make.option(1, b"\x7f\0\0\1host\0"))

    assert [5] == read.times(data)


def test_unknown_interface(read: Reader) -> None:
    """A frame of an interface that the file does not describe is counted as undecodable; reading goes on."""
    data = make.section() + make.simple(FRAMES[0]) + make.interface()
    data += make.enhanced(FRAMES[1], 1, number=1) + make.obsolete(FRAMES[2], 2, number=9) + make.enhanced(FRAMES[3], 3)

    assert (4, COMPLETE) == read.all(data)
    assert (3, 4) == (read.gate.totals()["undecodable_packets"], read.gate.totals()["seen_packets"])


def test_many_interfaces(read: Reader) -> None:
    """4096 interfaces are known; frames of later ones are counted as undecodable."""
    data = make.section() + make.interface() * 4097
    data += make.enhanced(FRAMES[0], 1, number=4095) + make.enhanced(FRAMES[1], 2, number=4096)

    assert (2, COMPLETE) == read.all(data)
    assert 1 == read.gate.totals()["undecodable_packets"]
