"""Gives up every capability of the process, for good: what was opened stays open, nothing more can be.

capabilities(7), prctl(2). After this a raw socket, a BPF program or another user's file is out of reach, whoever takes
over the process.
"""

import ctypes
import os
import struct
from pathlib import Path
from typing import Final

_PR_CAPBSET_DROP: Final = 24
_PR_SET_NO_NEW_PRIVS: Final = 38
_PR_CAP_AMBIENT: Final = 47
_PR_CAP_AMBIENT_CLEAR_ALL: Final = 4
_CAPABILITY_VERSION_3: Final = 0x20080522
_CAP_SETPCAP: Final = 8

_libc = ctypes.CDLL(None, use_errno=True)


def drop_capabilities() -> None:
    """Drops all capabilities, and the way back to them through exec.

    Raises:
        OSError: the kernel refused; the process should end.
    """
    if effective_capabilities() >> _CAP_SETPCAP & 1:
        for capability in range(int(Path("/proc/sys/kernel/cap_last_cap").read_text(encoding="ascii")) + 1):
            _check(_libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0), "cannot narrow the bounding set")
    _check(_libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0), "cannot clear ambient capabilities")
    header = ctypes.create_string_buffer(struct.pack("<Ii", _CAPABILITY_VERSION_3, 0))
    nothing = ctypes.create_string_buffer(bytes(24))
    _check(_libc.capset(header, nothing), "cannot drop capabilities")
    _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "cannot forbid new privileges")


def effective_capabilities() -> int:
    """The process' effective capabilities as a bit set, as /proc/self/status shows them."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("CapEff:"):
            return int(line.split()[1], 16)
    return 0


def _check(result: int, what: str) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
