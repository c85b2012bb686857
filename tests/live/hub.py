"""A network namespace that is joined to others by cables of its own: where a monitoring server stands, beside the taps."""

import os
import secrets
import subprocess
from types import TracebackType
from typing import Self

from tests.live.cable import Cable

UPLINK = "uplink0"
"""An agent's way to the hub; its tap is another interface."""


class Hub:
    """Made on entry and removed on exit, with the cables that lead to it."""

    def __init__(self) -> None:
        self.namespace = f"hw-hub-{os.getpid()}-{secrets.token_hex(2)}"
        self._joined = 0

    def __enter__(self) -> Self:
        _ip("netns", "add", self.namespace)
        _ip("-n", self.namespace, "link", "set", "lo", "up")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _ip("netns", "del", self.namespace)

    def join(self, cable: Cable) -> tuple[str, str]:
        """Joins the place where a tap is; its address there, and the hub's as seen from there (RFC 5737's are nobody's)."""
        number, self._joined = self._joined, self._joined + 1
        here, there = (f"192.0.2.{4 * number + last}" for last in (1, 2))
        name = f"agent{number}"
        peer = ("peer", "name", UPLINK, "netns", cable.near)
        _ip("-n", self.namespace, "link", "add", name, "type", "veth", *peer)
        for namespace, interface, address in ((self.namespace, name, here), (cable.near, UPLINK, there)):
            _ip("-n", namespace, "address", "add", f"{address}/30", "dev", interface)
            _ip("-n", namespace, "link", "set", interface, "up")
        return there, here

    @property
    def prefix(self) -> tuple[str, ...]:
        """What a command is run by, to be run in the hub."""
        return ("ip", "netns", "exec", self.namespace)


def _ip(*words: str) -> None:
    done = subprocess.run(("ip", *words), capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ip {' '.join(words)}: {done.stderr.strip()}"
