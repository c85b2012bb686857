"""Tests of the kernel's gate by itself: rows come and go, verdicts hold, limits are met, and failures say what would help."""

import errno
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.flow import SliceKind
from agent.gate import bpf, kernel, layout
from agent.gate.kernel import KernelGate, KernelGateError
from agent.lab import crafted
from agent.lab.crafted import CASES, NAME
from tests.gate.feeding import placed
from tests.live.needs import need_bpf

MAX_FLOWS = 64
CLASS_ID = 5
GRACE_NS = 20_000_000
SO_DETACH_FILTER = 27
PAGE_BYTES = 4096
MAX_PERSONAL = 65_536


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[KernelGate]:
    """A gate with room for a few flows, and a short grace."""
    need_bpf()
    monkeypatch.setattr(kernel, "GRACE_NS", GRACE_NS)
    made = KernelGate(max_flows=MAX_FLOWS)
    yield made
    made.close()


def fed(gate: KernelGate, case: str = "tls") -> int:
    """Feeds a corner case; how many frames it has."""
    frames = CASES[case]()
    for frame in frames:
        gate.feed(frame.data)
    return len(frames)


def live(gate: KernelGate) -> list[int]:
    """Slots in use."""
    slots: list[int] = gate.table.live(gate.high_water).tolist()
    return slots


def given_back(gate: KernelGate, slots: list[int]) -> None:
    """Releases rows, waits for the grace to pass, and removes them."""
    gate.release(slots)
    while len(gate.released()) < len(slots):
        time.sleep(GRACE_NS / 1e9)
    assert sorted(slots) == gate.released().tolist()
    gate.remove(slots)


def test_counts_and_opens(gate: KernelGate) -> None:
    """A hello comes out whole; every frame and byte is in the flow's row; the clock is the monotonic one."""
    began_ns = time.monotonic_ns()
    frames = crafted.tls(1)
    slices = [one for frame in frames for one in gate.feed(frame.data).slices]

    assert {SliceKind.TLS} == {one.kind for one in slices}
    _, hello = placed(slices)
    assert NAME.encode() in hello
    packets, octets = gate.table.counts(0)
    assert (len(frames), sum(len(frame.data) for frame in frames)) == (sum(packets), sum(octets))
    assert (len(frames), 1) == (gate.totals()["seen_packets"], gate.totals()["new_flows"])
    assert {"tls": len(hello)} == {what: count for what, count in gate.opened_bytes().items() if count}
    assert began_ns < gate.table.flow(0).first_ns <= slices[-1].time_ns < time.monotonic_ns()
    assert (crafted.ends_of(1, 443), "kernel") == (gate.table.flow(0).ends, gate.kind)


def test_a_verdict_is_a_store(gate: KernelGate) -> None:
    """A row that is sealed opens nothing more, goes on counting, and keeps its class."""
    frames = crafted.tls(1)
    for frame in frames[:4]:
        gate.feed(frame.data)
    gate.table.settle(0, CLASS_ID, seal=True)
    opened = gate.opened_bytes()

    assert [] == [one for frame in frames[4:] for one in gate.feed(frame.data).slices]
    assert opened == gate.opened_bytes()
    assert len(frames) == sum(gate.table.counts(0)[0])
    assert (CLASS_ID, True) == (gate.table.class_of(0), gate.table.is_sealed(0))


def test_rows_come_and_go(gate: KernelGate) -> None:
    """A released row gets no frame any more, though it keeps its counts; a removed one is zeroed, and used again."""
    frames = fed(gate)
    gate.release([0])
    assert [] == gate.released().tolist()
    fed(gate)
    assert [0, 1] == live(gate)
    assert [frames, frames] == [sum(gate.table.counts(slot)[0]) for slot in (0, 1)]
    gate.release([0])  # as each tick does, until the row is removed
    given_back(gate, [0])

    assert [1] == live(gate)
    assert ([], bytes(layout.ROW.itemsize)) == (gate.released().tolist(), bytes(gate._rows[: layout.ROW.itemsize]))
    fed(gate, "http")
    assert [0, 1] == live(gate)


def test_a_row_whose_key_has_moved_on(gate: KernelGate) -> None:
    """When ports are used again the older row is no longer the key's: releasing it takes nothing from the newer flow."""
    frames = fed(gate, "port-reused")
    assert [0, 1] == live(gate)
    given_back(gate, [0])
    again = crafted.port_reused(4)[frames // 2 + 1 :]
    for frame in again:
        gate.feed(frame.data)

    assert [1] == live(gate)
    assert frames // 2 + len(again) == sum(gate.table.counts(1)[0])


def test_high_water(gate: KernelGate) -> None:
    """Every row in use is below it, also after rows have come back, and it never passes the table's end."""
    for number in range(MAX_FLOWS):
        gate.feed(crafted.tls(number)[0].data)
        assert number < gate.high_water <= MAX_FLOWS
    given_back(gate, list(range(0, MAX_FLOWS, 2)))
    for number in range(MAX_FLOWS // 2):
        gate.feed(crafted.tls(100 + number)[0].data)

    assert MAX_FLOWS == gate.high_water
    assert list(range(MAX_FLOWS)) == live(gate)


def test_a_full_table(gate: KernelGate) -> None:
    """A flow too many is untracked, frame by frame, and a row that comes back is there for the next."""
    for number in range(MAX_FLOWS + 1):
        gate.feed(crafted.tls(number)[0].data)
    assert (1, MAX_FLOWS) == (gate.totals()["untracked_packets"], gate.totals()["new_flows"])
    given_back(gate, [7])
    gate.feed(crafted.tls(200)[0].data)

    assert 1 == gate.totals()["untracked_packets"]
    assert crafted.ends_of(200, 443) == gate.table.flow(7).ends


@pytest.mark.parametrize("case", ["http", "unknown-tcp"])
def test_personal_addresses(case: str, gate: KernelGate) -> None:
    """Towards them nothing is opened but a hello; what has begun closed stays so; others open as ever."""
    server = gate_server(gate, case)
    given_back(gate, [0])
    before = gate.opened_bytes()
    assert gate.add_personal(server)
    assert gate.add_personal(server)
    fed(gate, case)
    assert before == gate.opened_bytes()
    given_back(gate, live(gate))
    gate.drop_personal(server)
    gate.drop_personal(server)
    fed(gate, case)
    assert {what: 2 * count for what, count in before.items()} == gate.opened_bytes()


def gate_server(gate: KernelGate, case: str) -> bytes:
    """Feeds a case, and returns its server's address."""
    fed(gate, case)
    return gate.table.flow(0).ends.server


def test_too_many_personal_addresses(gate: KernelGate) -> None:
    """Beyond the table's size an address is refused, and one that leaves makes room."""
    addresses = [struct.pack(">I", 0x0A000000 + i) for i in range(MAX_PERSONAL + 1)]
    assert all(gate.add_personal(address) for address in addresses[:-1])

    assert not gate.add_personal(addresses[-1])
    gate.drop_personal(addresses[0])
    assert gate.add_personal(addresses[-1])


def test_too_many_slices() -> None:
    """A slice that finds no room is lost and counted, its frame is not; when the ring is read there is room again."""
    need_bpf()
    gate = KernelGate(max_flows=MAX_FLOWS, ring_bytes=PAGE_BYTES)
    frames = [frame.data for number in range(30) for frame in crafted.tls(number)]
    for frame in frames:
        bpf.test_run(gate._program, frame)
    lost = gate.totals()["lost_slices"]

    assert lost > 0
    assert len(frames) == gate.totals()["seen_packets"] == sum(sum(gate.table.counts(slot)[0]) for slot in live(gate))
    assert len(gate.fetch()) > 0
    assert b"" == gate.fetch()
    assert 0 < sum(len(gate.feed(frame.data).slices) for frame in crafted.tls(40))
    assert lost == gate.totals()["lost_slices"]
    gate.close()


def test_nothing_is_opened_on_purpose() -> None:
    """widen_bytes opens beyond the windows, as the self-test's control needs it."""
    need_bpf()
    opened = []
    for widen_bytes in (0, 500):
        gate = KernelGate(max_flows=MAX_FLOWS, widen_bytes=widen_bytes)
        fed(gate, "unknown-tcp")
        opened.append(gate.opened_bytes()["banner"])
        gate.close()

    assert opened[0] == 128
    assert opened[1] > 128


def test_attached_for_good(gate: KernelGate) -> None:
    """A socket that has the gate cannot lose it again, not even by root's hand."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
        gate.attach(sock)
        with pytest.raises(PermissionError):
            sock.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)


def test_closed_twice(gate: KernelGate) -> None:
    """Closing lets go of every descriptor, once."""
    held = [gate._program, *gate._maps.values()]
    gate.close()
    gate.close()
    for descriptor in held:
        assert not Path(f"/proc/self/fd/{descriptor}").exists()


# ---- When it cannot be had


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.EPERM, "CAP_BPF and CAP_NET_RAW"),
        (errno.ENOMEM, "--max-flows"),
        (errno.E2BIG, "--max-flows"),
        (errno.EINVAL, "5.15 is the oldest"),
        (errno.ENOSYS, "5.15 is the oldest"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_what_would_help(number: int, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the kernel refuses, the error says what it takes, and nothing stays open."""

    def refuse(*_arguments: object) -> int:
        raise bpf.BpfError(number, "cannot create BPF map rows")

    before = _descriptors()
    monkeypatch.setattr(bpf, "create_map", refuse)
    with pytest.raises(KernelGateError, match=expected):
        KernelGate(max_flows=MAX_FLOWS)
    assert before == _descriptors()


def _descriptors() -> set[str]:
    return {path.name for path in Path("/proc/self/fd").iterdir() if path.exists()}


def test_a_program_that_the_verifier_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The verifier's own reason is told in the one line that is told."""
    need_bpf()
    reads_nowhere = struct.pack(
        "<BBhi BBhi BBhi", 0xB7, 0, 0, 0, 0x79, 0, 0, 0, 0x95, 0, 0, 0
    )  # r0 = 0; r0 = *r0; exit
    monkeypatch.setattr(kernel, "_linked", lambda *_arguments: reads_nowhere)
    before = _descriptors()
    with pytest.raises(KernelGateError, match="does not accept the program") as refused:
        KernelGate(max_flows=MAX_FLOWS)

    assert "R0 invalid mem access 'scalar'" in str(refused.value)
    assert 1 == len(str(refused.value).splitlines())
    assert before == _descriptors()


@pytest.mark.parametrize(("name", "expected"), [("cut", "damaged BPF object"), ("text", "not a little-endian ELF64")])
def test_a_damaged_object(name: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An object that is no object is told by its path."""
    file = tmp_path / "gate.bpf.o"
    file.write_bytes(kernel.OBJECT.read_bytes()[:5000] if name == "cut" else b"not an object" * 10)
    monkeypatch.setattr(kernel, "OBJECT", file)
    with pytest.raises(KernelGateError, match=f"gate.bpf.o: {expected}"):
        KernelGate(max_flows=MAX_FLOWS)


def test_an_object_of_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """An object made for other structures is refused before the kernel writes into ours."""
    need_bpf()
    monkeypatch.setitem(kernel._VALUES, "totals", 144)
    with pytest.raises(KernelGateError, match=r"other structures than agent/gate/layout\.py has: totals"):
        KernelGate(max_flows=MAX_FLOWS)


@pytest.mark.parametrize(("text", "expected"), [("0\n", 1), ("0-3\n", 4), ("0,2-5\n", 5), ("0-1,8\n", 3)])
def test_possible_cpus(text: str, expected: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A per-CPU map has a value for each CPU that there may be."""
    monkeypatch.setattr(Path, "read_text", lambda *_arguments, **_keywords: text)

    assert expected == kernel._possible_cpus()
