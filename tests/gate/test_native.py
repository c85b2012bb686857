"""The native gate as an object: its making and end, its totals, its personal addresses."""

import random
import resource

import pytest

from agent.flow import Direction, Endpoints, SliceKind
from agent.gate.library import NativeGateError
from agent.gate.native import NativeGate
from agent.gate.table import IdleLimits
from agent.lab import crafted
from agent.lab.crafted import START_NS, ends_of, timed
from agent.lab.frames import Frame
from agent.lab.stack import Wire
from tests.gate.feeding import Feeder, kinds

TO_SERVER, TO_CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT
MAX_PERSONAL = 65_536


def test_kind() -> None:
    """It says what it is, for the metric."""
    assert "process" == NativeGate.kind


def test_no_memory() -> None:
    """A table that does not fit into memory is an error that says so and what would help."""
    with pytest.raises(NativeGateError, match=r"no memory for a table of 4294967295 flows \(\d+ MiB\); ask for fewer"):
        _limited_gate(2**32 - 1)


def _limited_gate(max_flows: int) -> NativeGate:
    """Asks for a gate while the process may not have more than 64 GiB of addresses."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (1 << 36, before[1]))
    try:
        return NativeGate(max_flows=max_flows)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def test_close_twice() -> None:
    """Closing is done once, however often it is asked for."""
    gate = NativeGate(max_flows=1)
    gate.close()
    gate.close()


def test_gates_are_apart() -> None:
    """Two gates share nothing."""
    gates = [NativeGate(max_flows=8) for _ in range(2)]
    for frame in crafted.tls():
        gates[0].feed(frame.data, time_ns=frame.time_ns)

    assert [1, 0] == [gate.high_water for gate in gates]
    assert 0 == gates[1].totals()["seen_packets"]
    for gate in gates:
        gate.close()


def test_totals_by_name(feed: Feeder) -> None:
    """Totals have the names of struct gate_totals; what was opened is told by kind."""
    frames = crafted.tls()
    slices = feed(frames)

    expected = {
        *("seen_packets", "seen_bytes", "untracked_packets", "untracked_bytes", "undecodable_packets"),
        *("undecodable_bytes", "lost_slices", "truncated_headers", "new_flows"),
    }
    assert expected == set(feed.gate.totals())
    assert {kind.name.lower() for kind in SliceKind} == set(feed.gate.opened_bytes())
    assert sum(len(one.data) for one in slices) == feed.gate.opened_bytes()["tls"]
    assert sum(frame.wire_bytes for frame in frames) == feed.gate.totals()["seen_bytes"]


def test_opened_bytes_outlive_rows(feed: Feeder) -> None:
    """What was opened is remembered when its flow has gone."""
    feed(crafted.tls())
    before = feed.gate.opened_bytes()
    feed.remove(feed.live())

    assert before == feed.gate.opened_bytes()


def test_payload_length_beside_each_slice(feed: Feeder) -> None:
    """Each slice comes with its packet's payload length, also when the frame was cut."""
    data = Wire(ends_of(1, 2222)).udp(TO_SERVER, bytes(500)).data
    batch = feed.feed_one(Frame(START_NS, data[:100], len(data) - 100))

    assert [(58, 0)] == [(len(one.data), one.flags) for one in batch.slices]
    assert [500] == batch.payload_bytes


def test_slices_are_copies(feed: Feeder) -> None:
    """Slices of one call stay as they are when the next call uses the same room."""
    first = feed(timed([Wire(ends_of(1, 2222)).udp(TO_SERVER, b"first")]))
    feed(timed([Wire(ends_of(2, 2222)).udp(TO_SERVER, b"other")]))

    assert [b"first"] == [one.data for one in first]


def test_idle_limits_are_the_gates() -> None:
    """The limits given are those by which the gate begins a flow anew."""
    gate = NativeGate(max_flows=8, idle=IdleLimits(tcp_ns=5, other_ns=7, closed_ns=3))
    data = Wire(ends_of(1, 2222)).udp(TO_SERVER, b"").data
    for time_ns in (100, 107, 115):
        gate.feed(data, time_ns=time_ns)

    assert [2, 1] == [sum(gate.table.counts(slot)[0]) for slot in range(2)]
    gate.close()


# ---- Personal addresses


def opened(feed: Feeder, server: bytes) -> bool:
    """Whether a server's first payload is opened; the flow is then removed."""
    client = b"\x0a\0\0\1" if len(server) == 4 else b"\xfd" + bytes(15)
    slices = feed(timed([Wire(Endpoints(client, 50_000, server, 2222)).udp(TO_SERVER, b"x")]))
    feed.remove(feed.live())
    return kinds(slices) == [SliceKind.BANNER]


@pytest.mark.parametrize("size", [4, 16])
def test_personal_address(feed: Feeder, size: int) -> None:
    """An address is personal from when it is named until it is taken back; its neighbours are not."""
    address, neighbour = b"\xc6" * size, b"\xc6" * (size - 1) + b"\xc7"
    assert opened(feed, address)
    assert feed.gate.add_personal(address)
    assert feed.gate.add_personal(address)
    assert (False, True) == (opened(feed, address), opened(feed, neighbour))

    feed.gate.drop_personal(neighbour)
    assert not opened(feed, address)
    feed.gate.drop_personal(address)
    feed.gate.drop_personal(address)
    assert opened(feed, address)


def test_client_may_be_personal(feed: Feeder) -> None:
    """It is the server's address that counts."""
    assert feed.gate.add_personal(b"\x0a\0\0\1")

    assert opened(feed, b"\xc6\x12\0\1")


def test_no_address_is_not_personal(feed: Feeder) -> None:
    """Frames without IP have no address that could be personal."""
    assert feed.gate.add_personal(bytes(16))
    assert feed.gate.add_personal(b"\xc6\x12\0\1")

    assert opened(feed, bytes(4))


def test_personal_addresses_against_a_set(feed: Feeder) -> None:
    """However addresses are named and taken back, the gate knows just those that a set would hold."""
    rng = random.Random(1)
    pool = [b"\xc6\x12" + number.to_bytes(2, "big") for number in range(300)]
    model: set[bytes] = set()
    for _ in range(3000):
        address = rng.choice(pool)
        if rng.random() < 0.5:
            assert feed.gate.add_personal(address)
            model.add(address)
        else:
            feed.gate.drop_personal(address)
            model.discard(address)

    assert model == {address for address in pool if not opened(feed, address)}


def test_no_room_for_personal_addresses() -> None:
    """Beyond 65,536 addresses there is no room, and it is said so; taking one back makes room for one."""
    gate = NativeGate(max_flows=8)
    addresses = [number.to_bytes(4, "big") for number in range(1, MAX_PERSONAL + 2)]

    assert all(gate.add_personal(address) for address in addresses[:-1])
    assert not gate.add_personal(addresses[-1])
    assert gate.add_personal(addresses[0])
    gate.drop_personal(addresses[7])
    assert gate.add_personal(addresses[-1])
    feed = Feeder(gate)
    assert (False, True) == (opened(feed, addresses[-1]), opened(feed, addresses[7]))
    gate.close()
