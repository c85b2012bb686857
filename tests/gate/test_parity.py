"""Tests of parity: the kernel's gate and the native one give the same slices, rows and totals for the same frames."""

import random
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import dpkt
import pytest

from agent.flow import SliceKind
from agent.lab import crafted, envelopes
from agent.lab.crafted import CASES, START_NS
from agent.lab.day import school_day
from tests.gate.twins import MAX_FRAME_BYTES, Passed, Twins
from tests.live.needs import need_bpf

MAX_FLOWS = 1 << 15
MUTATIONS = 6000
CLASS_ID = 7
DAY_NS = 60_000_000_000
ETHERNET = 1
HEADER_LIMIT = 24


@pytest.fixture(scope="module")
def shared_twins() -> Iterator[Twins]:
    """Both gates, made once: loading the program takes most of a second."""
    need_bpf()
    made = Twins(MAX_FLOWS)
    yield made
    made.close()


@pytest.fixture
def twins(shared_twins: Twins) -> Iterator[Twins]:
    """Both gates, with no flow in them."""
    yield shared_twins
    shared_twins.clear()


def day_frames(seed: int, flows: int) -> list[bytes]:
    """The frames of a school day."""
    return [frame.data for frame in school_day(seed=seed, flows=flows, start_ns=START_NS, duration_ns=DAY_NS).frames()]


@pytest.mark.parametrize("name", CASES)
def test_crafted(name: str, twins: Twins) -> None:
    """Every corner case of the lab."""
    frames = [frame.data for frame in CASES[name]()]
    passed = twins.feed(frames)

    assert (len(frames), 0) == (passed.fed, passed.refused)


@pytest.mark.parametrize("name", envelopes.ENVELOPES)
def test_envelopes(name: str, twins: Twins) -> None:
    """Every tag and tunnel, around IPv4 and IPv6."""
    envelope = envelopes.ENVELOPES[name]
    flows = [crafted.tls(1), crafted.tls(2, ipv6=True), crafted.http(3), crafted.dns(4)]
    frames = [frame.data for flow in flows for frame in envelopes.enclosed(flow, envelope)]
    passed = twins.feed(frames)

    assert (len(frames), 0) == (passed.fed, passed.refused)
    assert passed.slices > 0


def test_a_school_day(twins: Twins) -> None:
    """Some thousand frames of everything, each flow sealed in both as soon as its hello is complete."""
    passed = Passed()
    for frame in day_frames(5, 250):
        batch = twins.feed_one(frame)
        assert batch is not None
        passed.fed += 1
        passed.slices += len(batch.slices)
        for one in batch.slices:
            if one.kind in (SliceKind.TLS, SliceKind.QUIC) and not twins.native.table.class_of(one.slot):
                twins.settle(one.slot, CLASS_ID, seal=passed.slices % 2 == 0)
    twins.compare()

    assert passed.fed > 5000
    assert passed.slices > 500


def _tagged(frame: bytes, number: int) -> bytes:
    return frame[:12] + b"\x81\0\0\x14" * number + frame[12:]


def _labelled(frame: bytes, number: int) -> bytes:
    return frame[:12] + b"\x88\x47" + b"\0\1\0\x40" * number + b"\0\1\1\x40" + frame[14:]


@pytest.mark.parametrize(("deepen", "most"), [(_tagged, HEADER_LIMIT - 4), (_labelled, HEADER_LIMIT - 5)])
def test_many_headers(deepen: Callable[[bytes, int], bytes], most: int, twins: Twins) -> None:
    """Tags and labels up to the limit of headers and beyond, around a request whose head takes all stages there are."""
    request = b"GET / HTTP/1.1\r\nCookie: " + bytes(2000) + b"\r\nHost: deep.example\r\n\r\n"
    flow = [frame.data for frame in crafted.http(5, request=request)]
    for number in range(30):
        passed = twins.feed(deepen(frame, number) for frame in flow)
        assert (len(flow), number <= most) == (passed.fed, passed.slices > 0)
        twins.clear()


def test_many_extension_headers(twins: Twins) -> None:
    """The same behind IPv6."""
    flow = [frame.data for frame in crafted.tls(6, ipv6=True)]
    for headers in range(30):
        inserted = (b"\x3c\0" + bytes(6)) * (headers - 1) + (b"\x06\0" + bytes(6)) * (headers > 0)
        lengths = ((len(frame) - 54 + len(inserted)).to_bytes(2, "big") for frame in flow)
        first = b"\x3c" if headers else b"\x06"
        frames = [
            frame[:18] + length + first + frame[21:54] + inserted + frame[54:]
            for frame, length in zip(flow, lengths, strict=True)
        ]
        passed = twins.feed(frames)
        assert (len(flow), headers <= HEADER_LIMIT - 4) == (passed.fed, passed.slices > 0)
        twins.clear()


def test_records_and_segments(twins: Twins) -> None:
    """A hello in several records, whose headers are cut by the ends of segments, in order and not."""
    for first in (40, 300, 519):
        for cut in range(first, first + 9):
            for order in ((0, 1, 2), (0, 2, 1)):
                frames = crafted.tls(7, record_cuts=(first, first + 200), cuts=(cut, cut + 3), order=order)
                passed = twins.feed(frame.data for frame in frames)
                assert (len(frames), 0) == (passed.fed, passed.refused)
                twins.clear()


def test_heads_of_every_length(twins: Twins) -> None:
    """Wherever in a head the Host line stands, about the ends of what one stage searches, whole and in segments."""
    slices = 0
    for start in (0, 500, 1000, 1520, 2000):
        for length in range(start, start + 45):
            request = b"GET / HTTP/1.1\r\nX: " + b"x" * length + b"\r\nhost: some.example\r\n\r\n"
            cuts = (30 + length // 2,) if length % 2 else ()
            slices += twins.feed([frame.data for frame in crafted.http(5, request=request, cuts=cuts)]).slices
            twins.clear()

    assert slices > 400


def test_personal_addresses(twins: Twins) -> None:
    """Towards an address of personal accounts both open a hello only; and more again once it is taken back."""
    opened = []
    for personal in (True, False):
        address = crafted.ends_of(11, 80).server
        for gate in (twins.kernel, twins.native):
            assert gate.add_personal(address)
            if not personal:
                gate.drop_personal(address)
        opened.append(twins.feed([frame.data for frame in crafted.http(11)]).slices)
        twins.clear()

    assert opened[0] == 0
    assert opened[1] > 0


def test_mutated(twins: Twins) -> None:
    """Damaged frames: bits turned, bytes set to their ends, cut off, moved, and put together from two."""
    rng = random.Random(31)
    pool = [frame.data for build in CASES.values() for frame in build()]
    pool += [envelope(frame.data) for envelope in envelopes.ENVELOPES.values() for frame in crafted.tls(1)[:5]]
    pool = [frame for frame in pool if len(frame) <= MAX_FRAME_BYTES]
    mutants = (rng.choice(DAMAGES)(rng, rng.choice(pool), pool) for _ in range(MUTATIONS))
    passed = twins.feed(mutants)

    assert passed.fed > MUTATIONS * 0.9
    assert passed.slices > 100


def _turned(rng: random.Random, frame: bytes, pool: list[bytes]) -> bytes:
    del pool
    made = bytearray(frame)
    for _ in range(rng.randint(1, 8)):
        made[rng.randrange(len(made))] ^= 1 << rng.randrange(8)
    return bytes(made)


def _set_to_ends(rng: random.Random, frame: bytes, pool: list[bytes]) -> bytes:
    del pool
    made = bytearray(frame)
    for _ in range(rng.randint(1, 3)):
        made[rng.randrange(min(len(made), 80))] = rng.choice((0, 1, 0x7F, 0x80, 0xFF))
    return bytes(made)


def _cut(rng: random.Random, frame: bytes, pool: list[bytes]) -> bytes:
    del pool
    return frame[: rng.randrange(len(frame))]


def _moved(rng: random.Random, frame: bytes, pool: list[bytes]) -> bytes:
    del pool
    at = rng.randrange(len(frame))
    return frame[:at] + rng.randbytes(rng.randint(1, 4)) + frame[at:]


def _joined(rng: random.Random, frame: bytes, pool: list[bytes]) -> bytes:
    at = rng.randrange(14, 80)
    return (frame[:at] + rng.choice(pool)[at:])[:MAX_FRAME_BYTES]


DAMAGES: tuple[Callable[[random.Random, bytes, list[bytes]], bytes], ...] = (
    _turned,
    _set_to_ends,
    _cut,
    _moved,
    _joined,
)


def test_real_captures(corpus: Path, twins: Twins) -> None:
    """Every Ethernet capture of the corpus, real and hostile."""
    files = sorted(path for path in corpus.rglob("*") if path.is_file() and "cap" in path.suffix)
    read, passed = 0, Passed()
    for path in files:
        frames = list(_ethernet_frames(path))
        if not frames:
            continue
        read += 1
        one = twins.feed(frames)
        twins.clear()
        passed = Passed(passed.fed + one.fed, passed.refused + one.refused, passed.slices + one.slices)

    assert read > 300
    assert passed.fed > 50_000
    assert passed.refused < passed.fed / 100


def _ethernet_frames(path: Path) -> Iterable[bytes]:
    """The frames of a capture, as far as dpkt can read it; none when it cannot, or when they are not Ethernet."""
    frames: list[bytes] = []
    with path.open("rb") as file:
        try:
            reader = dpkt.pcap.UniversalReader(file)
            if reader.datalink() == ETHERNET:
                frames.extend(data for _, data in reader)
        except (ValueError, dpkt.Error, OverflowError):
            pass  # hostile files are in the corpus so that readers meet their end; what came before it counts
    return frames
