"""Tests of the choice of a gate: what was asked for, or the best that can be had, and why."""

import pytest

from agent.capture import choose
from agent.capture.choose import open_tap
from agent.capture.interface import InterfaceError
from agent.gate.kernel import KernelGateError

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
