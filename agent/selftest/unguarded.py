"""An interface -> all its packets in this process' memory, as a plain packet socket gives them: the control.

    python -m agent.selftest.unguarded INTERFACE

Run as a process in the place of agent.selftest.watched, and searched like it. If the marks were not found here, a search
that finds none there would mean nothing.
"""

import os
import select
import socket
import struct
import sys
from typing import Final

from agent.selftest.door import Door
from agent.selftest.reports import Ready, Seen, to_line

BUFFER_BYTES: Final = 64 << 20
"""Of the socket: more than is sent."""
MAX_PACKET_BYTES: Final = 1 << 16
POLL_S: Final = 0.5
"""When nothing has come for this long after the word to stop, all has come."""

_ETH_P_ALL: Final = 0x0003
_SOL_PACKET: Final = 263
_STATISTICS: Final = 6
_SO_RCVBUFFORCE: Final = 33


def main(interface: str) -> None:
    """See above."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as wire:
        wire.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, BUFFER_BYTES)
        wire.bind((interface, _ETH_P_ALL))
        door = Door()
        _say(to_line(Ready(os.getpid(), "none", "left off on purpose")))
        packets, octets = _receive(wire, door)
        dropped = struct.unpack_from("<I", wire.getsockopt(_SOL_PACKET, _STATISTICS, 12), 4)[0]
        _say(to_line(Seen(packets, octets, dropped, door.kept_bytes, door.kept_all)))
        sys.stdin.readline()


def _receive(wire: socket.socket, door: Door) -> tuple[int, int]:
    """Keeps all packets until it is told to stop and no more come; how many, and how many bytes."""
    packets = octets = 0
    stopping = False
    while True:
        ready = select.select([wire] if stopping else [wire, sys.stdin], [], [], POLL_S)[0]
        if sys.stdin in ready:
            sys.stdin.readline()
            stopping = True
        if wire in ready:
            data = wire.recv(MAX_PACKET_BYTES)
            packets += 1
            octets += len(data)
            door.keep(data)
        elif stopping and not ready:
            return packets, octets


def _say(line: str) -> None:
    sys.stdout.write(line)
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
