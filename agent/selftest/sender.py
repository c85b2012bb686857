"""A capture file -> its frames on a network interface, at a moderate pace, and how many they were. Run as a process.

    python -m agent.selftest.sender CAPTURE INTERFACE

The pace is moderate since the promise is what is tested, not the speed.
"""

import errno
import os
import socket
import struct
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from agent.selftest.reports import Sent, to_line

PACKETS_A_SECOND: Final = 10_000
BURST_PACKETS: Final = 50
"""Sent without a pause; far fewer than the 1,000 that a CPU lets wait (net.core.netdev_max_backlog)."""
MAX_RETRIES: Final = 10_000
"""Of a millisecond each; an interface that has no room for so long will never have any."""

_FILE_HEADER: Final = struct.Struct("=I20x")
_RECORD_HEADER: Final = struct.Struct("=IIII")
_MAGIC_NANOSECONDS: Final = 0xA1B23C4D


def frames(path: Path) -> Iterator[bytes]:
    """The frames of a file that agent.lab.pcap.write_pcap has written, in this machine's byte order.

    Raises:
        ValueError: it is another kind of file.
    """
    with path.open("rb") as file:
        header = file.read(_FILE_HEADER.size)
        if len(header) < _FILE_HEADER.size or _FILE_HEADER.unpack(header)[0] != _MAGIC_NANOSECONDS:
            raise ValueError(f"{path} is not a capture file of the lab")
        while record := file.read(_RECORD_HEADER.size):
            yield file.read(_RECORD_HEADER.unpack(record)[2])


def send(path: Path, interface: str) -> Sent:
    """Sends all frames of the file, as they are and in their order.

    Raises:
        OSError: the interface cannot be sent on, or has no room for too long.
    """
    # On one CPU, so that no frame overtakes another in the kernel.
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    packets = octets = retries = 0
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as wire:
        wire.bind((interface, 0))
        began_s = time.monotonic()
        for frame in frames(path):
            while not _sent(wire, frame):
                retries += 1
                if retries > MAX_RETRIES:
                    raise OSError(errno.ENOBUFS, f"{interface} has no room for frames")
                time.sleep(0.001)
            packets += 1
            octets += len(frame)
            if packets % BURST_PACKETS == 0:
                time.sleep(max(0.0, began_s + packets / PACKETS_A_SECOND - time.monotonic()))
    return Sent(packets, octets, retries, _lost(interface))


def _sent(wire: socket.socket, frame: bytes) -> bool:
    """False when there is no room at the moment."""
    try:
        wire.send(frame)
    except OSError as error:
        if error.errno in (errno.ENOBUFS, errno.EAGAIN):
            return False
        raise
    return True


def _lost(interface: str) -> int:
    statistics = Path("/sys/class/net") / interface / "statistics"
    return sum(int((statistics / name).read_text(encoding="ascii")) for name in ("tx_dropped", "tx_errors"))


def main(path: str, interface: str) -> None:
    """See above."""
    sys.stdout.write(to_line(send(Path(path), interface)))


if __name__ == "__main__":
    main(*sys.argv[1:])
