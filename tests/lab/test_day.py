"""A whole day, read back by dpkt: order, truth, and what may be opened against what must stay closed."""

import ipaddress
from collections import defaultdict
from dataclasses import dataclass, field

import dpkt
import pytest

from agent.flow import Endpoints
from agent.lab.canary import flow_numbers
from agent.lab.day import Day, school_day
from agent.lab.frames import Frame, Truth
from agent.lab.visits import Segment

START_NS = 1_795_437_000_000_000_000
MINUTE_NS = 60_000_000_000


def _day(seed: int = 3, flows: int = 400) -> Day:
    return school_day(seed=seed, flows=flows, start_ns=START_NS, duration_ns=MINUTE_NS)


@dataclass(slots=True)
class Heard:
    """What dpkt read of one flow."""

    packets: list[int] = field(default_factory=lambda: [0, 0])
    octets: list[int] = field(default_factory=lambda: [0, 0])
    payloads: tuple[list[tuple[int, bytes]], list[tuple[int, bytes]]] = field(default_factory=lambda: ([], []))
    """By direction: (TCP sequence number of the first byte or 0, payload)."""
    first_sequence: list[int | None] = field(default_factory=lambda: [None, None])
    """By direction: sequence number of the stream's first byte, where a SYN was seen."""

    def stream(self, direction: int) -> bytes:
        """The stream of a direction, put in order."""
        start = self.first_sequence[direction]
        assert start is not None
        data = bytearray()
        for offset, payload in sorted(((seq - start) % 2**32, payload) for seq, payload in self.payloads[direction]):
            assert offset <= len(data)
            data[offset : offset + len(payload)] = payload
        return bytes(data)


Key = tuple[str, Endpoints]
TRANSPORTS = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmp6"}


def _heard(frames: list[Frame], truths: tuple[Truth, ...]) -> dict[Key, Heard]:
    """Reads all frames but ARP, puts fragments together, and sorts them by flow."""
    flows: dict[Key, Heard] = {(truth.transport, truth.ends): Heard() for truth in truths if truth.transport != "arp"}
    pending: dict[tuple[bytes, bytes, int], list[tuple[bytes, int]]] = defaultdict(list)
    for frame in frames:
        ip = dpkt.ethernet.Ethernet(frame.data).data
        if isinstance(ip, dpkt.arp.ARP):
            continue
        size = len(frame.data)
        if isinstance(ip, dpkt.ip.IP):
            protocol, body, number, more, split = (
                ip.p,
                frame.data[size - ip.len + 20 :],
                ip.id,
                ip.mf,
                ip.mf or ip.offset,
            )
        else:
            assert isinstance(ip, dpkt.ip6.IP6)
            body, protocol = frame.data[size - ip.plen :], ip.nxt
            fragment = ip.extension_hdrs.get(44)
            split = fragment is not None
            number, more = (fragment.id, fragment.m_flag) if fragment is not None else (0, 0)
            if fragment is not None:
                protocol, body = fragment.nxt, body[8:]
        sizes = [size]
        if split:
            parts = pending[ip.src, ip.dst, number]
            parts.append((body, size))
            if more:
                continue
            body, sizes = b"".join(part for part, _ in parts), [size for _, size in parts]
            del pending[ip.src, ip.dst, number]
        _note(flows, ip, TRANSPORTS[protocol], body, sizes)
    assert not pending
    return flows


def _note(flows: dict[Key, Heard], ip: dpkt.ip.IP, transport: str, body: bytes, sizes: list[int]) -> None:
    sequence, ports, syn = 0, (0, 0), False
    if transport == "tcp":
        tcp = dpkt.tcp.TCP(body)
        sequence, ports, payload = tcp.seq, (tcp.sport, tcp.dport), tcp.data
        syn = bool(tcp.flags & 0x02)
    elif transport == "udp":
        udp = dpkt.udp.UDP(body)
        assert len(body) == udp.ulen
        ports, payload = (udp.sport, udp.dport), udp.data
    else:
        payload = body[8:]
    there, back = Endpoints(ip.src, ports[0], ip.dst, ports[1]), Endpoints(ip.dst, ports[1], ip.src, ports[0])
    direction = 0 if (transport, there) in flows else 1
    flow = flows[transport, back if direction else there]
    flow.packets[direction] += len(sizes)
    flow.octets[direction] += sum(sizes)
    if syn:
        flow.first_sequence[direction] = sequence + 1
    if payload:
        flow.payloads[direction].append((sequence, payload))


@pytest.fixture(scope="module")
def day() -> tuple[list[Frame], tuple[Truth, ...]]:
    """Frames and truths of one day."""
    made = _day()
    return list(made.frames()), made.truths


@pytest.fixture(scope="module")
def heard(day: tuple[list[Frame], tuple[Truth, ...]]) -> dict[Key, Heard]:
    """The day as dpkt reads it."""
    return _heard(*day)


def test_the_same_seed_is_the_same_day(day: tuple[list[Frame], tuple[Truth, ...]]) -> None:
    """Frames and truths are alike to the byte, also when asked for again; another seed is another day."""
    again = _day()
    assert day == (list(again.frames()), again.truths)
    assert day == (list(again.frames()), again.truths)
    other = _day(seed=4)
    assert day[0] != list(other.frames())


def test_frames_are_in_order_of_time(day: tuple[list[Frame], tuple[Truth, ...]]) -> None:
    """No frame is earlier than the one before it, and none earlier than the day."""
    times = [frame.time_ns for frame in day[0]]
    assert times == sorted(times)
    assert times[0] >= START_NS
    assert times[-1] < START_NS + 2 * MINUTE_NS


def test_truth_adds_up(day: tuple[list[Frame], tuple[Truth, ...]]) -> None:
    """Packets and bytes of all flows are those of all frames, and no flow is empty."""
    frames, truths = day
    assert len(frames) == sum(sum(truth.packets) for truth in truths)
    assert sum(frame.wire_bytes for frame in frames) == sum(sum(truth.bytes) for truth in truths)
    assert len(truths) == len({truth.flow_number for truth in truths}) >= 400
    assert all(truth.packets[0] + truth.packets[1] for truth in truths)


def test_truth_of_each_flow_is_what_dpkt_counts(
    day: tuple[list[Frame], tuple[Truth, ...]], heard: dict[Key, Heard]
) -> None:
    """Flow by flow and way by way, dpkt counts the packets and bytes that the truth claims."""
    for truth in day[1]:
        if truth.transport == "arp":
            continue
        flow = heard[truth.transport, truth.ends]
        assert (truth.packets, truth.bytes) == (tuple(flow.packets), tuple(flow.octets)), truth


def test_flows_carry_their_vlan(day: tuple[list[Frame], tuple[Truth, ...]]) -> None:
    """Every frame is tagged with one of the school's VLANs."""
    tags = {dpkt.ethernet.Ethernet(frame.data).vlan_tags[0].id for frame in day[0]}
    assert {truth.vlan for truth in day[1]} == tags


def _openable(truth: Truth, flow: Heard) -> tuple[list[bytes], list[bytes]]:
    """What the gate's table allows to be opened of a flow, and the rest; the latter packet by packet."""
    up, down = (list(dict.fromkeys(payloads)) for payloads in flow.payloads)
    if truth.protocol == "tls":
        stream = flow.stream(0)
        end = 5 + int.from_bytes(stream[3:5], "big")
        start = flow.first_sequence[0] or 0
        return [stream[:end]], [data for seq, data in up if (seq - start) % 2**32 >= end] + [data for _, data in down]
    if truth.protocol == "quic":
        initial = {b"\0\0\0\x01": 0xC0, b"\x6b\x33\x43\xcf": 0xD0}
        is_initial = [initial.get(data[1:5]) == data[0] & 0xF0 for _, data in up]
        opened = [data for (_, data), yes in zip(up, is_initial, strict=True) if yes]
        closed = [data for (_, data), yes in zip(up, is_initial, strict=True) if not yes]
        return opened, closed + [data for _, data in down]
    if truth.protocol == "http":
        stream = flow.stream(0)
        method, _, rest = stream.partition(b" ")
        before, _, after = rest.partition(b"Host: ")
        host, _, behind = after.partition(b"\r\n")
        return [method, host], [before, behind] + [data for _, data in down]
    if truth.protocol == "dns":
        return [data for _, data in up + down], []
    if truth.protocol == "tcp":  # met midstream
        return [], [data for _, data in up + down]
    opened, closed = [], []
    for direction in (up, down):
        for number, (_, data) in enumerate(direction):
            opened.append(data[: 64 if number == 0 else 0])
            closed.append(data[64 if number == 0 else 0 :])
    return opened, closed


def test_canaries_are_in_all_that_must_stay_closed_and_nowhere_else(
    day: tuple[list[Frame], tuple[Truth, ...]], heard: dict[Key, Heard]
) -> None:
    """No byte that may be opened is marked; each closed payload of 64 bytes or more is, with its own flow's number."""
    kinds = set()
    for truth in day[1]:
        if truth.transport == "arp":
            continue
        opened, closed = _openable(truth, heard[truth.transport, truth.ends])
        assert frozenset() == flow_numbers(b"\n".join(opened)), truth
        assert {frozenset({truth.flow_number})} >= {flow_numbers(data) for data in closed if len(data) >= 64}, truth
        assert truth.canary == any(flow_numbers(data) for data in closed), truth
        kinds.add(truth.protocol)
    assert {"tls", "quic", "http", "dns", "bittorrent", "smb", "ssh", "ntp", "stun", "tcp", "udp", "icmp"} <= kinds


def test_names_stand_where_the_truth_says(day: tuple[list[Frame], tuple[Truth, ...]], heard: dict[Key, Heard]) -> None:
    """A visible name is in the client's first bytes; a hidden one is not, and its outer name is."""
    seen = set()
    for truth in day[1]:
        if truth.protocol not in ("tls", "http"):
            continue
        stream = heard[truth.transport, truth.ends].stream(0)
        named = truth.hostname is not None and truth.hostname.encode() in stream
        assert (truth.visible in ("sni", "host")) == named, truth
        assert (truth.visible == "ech") == (truth.outer_name is not None and truth.outer_name.encode() in stream), truth
        seen.add(truth.visible.value)
    assert {"sni", "host", "ech", "dns", "none"} == seen


def test_troubles_happen(day: tuple[list[Frame], tuple[Truth, ...]]) -> None:
    """The day has fragments of both IP versions or one, retransmissions, and segments out of order."""
    frames = day[0]
    assert len({frame.data for frame in frames}) < len(frames)
    fragments = out_of_order = 0
    highest: dict[tuple[bytes, int, bytes, int], int] = {}
    for frame in frames:
        ip = dpkt.ethernet.Ethernet(frame.data).data
        if isinstance(ip, dpkt.ip.IP) and (ip.mf or ip.offset):
            fragments += 1
        elif isinstance(ip, dpkt.ip.IP) and isinstance(ip.data, dpkt.tcp.TCP) and ip.data.data:
            key = (ip.src, ip.data.sport, ip.dst, ip.data.dport)
            behind = (highest.get(key, ip.data.seq) - ip.data.seq) % 2**32
            out_of_order += 0 < behind < 2**31
            highest[key] = ip.data.seq
    assert fragments > 0
    assert out_of_order > 0


def test_a_day_is_made_as_it_is_asked_for() -> None:
    """The first frame of an enormous day is there at once, and no flow has ended by then."""
    huge = _day(flows=20_000)
    frame = next(huge.frames())
    assert frame.time_ns >= START_NS
    assert () == huge.truths


def test_segments_may_be_given() -> None:
    """An untagged school of one prefix has no tags and no other clients."""
    v4, v6 = ipaddress.IPv4Network("172.16.0.0/16"), ipaddress.IPv6Network("fd00:1::/64")
    own = (Segment(None, 1.0, v4, v6),)
    made = school_day(seed=1, flows=30, start_ns=START_NS, duration_ns=MINUTE_NS, segments=own)
    kinds = {frame.data[12:14] for frame in made.frames()}
    assert kinds <= {b"\x08\x00", b"\x86\xdd", b"\x08\x06"}
    clients = {ipaddress.ip_address(truth.ends.client) for truth in made.truths if truth.ends.client}
    assert all(client in (v6 if client.version == 6 else v4) for client in clients)


@pytest.mark.parametrize(("flows", "duration_ns"), [(0, 1), (1, 0)])
def test_an_empty_day_is_refused(flows: int, duration_ns: int) -> None:
    """A day without flows or time is an error."""
    with pytest.raises(ValueError, match="at least one flow"):
        school_day(seed=1, flows=flows, start_ns=0, duration_ns=duration_ns)


def test_a_day_may_be_very_short() -> None:
    """A nanosecond is enough for a day."""
    made = school_day(seed=1, flows=5, start_ns=0, duration_ns=1)
    assert len(list(made.frames())) == sum(sum(truth.packets) for truth in made.truths)
