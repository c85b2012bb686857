"""Two namespaces and a cable: made, silent, usable, and taken away whatever happens."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from agent.selftest import CannotRunError, namespaces
from agent.selftest.namespaces import PREFIX, Cable, Socket, cable, existing


def ours() -> set[str]:
    """Returns the namespaces that this process has made; others may run the self-test too."""
    return {name for name in existing() if name.startswith(f"{PREFIX}{os.getpid()}-")}


def inside(end: Socket, *command: str) -> str:
    """Runs a command at one end of the cable."""
    return subprocess.run([*end.enter, *command], capture_output=True, text=True, check=True).stdout


@pytest.mark.usefixtures("root")
def test_a_cable() -> None:
    """Both ends are up in namespaces of their own, without an address, and afterwards nothing is left."""
    with cable() as laid:
        assert {laid.sender.namespace, laid.receiver.namespace} == ours()
        for end in (laid.sender, laid.receiver):
            shown = inside(end, "ip", "address", "show", "dev", end.interface)
            assert "LOWER_UP" in shown
            assert "inet" not in shown
            assert {end.interface, "lo"} >= set(inside(end, "ls", "/sys/class/net").split()) - {"sit0", "tunl0"}

    assert set() == ours()


@pytest.mark.usefixtures("root")
def test_the_kernel_sends_nothing_of_its_own() -> None:
    """IPv6 is off at both ends before they are up, so that nothing but what is sent can be counted."""
    if not Path("/proc/sys/net/ipv6").is_dir():
        pytest.skip("THIS KERNEL HAS NO IPV6: there is nothing to turn off")
    with cable() as laid:
        for end in (laid.sender, laid.receiver):
            assert "1" == inside(end, "cat", f"/proc/sys/net/ipv6/conf/{end.interface}/disable_ipv6").strip()
            assert "0" == inside(end, "cat", f"/sys/class/net/{end.interface}/statistics/tx_packets").strip()


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
@pytest.mark.usefixtures("root")
def test_nothing_is_left_after_a_failure(error: type[BaseException]) -> None:
    """A failure while the cable is in use takes the namespaces away too."""
    made: set[str] = set()

    def fail() -> None:
        made.update(ours())
        raise error

    with pytest.raises(error), cable():
        fail()

    assert (2, set()) == (len(made), ours())


@pytest.mark.usefixtures("root")
def test_nothing_is_left_after_half_a_cable(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the cable cannot be laid, the namespaces made for it are gone, and the error says what `ip` said."""
    real = namespaces._ip

    def broken(*words: str, said: str = "") -> str:
        return real(*words, "nonsense") if words[0] == "link" else real(*words, said=said)

    monkeypatch.setattr(namespaces, "_ip", broken)
    with pytest.raises(CannotRunError, match="CAP_SYS_ADMIN"), cable():
        pytest.fail("there is no cable")

    assert set() == ours()


def test_without_ip(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no `ip`, the error names the package, before anything was made."""
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(CannotRunError, match="iproute2"), cable():
        pytest.fail("there is no cable")


@pytest.mark.usefixtures("root")
def test_two_cables_at_once() -> None:
    """Names do not collide: two self-tests may run at the same time."""
    with cable() as one, cable() as other:
        assert 4 == len(_names(one) | _names(other))


def _names(laid: Cable) -> set[str]:
    return {laid.sender.namespace, laid.receiver.namespace}
