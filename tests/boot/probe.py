"""Run in the service's place, under its own unit -> what a program that had taken it over could do, as JSON.

Each word of what is printed is "refused" with the reason, or "done". The rights to attach are still there, which the
service itself has given up by the time that it reads a byte: so this is more than it could ever do.
"""

import ctypes
import errno
import json
import mmap
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

_libc = ctypes.CDLL(None, use_errno=True)

CLONE_NEWUSER: Final = 0x10000000
SCHED_FIFO: Final = 1
AF_VSOCK: Final = 40
ELSEWHERE: Final = "192.0.2.2"
"""A neighbour on a network of inside.py's: nothing but the unit is in the way."""
HOMES: Final = ("/root",)
"""Where inside.py left a file that its owner alone may read."""
RLIMIT_CORE: Final = 4
SYS_KEXEC_LOAD, SYS_SETRESUID, SYS_BPF, SYS_PRLIMIT = 246, 117, 321, 302
"""Of x86_64."""


def write(path: str) -> Callable[[], object]:
    """Makes a file there."""
    return lambda: Path(path).write_text("x", encoding="utf-8")


def call(number: int, *words: int) -> None:
    """A system call by its number.

    Raises:
        OSError: as the kernel says.
    """
    if _libc.syscall(*map(ctypes.c_long, (number, *words))) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def reach(address: str) -> None:
    """Sends a datagram there."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.sendto(b"x", (address, 9))


def realtime() -> None:
    """Asks to be run before everyone else."""
    os.sched_setscheduler(0, SCHED_FIFO, os.sched_param(1))


def raw(family: int) -> None:
    """Opens a raw socket."""
    socket.socket(family, socket.SOCK_RAW).close()


def vsock() -> None:
    """Opens a socket of a family that has nothing to do with this."""
    socket.socket(AF_VSOCK, socket.SOCK_STREAM).close()


def execute_data() -> None:
    """Asks for memory that can be written and run."""
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC).close()


def own_namespace() -> None:
    """Asks for a user namespace, from which much follows."""
    if _libc.unshare(CLONE_NEWUSER):
        raise OSError(ctypes.get_errno(), "unshare")


def other_processes() -> None:
    """Looks at process 1."""
    Path("/proc/1/status").read_text(encoding="utf-8")


def core_dump() -> None:
    """Asks for core dumps to be allowed again."""
    call(SYS_PRLIMIT, 0, RLIMIT_CORE, ctypes.addressof((ctypes.c_uint64 * 2)(1, 1)), 0)


def setuid_file() -> None:
    """Makes a file that would be run as its owner."""
    path = Path(os.environ["STATE_DIRECTORY"], "setuid")
    path.write_text("x", encoding="utf-8")
    try:
        path.chmod(0o4755)
    finally:
        path.unlink()


def bpf_map() -> None:
    """Makes a BPF array of one element (bpf(2), BPF_MAP_CREATE): type, key, value, elements, flags."""
    attributes = (ctypes.c_uint32 * 5)(2, 4, 8, 1, 0)
    call(SYS_BPF, 0, ctypes.addressof(attributes), ctypes.sizeof(attributes))


def homes() -> None:
    """Looks for people's files: there is one in root's, put there before."""
    if not any(Path(home, "marker").exists() for home in HOMES):
        raise PermissionError(errno.EACCES, "nothing to be seen")


def own_state() -> None:
    """Writes where the service may."""
    path = Path(os.environ["STATE_DIRECTORY"], "probe")
    path.write_text("x", encoding="utf-8")
    path.unlink()


TRIES: Final[dict[str, Callable[[], object]]] = {
    "own state": own_state,
    "handed key": lambda: Path(os.environ["CREDENTIALS_DIRECTORY"], "tls.key").read_text(encoding="ascii"),
    "root's key": lambda: Path("/etc/hallwatch/keys/tls.key").read_text(encoding="ascii"),
    "packet socket": lambda: raw(socket.AF_PACKET),
    "bpf": bpf_map,
    "to loopback": lambda: reach("127.0.0.1"),
    "to elsewhere": lambda: reach(ELSEWHERE),
    "write /etc": write("/etc/probe"),
    "write /usr": write("/usr/probe"),
    "write /dev/shm": write("/dev/shm/probe"),
    "see homes": homes,
    "write /sys": write("/sys/kernel/mm/transparent_hugepage/enabled"),
    "write /proc/sys": write("/proc/sys/kernel/domainname"),
    "kernel log": lambda: Path("/dev/kmsg").open("rb").close(),
    "disk": lambda: os.open("/dev/vda", os.O_RDONLY),
    "other processes": other_processes,
    "vsock": vsock,
    "namespace": own_namespace,
    "memory to run": execute_data,
    "realtime": realtime,
    "core dump": core_dump,
    "setuid file": setuid_file,
    "kexec": lambda: call(SYS_KEXEC_LOAD, 0, 0, 0, 0),
    "setresuid": lambda: call(SYS_SETRESUID, 0, 0, 0),
    "su": lambda: subprocess.run(["/usr/bin/su", "-c", "true"], check=True, capture_output=True),
}


def main() -> None:
    """Tries everything."""
    found = {}
    for name, attempt in TRIES.items():
        try:
            attempt()
            found[name] = "done"
        except subprocess.CalledProcessError:
            found[name] = "refused: su"
        except OSError as error:
            found[name] = f"refused: {errno.errorcode.get(error.errno or 0, '?')}"
    sys.stdout.write(f"{json.dumps(found)}\n")


main()
