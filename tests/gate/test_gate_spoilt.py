"""Frames that are cut, changed or random: each is counted once, no limit is passed, and nothing crashes."""

import random

import pytest

from agent.flow import Direction
from agent.lab import crafted, envelopes
from agent.lab.canary import filled
from agent.lab.crafted import START_NS, ends_of
from agent.lab.frames import Frame
from agent.lab.stack import Wire
from tests.gate.feeding import Feeder

TO_SERVER = Direction.TO_SERVER

FLOW = 17
PAYLOAD = bytes(range(40))

BOTH = pytest.mark.parametrize("ipv6", [False, True], ids=["IPv4", "IPv6"])


def datagram(*, ipv6: bool = False, payload: bytes = PAYLOAD) -> bytes:
    """A frame with one datagram from the client."""
    return Wire(ends_of(FLOW, 27015, ipv6=ipv6)).udp(TO_SERVER, payload).data


# ---- Frames that end too early


def _headers(data: bytes) -> int:
    return len(data) - len(PAYLOAD)


@BOTH
@pytest.mark.parametrize("envelope", ["", *envelopes.ENVELOPES])
def test_cut_by_the_snap_length(feed: Feeder, envelope: str, ipv6: bool) -> None:
    """A frame cut at any length is counted with all its bytes; from the end of its headers on, in its own flow."""
    data = datagram(ipv6=ipv6)
    data = envelopes.ENVELOPES[envelope](data) if envelope else data
    for length in range(len(data) + 1):
        feed([Frame(START_NS, data[:length], len(data) - length)])
        if length >= _headers(data):
            (slot,) = feed.live()
            assert ends_of(FLOW, 27015, ipv6=ipv6) == feed.gate.table.flow(slot).ends
        feed.remove(feed.live())
    assert len(data) * (len(data) + 1) == feed.gate.totals()["seen_bytes"]


@pytest.mark.parametrize("link", envelopes.LINKS)
def test_cut_on_other_links(feed: Feeder, link: int) -> None:
    """So is a frame of another link type."""
    data = envelopes.LINKS[link](datagram())
    feed([Frame(START_NS, data[:length], len(data) - length) for length in range(len(data) + 1)], link=link)

    assert len(data) + 1 == feed.gate.totals()["seen_packets"]


@pytest.mark.parametrize(
    "name", ["tls", "http", "quic", "dns-https", "ipv4-options", "ipv6-extensions", "quic-fragmented"]
)
def test_short_frames(feed: Feeder, name: str) -> None:
    """A frame that is shorter on the wire than its headers claim is counted, and no byte beyond its end is read."""
    for frame in crafted.CASES[name]()[:6]:
        feed([Frame(frame.time_ns, frame.data[:length]) for length in range(0, len(frame.data), 3)])


def test_trailer_is_not_payload(feed: Feeder) -> None:
    """Ethernet pads short frames: what follows the IP packet's end is not opened."""
    slices = feed([Frame(START_NS, datagram(payload=b"short") + filled(FLOW, 40))])

    assert [b"short"] == [one.data for one in slices]


# ---- Noise


@pytest.mark.parametrize("seed", range(4))
def test_mutated_frames(feed: Feeder, seed: int) -> None:
    """Whatever bytes of a frame are changed, cut or added, every frame is counted once and no limit is passed."""
    rng = random.Random(seed)
    shut = Feeder(feed.gate, canaries_allowed=True)  # a changed header may well make a first payload of what was none
    pool = [frame.data for name in sorted(crafted.CASES) for frame in crafted.CASES[name]()[:6]]
    pool += [envelope(data) for envelope in envelopes.ENVELOPES.values() for data in rng.sample(pool, 4)]
    links = [1] * 8 + [*envelopes.LINKS, 12, 51, 108, 192, 228]
    for number in range(1500):
        data = bytearray(rng.choice(pool))
        for _ in range(rng.randrange(1, 6)):
            data[rng.randrange(min(len(data), 120))] = rng.choice((0, 1, 0xFF, rng.randrange(256)))
        if rng.random() < 0.3:
            del data[rng.randrange(len(data)) :]
        frame = Frame(START_NS + number * 1_000_000, bytes(data), rng.choice((0, 0, 0, 5, 1500)))
        shut([frame], link=rng.choice(links))
        if number % 50 == 0:
            shut.remove(shut.live()[::2])

    assert 1500 == feed.gate.totals()["seen_packets"]


def test_random_bytes(feed: Feeder) -> None:
    """Pure noise is counted."""
    rng = random.Random(5)
    frames = [Frame(START_NS, rng.randbytes(rng.randrange(200))) for _ in range(1000)]
    feed(frames)

    assert 1000 == feed.gate.totals()["seen_packets"]
