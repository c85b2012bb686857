"""Capture files -> frames: every format, byte order and clock; and damaged files, which are read up to the damage."""

import ctypes
import random
import struct
from pathlib import Path

import pytest

from agent.flow import Direction
from agent.gate.native import COMPLETE, STOPS, NativeGate, ReadProgress
from agent.lab import crafted
from agent.lab.crafted import START_NS, ends_of
from agent.lab.frames import Frame
from agent.lab.pcap import write_pcap, write_pcapng
from agent.lab.stack import Wire
from tests.gate import capture_bytes as make
from tests.gate.feeding import Feeder

CUT, BAD_LENGTH, NOT_A_CAPTURE, BAD_VERSION = 2, 3, 4, 5
NEVER_NS = 2**63
MAX_NS = 4_000_000_000_000_000_000
MAX_FRAME_BYTES = 262_144
S = 1_000_000_000

ORDERS = pytest.mark.parametrize("order", ["<", ">"], ids=["little endian", "big endian"])


def frame(number: int, time_ns: int = START_NS, *, cut_bytes: int = 0) -> Frame:
    """A frame of a flow of its own."""
    data = Wire(ends_of(number, 27015)).udp(Direction.TO_SERVER, b"x" * (number % 7)).data
    return Frame(time_ns, data, cut_bytes)


FRAMES = [frame(number, START_NS + number * 1000) for number in range(5)]


class Reader:
    """Reads a file's bytes through a gate."""

    def __init__(self, feed: Feeder) -> None:
        self.feed = feed
        self.gate = feed.gate

    def open(self, data: bytes) -> int:
        """Begins a file; what its bytes lie in is kept."""
        self._kept = ctypes.create_string_buffer(data, max(1, len(data)))
        return self.gate.open_capture(ctypes.addressof(self._kept), len(data))

    def some(self, *, until_ns: int = NEVER_NS, max_frames: int = 1 << 30) -> ReadProgress:
        """Reads one batch."""
        progress, batch = self.gate.read_capture(until_ns=until_ns, max_frames=max_frames)
        self.feed.look_at(batch.slices)
        return progress

    def all(self, data: bytes) -> tuple[int, int]:
        """Reads a whole file: frames, and why it stopped."""
        stop, frames = self.open(data), 0
        while not stop:
            progress = self.some()
            frames += progress.frames
            stop = progress.stop
        assert frames <= self.gate.totals()["seen_packets"]
        return frames, stop

    def times(self, data: bytes) -> list[int]:
        """Times of the frames of a file, read one by one."""
        stop, found = self.open(data), []
        while not stop:
            progress = self.some(max_frames=1)
            found += [progress.time_ns] * progress.frames
            stop = progress.stop
        assert COMPLETE == stop
        return found


@pytest.fixture
def read(feed: Feeder) -> Reader:
    """A reader of capture files, which asserts conservation after each batch."""
    return Reader(feed)


# ---- pcap


@ORDERS
@pytest.mark.parametrize("nano", [False, True])
def test_pcap(read: Reader, order: str, nano: bool) -> None:
    """Classic files of either byte order, with micro- or nanoseconds, give their frames and times."""
    times = [START_NS + number * 1_234_567 // (1 if nano else 1000) * (1 if nano else 1000) for number in range(5)]
    frames = [frame(number, time_ns) for number, time_ns in enumerate(times)]

    assert times == read.times(make.pcap(frames, order=order, nano=nano))
    assert [one.data for one in frames] == sorted((one.data for one in frames), key=lambda data: data[29])
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
        (127, 10**18, 1),
    ],
)
def test_time_resolution(read: Reader, order: str, value: int, units: int, time_ns: int) -> None:
    """if_tsresol: powers of ten and of two."""
    head = make.section(order=order) + make.interface(order=order, options=make.resolution(value, order=order))
    expected = 1 if value == 127 else time_ns

    assert [expected] == read.times(head + make.enhanced(FRAMES[0], units, order=order))


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


# ---- Damage


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
    packets = [make.simple(FRAMES[0], order=order), make.enhanced(FRAMES[1], 1, order=order), make.obsolete(FRAMES[2], 2, order=order)]
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
    data = make.pcap([]) + b"".join(
        struct.pack("<IIII", 1, 1, len(one.data), 0xFFFFFFFF) + one.data for one in FRAMES
    )

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
    """So is a Simple Packet Block without room for its length; one that claims more than it holds was cut by the snap length."""
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


@pytest.mark.parametrize("options", [b"\x09", b"\x09\0\xff\xff", make.option(9, b""), make.option(14, bytes(4)), bytes(3)])
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
    whole = [make.pcap(FRAMES), make.pcap(FRAMES, order=">", nano=False), make.pcapng(FRAMES), make.pcapng(FRAMES, order=">")]
    for _ in range(500):
        data = bytearray(rng.choice(whole))
        for _ in range(rng.randrange(1, 8)):
            data[rng.randrange(len(data))] = rng.choice((0, 1, 0xFF, rng.randrange(256)))
        frames, stop = read.all(bytes(data[: rng.choice((len(data), rng.randrange(len(data)))) ]))
        assert 0 <= frames <= 5
        assert 1 <= stop < len(STOPS)


# ---- Reading in batches


@pytest.mark.parametrize("build", [make.pcap, make.pcapng])
def test_until(read: Reader, build: object) -> None:
    """A frame that is not before the time asked for waits, and is fed by the next call that reaches it, once."""
    assert callable(build)
    read.open(build(FRAMES))
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
    assert (0, True, 0) == (lambda p: (p.frames, p.reached, p.stop))(read.some(until_ns=0))

    assert (1, False, CUT) == (lambda p: (p.frames, p.reached, p.stop))(read.some())


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
    return [
        Frame(0, Wire(ends_of(number, port)).tcp(Direction.TO_SERVER, 999, 0, 2).data) for port in (443, 53)
    ] + [
        Frame(0, Wire(ends_of(number, 443)).tcp(Direction.TO_SERVER, 1000, 0, 16, hello).data),
        Frame(0, Wire(ends_of(number, 53)).tcp(Direction.TO_SERVER, 1000, 0, 16, _dns(16_000)).data),
    ]


def _dns(size: int) -> bytes:
    return struct.pack("!HHHHHHH", size - 2, 7, 0x0100, 1, 0, 0, 0) + bytes(size - 14)
