"""Corner cases: each is what its name says."""

from collections.abc import Callable

import dpkt
import pytest

from agent.lab import crafted
from agent.lab.canary import flow_numbers
from agent.lab.frames import Frame

NAME = crafted.NAME.encode()
UNMARKED = {"ntp", "dns-a", "dns-aaaa", "dns-https", "dns-over-tcp", "dns-fragmented", "dns-fragments-reversed"}
TLS_WITH_HELLO = [
    name
    for name in crafted.CASES
    if name.startswith("tls") and name not in ("tls-met-after-hello", "tls-midstream-hello", "tls-overlapping")
]


def _segments(frames: list[Frame]) -> list[tuple[int, dpkt.tcp.TCP]]:
    """(direction, segment); the first frame is the client's."""
    made = [dpkt.ethernet.Ethernet(frame.data).data for frame in frames]
    return [(int(ip.src != made[0].src), ip.data) for ip in made]


def _client_stream(frames: list[Frame]) -> bytes:
    """What the client said, in order; later bytes replace equal earlier ones."""
    segments = _segments(frames)
    start = segments[0][1].seq + 1
    said = bytearray()
    for offset, data in sorted(((s.seq - start) % 2**32, s.data) for way, s in segments if way == 0 and s.data):
        assert offset <= len(said)
        said[offset : offset + len(data)] = data
    return bytes(said)


@pytest.mark.parametrize("name", crafted.CASES)
def test_cases_are_alike_each_time_and_parse(name: str) -> None:
    """Every case is deterministic, in order of time, readable by dpkt, and marked where there is something to mark."""
    frames = crafted.CASES[name]()
    assert frames == crafted.CASES[name]()
    assert [frame.time_ns for frame in frames] == sorted({frame.time_ns for frame in frames})
    found = frozenset[int]()
    for frame in frames:
        if not frame.cut_bytes:
            ip = dpkt.ethernet.Ethernet(frame.data).data
            assert isinstance(ip, dpkt.ip.IP | dpkt.ip6.IP6)
        found |= flow_numbers(frame.data)
    assert (0 if name in UNMARKED else 1) == len(found)


def test_no_two_cases_share_a_flow() -> None:
    """All cases may be put into one capture."""
    ends = []
    for case in crafted.CASES.values():
        ip = dpkt.ethernet.Ethernet(case()[0].data).data
        ends.append(ip.src)
    assert len(ends) == len(set(ends))


@pytest.mark.parametrize("name", TLS_WITH_HELLO)
def test_hellos_are_whole_however_they_were_cut(name: str) -> None:
    """The client's stream begins with a ClientHello that has the name and no canary; what follows is marked."""
    stream = _client_stream(crafted.CASES[name]())
    message, at = b"", 0
    while len(message) < 4 or len(message) < 4 + int.from_bytes(message[1:4], "big"):
        assert 22 == stream[at]
        length = int.from_bytes(stream[at + 3 : at + 5], "big")
        message += stream[at + 5 : at + 5 + length]
        at += 5 + length
    assert NAME in message
    assert frozenset() == flow_numbers(message)
    assert 1 == len(flow_numbers(stream[at:]))
    assert (5 if name == "tls-many-records" else 1) <= stream[:at].count(b"\x16\x03\x01")


def test_segments_come_as_asked() -> None:
    """Order, repetition, overlap, size and missing handshake are those that the cases promise."""
    offsets = {
        name: [s.seq - 1001 for way, s in _segments(crafted.CASES[name]()) if way == 0 and s.data]
        for name in ("tls-reordered", "tls-reversed", "tls-repeated")
    }
    assert [1400, 0] == offsets["tls-reordered"][:2]
    assert [1400, 800, 400, 200, 0] == offsets["tls-reversed"][:5]
    assert [0, 0, 200, 200, 1400, 1400] == offsets["tls-repeated"][:6]
    overlapping = [(s.seq - 1001, len(s.data)) for way, s in _segments(crafted.CASES["tls-overlapping"]()) if way == 0]
    assert [(0, 350), (200, 350), (400, 550), (800, 750)] == overlapping[2:6]
    tiny = [len(s.data) for way, s in _segments(crafted.tls_tiny_segments()) if way == 0 and s.data]
    assert {1} == set(tiny[:-1])
    assert 0x02 not in {s.flags for _, s in _segments(crafted.CASES["tls-midstream-hello"]())}
    wrapped = [s.seq for way, s in _segments(crafted.CASES["tls-sequence-wrap"]()) if way == 0]
    assert wrapped[0] > 2**31 > wrapped[-1]


def test_a_port_is_used_again() -> None:
    """Two SYNs from the same port, each with its own sequence number."""
    opens = [s for way, s in _segments(crafted.port_reused()) if s.flags == 0x02]
    assert 2 == len(opens)
    assert opens[0].sport == opens[1].sport
    assert opens[0].seq != opens[1].seq


@pytest.mark.parametrize("case", [crafted.http, crafted.http_cut_in_host, crafted.http_tiny_segments])
def test_requests_have_the_name_once(case: Callable[[], list[Frame]]) -> None:
    """The stream holds one Host line; some segment ends within it where the case says so."""
    frames = case()
    stream = _client_stream(frames)
    assert NAME == dpkt.http.Request(stream).headers["host"].encode()
    whole = any(NAME in frame.data for frame in frames)
    assert (case is crafted.http) == whole


def test_what_must_not_be_found_is_out_of_reach() -> None:
    """Host lies beyond 2 KiB, or only in the body, or the body comes first."""
    assert _client_stream(crafted.http_late_host()).index(b"\r\nHost: ") > 2048
    head, _, body = _client_stream(crafted.http_host_in_body()).partition(b"\r\n\r\n")
    assert b"Host" not in head
    assert b"\r\nHost: " + crafted.BODY_NAME in body
    first, second = [s for way, s in _segments(crafted.http_body_first()) if s.data]
    assert first.seq > second.seq
    assert second.data.startswith(b"POST ")


def test_quic_cases_differ_as_named() -> None:
    """Versions, order, what follows an Initial in its datagram, and fragments."""
    versions = [crafted.CASES[name]()[0].data[43:47].hex() for name in ("quic", "quic-v2")]
    assert ["00000001", "6b3343cf"] == versions
    plain, swapped = crafted.quic_flow(1), crafted.quic_flow(1, order=(1, 0))
    assert [plain[1].data, plain[0].data] == [frame.data for frame in swapped[:2]]
    for frame in crafted.quic_coalesced():
        length = int.from_bytes(frame.data[42 + 16 : 42 + 18], "big") & 0x3FFF
        initial, rest = frame.data[42 : 42 + 18 + length], frame.data[42 + 18 + length :]
        assert frozenset() == flow_numbers(initial)
        assert frozenset({12}) == flow_numbers(rest)
        assert 0xD0 == rest[0] & 0xF0
    forward, backward = crafted.quic_fragmented(1), crafted.quic_fragmented(1, order=(2, 1, 0))
    assert [forward[index].data for index in (2, 1, 0)] == [frame.data for frame in backward[:3]]
    assert [0, 64, 128] == [dpkt.ethernet.Ethernet(frame.data).data.offset for frame in forward[:3]]


def test_dns_over_tcp_holds_its_messages() -> None:
    """Two questions stand in the client's stream, each after its length."""
    stream = _client_stream(crafted.dns_over_tcp())
    kinds = []
    while stream:
        length = int.from_bytes(stream[:2], "big")
        kinds.append(dpkt.dns.DNS(stream[2 : 2 + length]).qd[0].type)
        stream = stream[2 + length :]
    assert [1, 65] == kinds


def test_snapped_frames_know_what_they_lost() -> None:
    """No frame is longer than the snap length, and the wire lengths are those of the whole frames."""
    frames = crafted.snapped(1)
    assert 96 == max(len(frame.data) for frame in frames)
    assert [frame.wire_bytes for frame in crafted.tls(1)] == [frame.wire_bytes for frame in frames]
