"""Two network namespaces and a veth pair between them: a mirror port with a switch at its other end."""

import ctypes
import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.live.waiting import wait_for

SWITCH, TAP = "switch0", "tap0"
"""The two ends: what the traffic goes into, and what Hallwatch watches."""
MTU_BYTES = 9000
LINK_TIMEOUT_S = 10.0
"""The kernel tells of a link's state within a second."""

_CLONE_NEWNET = 0x40000000
_QUIET = ("net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1")
"""So that the kernel itself says nothing on the wire, and what is counted is what was sent."""


class Cable:
    """Made on entry and removed on exit, whatever happens in between."""

    def __init__(self) -> None:
        mark = f"{os.getpid()}-{secrets.token_hex(2)}"
        self.far = f"hw-far-{mark}"
        self.near = f"hw-near-{mark}"

    def __enter__(self) -> Self:
        _remove_abandoned()
        try:
            for namespace in (self.far, self.near):
                _run("ip", "netns", "add", namespace)
                _run("ip", "netns", "exec", namespace, "sysctl", "-qw", *_QUIET)
            _run("ip", "-n", self.near, "link", "set", "lo", "up")
            self.plug_in()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()

    def plug_in(self, index: int | None = None) -> None:
        """Makes the pair and sets it up; `index` is the tap's interface index, when it matters."""
        number = ("index", str(index)) if index else ()
        peer = ("peer", "name", SWITCH, "netns", self.far)
        _run("ip", "-n", self.near, "link", "add", TAP, *number, "type", "veth", *peer)
        for namespace, name in ((self.far, SWITCH), (self.near, TAP)):
            _run("ip", "-n", namespace, "link", "set", name, "mtu", str(MTU_BYTES), "up")
        wait_for(
            lambda: "state UP" in _run("ip", "-n", self.near, "link", "show", TAP), LINK_TIMEOUT_S, lambda: "no link"
        )

    def ip_near(self, *words: str) -> None:
        """`ip ...` where the tap is, for other interfaces than the pair."""
        _run("ip", "-n", self.near, *words)

    def pull_out(self) -> None:
        """Removes the pair: both interfaces are gone."""
        _run("ip", "-n", self.near, "link", "del", TAP)

    def set_tap(self, *words: str, name: str = TAP) -> None:
        """`ip link set tap0 ...`, where the tap is."""
        _run("ip", "-n", self.near, "link", "set", name, *words)

    def set_switch(self, *words: str) -> None:
        """`ip link set switch0 ...`, at the far end."""
        _run("ip", "-n", self.far, "link", "set", SWITCH, *words)

    def tap_index(self) -> int:
        """The tap's interface index."""
        return int(_run("ip", "-n", self.near, "-o", "link", "show", TAP).partition(":")[0])

    def remove(self) -> None:
        """Removes the namespaces; what is in them goes with them."""
        for namespace in (self.far, self.near):
            subprocess.run(["ip", "netns", "del", namespace], capture_output=True, check=False)

    @contextmanager
    def inside(self, namespace: str) -> Iterator[None]:
        """Sockets that this thread opens meanwhile are in the namespace, and stay there."""
        libc = ctypes.CDLL(None, use_errno=True)
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        try:
            _enter(libc, Path("/run/netns", namespace))
            yield
        finally:
            back = libc.setns(home, _CLONE_NEWNET)
            os.close(home)
            assert back == 0, "this thread cannot return to its own network namespace"


def _remove_abandoned() -> None:
    """Removes what a test that was killed could not."""
    for namespace in Path("/run/netns").glob("hw-*-*"):
        owner = namespace.name.split("-")[2]
        if not Path("/proc", owner).exists():
            subprocess.run(["ip", "netns", "del", namespace.name], capture_output=True, check=False)


def _enter(libc: ctypes.CDLL, namespace: Path) -> None:
    descriptor = os.open(namespace, os.O_RDONLY)
    try:
        if libc.setns(descriptor, _CLONE_NEWNET):
            number = ctypes.get_errno()
            raise OSError(number, f"cannot enter {namespace}: {os.strerror(number)}")
    finally:
        os.close(descriptor)


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr.strip()}"
    return done.stdout
