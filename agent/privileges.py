"""Gives up every capability of the process, for good: what was opened stays open, nothing more can be.

capabilities(7), prctl(2). After this a raw socket, a BPF program or another user's file is out of reach, whoever takes
over the process.
"""

import ctypes
import errno
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

    Capabilities belong to threads, and a thread can only drop its own: call it while there is one.

    Raises:
        OSError: the kernel refused, or another thread keeps capabilities; the process should end.
    """
    if effective_capabilities() >> _CAP_SETPCAP & 1:
        for capability in range(int(Path("/proc/sys/kernel/cap_last_cap").read_text(encoding="ascii")) + 1):
            _check(_libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0), "cannot narrow the bounding set")
    _check(_libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0), "cannot clear ambient capabilities")
    header = ctypes.create_string_buffer(struct.pack("<Ii", _CAPABILITY_VERSION_3, 0))
    nothing = ctypes.create_string_buffer(bytes(24))
    _check(_libc.capset(header, nothing), "cannot drop capabilities")
    _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "cannot forbid new privileges")
    keeping = [task for task in Path("/proc/self/task").iterdir() if _permitted(task)]
    if keeping:
        msg = f"{len(keeping)} other threads keep capabilities; some library has started them (OPENBLAS_NUM_THREADS=1?)"
        raise OSError(errno.EBUSY, msg)


def effective_capabilities() -> int:
    """The calling thread's effective capabilities as a bit set."""
    return _capabilities(Path("/proc/thread-self"), "CapEff:")


def _permitted(task: Path) -> int:
    try:
        return _capabilities(task, "CapPrm:")
    except FileNotFoundError:  # it has ended
        return 0


def _capabilities(task: Path, which: str) -> int:
    for line in (task / "status").read_text(encoding="utf-8").splitlines():
        if line.startswith(which):
            return int(line.split()[1], 16)
    msg = f"{task}/status does not tell of capabilities"
    raise OSError(errno.ENOSYS, msg)


def _check(result: int, what: str) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
