"""Two network namespaces of their own and a cable between them, made with iproute2's `ip`, and taken away again.

Nothing else is on the cable: it is made inside the namespaces, neither end has an address, and IPv6 is off before they
exist, so that the kernel itself sends nothing. Checksum and segmentation offloads do not matter, since frames are sent
as they are.
"""

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agent.selftest import CannotRunError

PREFIX: Final = "hallwatch-selftest-"
MAX_STEP_S: Final = 10
"""For one call of `ip`, which takes milliseconds unless something is wrong."""
MTU_BYTES: Final = 9000
"""More than any frame of the lab, tunnels and tags included."""

_IPV6: Final = Path("/proc/sys/net/ipv6/conf")


@dataclass(frozen=True, slots=True)
class Socket:
    """One end of the cable."""

    namespace: str
    interface: str

    @property
    def enter(self) -> tuple[str, ...]:
        """Words before a command that is to run there."""
        return (_ip_path(), "netns", "exec", self.namespace)


@dataclass(frozen=True, slots=True)
class Cable:
    """What is put into one end comes out of the other."""

    sender: Socket
    receiver: Socket


@contextmanager
def cable() -> Iterator[Cable]:
    """Lays a cable between two new namespaces; both are gone at the end, whatever happens.

    Raises:
        CannotRunError: no `ip`, or no permission.
    """
    tag = f"{os.getpid()}-{secrets.token_hex(3)}"
    sender = Socket(f"{PREFIX}{tag}-sender", "sender0")
    receiver = Socket(f"{PREFIX}{tag}-tap", "tap0")
    names = (sender.namespace, receiver.namespace)
    _ip_path()
    try:
        for name in names:
            _ip("netns", "add", name)
            _without_ipv6(name)
        _ip(
            *("link", "add", sender.interface, "mtu", str(MTU_BYTES), "netns", sender.namespace, "type", "veth"),
            *("peer", "name", receiver.interface, "mtu", str(MTU_BYTES), "netns", receiver.namespace),
        )
        for end in (sender, receiver):
            _ip("-netns", end.namespace, "link", "set", end.interface, "up")
        yield Cable(sender, receiver)
    finally:
        for name in set(names) & existing():
            _ip("netns", "delete", name)


def existing() -> set[str]:
    """Names of the namespaces that `ip` knows."""
    return {line.split()[0] for line in _ip("netns", "list").splitlines() if line.strip()}


def _without_ipv6(namespace: str) -> None:
    """Turns IPv6 off for interfaces to come; where the kernel has none, there is nothing to turn off."""
    if not _IPV6.is_dir():
        return
    for which in ("all", "default"):
        _ip("netns", "exec", namespace, "tee", str(_IPV6 / which / "disable_ipv6"), said="1\n")


def _ip(*words: str, said: str = "") -> str:
    """Runs `ip`; what it printed."""
    try:
        done = subprocess.run(  # noqa: S603 - words of this module only
            [_ip_path(), *words], input=said, capture_output=True, text=True, timeout=MAX_STEP_S, check=True
        )
    except subprocess.CalledProcessError as error:
        complaint = error.stderr.strip() or f"exit code {error.returncode}"
        raise CannotRunError(
            f"`ip {' '.join(words)}` failed: {complaint}; network namespaces take root (CAP_SYS_ADMIN), "
            "which a container often does not have"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise CannotRunError(f"`ip {' '.join(words)}` did not end within {MAX_STEP_S} s") from error
    return done.stdout


def _ip_path() -> str:
    """Where `ip` is: also where administrators' programs are, which not every PATH names."""
    found = shutil.which("ip", path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin")))
    if found is None:
        raise CannotRunError("`ip` is not installed; it is in the package iproute2 (apt install iproute2)")
    return found
