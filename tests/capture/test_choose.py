"""Tests of the choice of a gate: what was asked for, or the best that can be had, and why."""

from pathlib import Path

import pytest

from agent.capture import choose
from agent.capture.choose import open_tap
from agent.capture.interface import InterfaceError
from agent.gate.kernel import KernelGateError
from agent.gate.library import NativeGateError

NAMES = ["eth1", "eth2"]
NO_BPF = "it takes CAP_BPF"


class Opened:
    """A tap that only remembers what it was made of."""

    def __init__(self, names: list[str], *, max_flows: int) -> None:
        self.made_of = (names, max_flows)


class OpenedByKernel(Opened):
    """The kernel's."""


class OpenedByProcess(Opened):
    """The process' own."""


@pytest.fixture(autouse=True)
def taps(monkeypatch: pytest.MonkeyPatch) -> None:
    """No real ones."""
    monkeypatch.setattr(choose, "KernelTap", OpenedByKernel)
    monkeypatch.setattr(choose, "RingTap", OpenedByProcess)


@pytest.fixture
def no_bpf(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel's gate cannot be had."""

    def refuse(*_names: object, **_sizes: object) -> Opened:
        raise KernelGateError(NO_BPF)

    monkeypatch.setattr(choose, "KernelTap", refuse)


@pytest.mark.parametrize(
    ("gate", "expected", "why"),
    [
        ("auto", OpenedByKernel, "packets stay in the kernel"),
        ("kernel", OpenedByKernel, "packets stay in the kernel"),
        ("process", OpenedByProcess, "as asked for"),
    ],
)
def test_as_asked_for(gate: str, expected: type[Opened], why: str) -> None:
    """The kernel's gate unless the other one is asked for."""
    tap, reason = open_tap(gate, NAMES, max_flows=7)

    assert isinstance(tap, expected)
    assert ((NAMES, 7), why) == (tap.made_of, reason)


@pytest.mark.usefixtures("no_bpf")
def test_auto_without_bpf() -> None:
    """The process' own gate, and the kernel's reason in one line."""
    tap, reason = open_tap("auto", NAMES, max_flows=7)

    assert isinstance(tap, OpenedByProcess)
    assert ((NAMES, 7), f"the kernel's gate cannot be had: {NO_BPF}") == (tap.made_of, reason)


@pytest.mark.usefixtures("no_bpf")
def test_kernel_without_bpf() -> None:
    """Whoever asks for the stronger promise is not given the weaker one."""
    with pytest.raises(KernelGateError, match=NO_BPF):
        open_tap("kernel", NAMES, max_flows=7)


@pytest.mark.parametrize("gate", choose.GATES)
def test_an_interface_that_is_missing(gate: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """That is no reason for another gate."""

    def refuse(*_names: object, **_sizes: object) -> Opened:
        raise InterfaceError("eth2: no such interface")

    monkeypatch.setattr(choose, "KernelTap", refuse)
    monkeypatch.setattr(choose, "RingTap", refuse)
    with pytest.raises(InterfaceError, match="eth2"):
        open_tap(gate, NAMES, max_flows=7)


def test_a_table_beyond_the_limit_of_the_service(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """MemoryMax= of the unit, or of the slice that it is in, counts like the memory of the machine."""
    lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    groups = [line.removeprefix("0::/") for line in lines if line.startswith("0::/")]
    if not groups:
        pytest.skip("NO CGROUPS OF VERSION 2 HERE: a service's limit of memory is not checked")
    own = tmp_path / "slice" / groups[0]
    own.mkdir(parents=True)
    monkeypatch.setattr(choose, "GROUPS", tmp_path / "slice")
    for group in (own, tmp_path):
        (group / "memory.max").write_text(f"{100 << 20}\n", encoding="ascii")
        (group / "memory.current").write_text(f"{50 << 20}\n", encoding="ascii")
        with pytest.raises(NativeGateError, match=r"85 MiB and 50 MiB are available; --max-flows 58254 would fit"):
            open_tap("auto", NAMES, max_flows=200_000)
        (group / "memory.max").write_text("max\n", encoding="ascii")

    assert isinstance(open_tap("auto", NAMES, max_flows=200_000)[0], OpenedByKernel)
