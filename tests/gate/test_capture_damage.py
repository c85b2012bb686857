"""Damaged capture files are read up to the damage, and it is said why reading stopped."""

import random
import struct

import pytest

from agent.gate.native import COMPLETE, STOPS
from agent.lab.crafted import START_NS
from agent.lab.frames import Frame
from tests.gate import capture_bytes as make
from tests.gate.capture_reading import BAD_LENGTH, BAD_VERSION, CUT, FRAMES, NOT_A_CAPTURE, Reader

MAX_FRAME_BYTES = 262_144

ORDERS = pytest.mark.parametrize("order", ["<", ">"], ids=["little endian", "big endian"])


@ORDERS
def test_pcap_cut_anywhere(read: Reader, order: str) -> None:
    """Of a file cut at any byte, every frame before the cut counts, and it is said that it is cut."""
    data = make.pcap(FRAMES[:3], order=order)
    ends = [24]
    for one in FRAMES[:3]:
        ends.append(ends[-1] + 16 + len(one.data))
    for cut in range(len(data) + 1):
        whole = sum(end <= cut for end in ends[1:])
        stop = COMPLETE if cut in (0, *ends) else NOT_A_CAPTURE if cut < 24 else CUT
        assert (whole, stop) == read.all(data[:cut])


@ORDERS
@pytest.mark.parametrize("sections", [1, 2])
def test_pcapng_cut_anywhere(read: Reader, order: str, sections: int) -> None:
    """So it is of a pcapng file, cut in a block of any type."""
    head = [make.section(order=order), make.interface(order=order, options=make.resolution(9, order=order))]
    packets = [
        make.simple(FRAMES[0], order=order),
        make.enhanced(FRAMES[1], 1, order=order),
        make.obsolete(FRAMES[2], 2, order=order),
    ]
    blocks = [*head, *packets] * sections
    ends = [sum(len(one) for one in blocks[: number + 1]) for number in range(len(blocks))]
    data = b"".join(blocks)
    for cut in range(len(data) + 1):
        whole = sum(end <= cut and number % 5 > 1 for number, end in enumerate(ends))
        stop = COMPLETE if cut in (0, *ends) else NOT_A_CAPTURE if cut < 24 else CUT
        assert (whole, stop) == read.all(data[:cut])


@ORDERS
@pytest.mark.parametrize("length", [MAX_FRAME_BYTES + 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
def test_impossible_frame_length(read: Reader, order: str, length: int) -> None:
    """A record longer than any frame is damage: the frames before it count."""
    data = make.pcap(FRAMES[:2], order=order) + struct.pack(f"{order}IIII", 1, 1, length, length) + bytes(1000)

    assert (2, BAD_LENGTH) == read.all(data)


def test_longest_frame(read: Reader) -> None:
    """A frame of libpcap's longest snap length is read."""
    long = Frame(START_NS, FRAMES[0].data + bytes(MAX_FRAME_BYTES - len(FRAMES[0].data)))

    assert (1, COMPLETE) == read.all(make.pcap([long]))
    assert MAX_FRAME_BYTES == read.gate.totals()["seen_bytes"]


def test_wire_length_of_4_gib(read: Reader) -> None:
    """An impossible length on the wire is counted as it stands; sums do not overflow."""
    data = make.pcap([]) + b"".join(struct.pack("<IIII", 1, 1, len(one.data), 0xFFFFFFFF) + one.data for one in FRAMES)

    assert (5, COMPLETE) == read.all(data)
    assert 5 * 0xFFFFFFFF == read.gate.totals()["seen_bytes"]


@ORDERS
@pytest.mark.parametrize("length", [0, 1, 8, 11])
def test_impossible_block_length(read: Reader, order: str, length: int) -> None:
    """A block shorter than its own frame is damage: there is no way to the next one."""
    data = make.pcapng(FRAMES[:2], order=order) + struct.pack(f"{order}III", 6, length, length) + bytes(100)

    assert (2, BAD_LENGTH) == read.all(data)


@ORDERS
@pytest.mark.parametrize("length", [1 << 20, 0x7FFFFFFC, 0xFFFFFFFC, 0xFFFFFFFF])
def test_block_beyond_the_end(read: Reader, order: str, length: int) -> None:
    """A block that ends after the file is a cut."""
    data = make.pcapng(FRAMES[:2], order=order) + struct.pack(f"{order}III", 6, length, 0) + bytes(100)

    assert (2, CUT) == read.all(data)


@pytest.mark.parametrize("body", [b"", bytes(4), bytes(19), struct.pack("<IIIII", 0, 0, 0, 100, 100) + bytes(99)])
@pytest.mark.parametrize("kind", [2, 6])
def test_packet_block_too_short(read: Reader, kind: int, body: bytes) -> None:
    """A packet block that is too short for its header, or for the frame it claims, is damage."""
    data = make.pcapng(FRAMES[:2]) + make.block(kind, body[: len(body) // 4 * 4])

    assert (2, BAD_LENGTH) == read.all(data)


def test_simple_block_without_length(read: Reader) -> None:
    """So is a Simple Packet Block without a length; one that claims more than it holds was cut by the snap length."""
    assert (2, BAD_LENGTH) == read.all(make.pcapng(FRAMES[:2]) + make.block(3, b""))
    assert (3, COMPLETE) == read.all(make.pcapng(FRAMES[:2]) + make.block(3, b"\xff\xff\xff\xff"))


def test_block_length_that_is_not_a_multiple(read: Reader) -> None:
    """A block's length that does not end on four bytes leads to the next one that does."""
    odd = struct.pack("<II", 0x0BAD, 13) + b"x" + struct.pack("<I", 13) + bytes(3)

    assert (4, COMPLETE) == read.all(make.pcapng(FRAMES[:2]) + odd + make.pcapng(FRAMES[:2]))


def test_section_of_no_byte_order(read: Reader) -> None:
    """A later section whose byte order cannot be told ends the reading; a first one is no capture at all."""
    broken = make.block(0x0A0D0D0A, struct.pack("<IHHq", 0x11111111, 1, 0, -1))

    assert (2, BAD_LENGTH) == read.all(make.pcapng(FRAMES[:2]) + broken + make.pcapng(FRAMES[:2]))
    assert (0, NOT_A_CAPTURE) == read.all(broken)


@pytest.mark.parametrize(
    "options", [b"\x09", b"\x09\0\xff\xff", make.option(9, b""), make.option(14, bytes(4)), bytes(3)]
)
def test_broken_options(read: Reader, options: bytes) -> None:
    """Options that are cut, empty or of a wrong size leave the interface as it is by default."""
    assert [5000] == read.times(make.section() + make.interface(options=options) + make.enhanced(FRAMES[0], 5))


def test_interface_block_too_short(read: Reader) -> None:
    """An interface that is not described describes nothing; it takes no number."""
    data = make.section() + make.block(1, bytes(4)) + make.interface() + make.enhanced(FRAMES[0], 5)

    assert [5000] == read.times(data)


@pytest.mark.parametrize(
    ("data", "stop"),
    [
        (b"", COMPLETE),
        (b"x", NOT_A_CAPTURE),
        (bytes(24), NOT_A_CAPTURE),
        (b"GIF89a" + bytes(100), NOT_A_CAPTURE),
        (b"\x1f\x8b\x08" + bytes(100), NOT_A_CAPTURE),
        (make.pcap(FRAMES, version=1), BAD_VERSION),
        (make.pcap(FRAMES, version=3), BAD_VERSION),
        (make.pcap([]), COMPLETE),
        (make.section(), COMPLETE),
    ],
)
def test_what_is_no_capture(read: Reader, data: bytes, stop: int) -> None:
    """Other files are told by their first bytes; a capture without frames is complete."""
    assert (0, stop) == read.all(data)
    assert STOPS[stop] or stop == COMPLETE


@pytest.mark.parametrize("seed", range(3))
def test_spoilt_files(read: Reader, seed: int) -> None:
    """Whatever bytes of a file are changed, reading ends, with a reason, and counts what it has read."""
    rng = random.Random(seed)
    whole = [
        make.pcap(FRAMES),
        make.pcap(FRAMES, order=">", nano=False),
        make.pcapng(FRAMES),
        make.pcapng(FRAMES, order=">"),
    ]
    for _ in range(500):
        data = bytearray(rng.choice(whole))
        for _ in range(rng.randrange(1, 8)):
            data[rng.randrange(len(data))] = rng.choice((0, 1, 0xFF, rng.randrange(256)))
        frames, stop = read.all(bytes(data[: rng.choice((len(data), rng.randrange(len(data))))]))
        assert 0 <= frames <= 5
        assert 1 <= stop < len(STOPS)
