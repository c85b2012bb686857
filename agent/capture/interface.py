"""A network interface's name -> a packet socket that is bound to it when it is there, and again when it comes back.

packet(7). The socket is opened with protocol 0, which receives nothing, so that a gate can be put before it first.
"""

import errno
import socket
import struct
from pathlib import Path
from typing import Final

_ETH_P_ALL: Final = 0x0003
_SOL_PACKET: Final = 263
_ADD_MEMBERSHIP: Final = 1
_MR_PROMISC: Final = 1
_IGNORE_OUTGOING: Final = 23
_STATISTICS: Final = 6
_NO_INTERFACE: Final = -1

_LOST_BEFORE_THE_SOCKET: Final = ("rx_missed_errors", "rx_fifo_errors", "rx_over_errors")
"""/sys/class/net/*/statistics: what the card could not hand to the kernel"""


class InterfaceError(Exception):
    """The interface cannot be listened on; the text says why."""


class Interface:
    """One packet socket on one interface, in promiscuous mode.

    Args:
        name: such as "eth1".

    Raises:
        InterfaceError: no permission to open packet sockets.
    """

    def __init__(self, name: str) -> None:
        self.name: Final = name
        self._index = _NO_INTERFACE
        self._dropped = 0
        self._lost_at_start: int | None = None
        try:
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        except PermissionError as error:
            msg = f"{name}: {error.strerror}; listening takes CAP_NET_RAW (or root)"
            raise InterfaceError(msg) from error
        self.socket.settimeout(0)

    def bind(self) -> None:
        """Starts to receive. Everything that must stand before the socket has to be there by now.

        Raises:
            InterfaceError: there is no such interface, or it is no Ethernet.
        """
        try:
            index = socket.if_nametoindex(self.name)
        except OSError as error:
            known = ", ".join(name for _, name in socket.if_nameindex())
            msg = f"{self.name}: no such interface; there are {known}"
            raise InterfaceError(msg) from error
        if not _is_ethernet(self.name):
            msg = f"{self.name}: not an Ethernet interface"
            raise InterfaceError(msg)
        self._bind(index)

    def follow(self) -> str | None:
        """Binds again if the interface went away and came back; why nothing can arrive at the moment, or None."""
        try:
            index = socket.if_nametoindex(self.name)
        except OSError:
            self._index = _NO_INTERFACE
            return f"interface {self.name} is gone"
        if index != self._index:
            try:
                self._bind(index)
            except OSError as error:
                return f"interface {self.name} cannot be bound again: {error.strerror}"
        return None if _is_up(self.name) else f"interface {self.name} is down"

    def dropped_packets(self) -> int:
        """Packets that the card or the socket had no room for, since the start."""
        # PACKET_STATISTICS counts since it was last read: struct tpacket_stats_v3 is packets, drops, freezes.
        raw = self.socket.getsockopt(_SOL_PACKET, _STATISTICS, 12)
        self._dropped += struct.unpack_from("<I", raw, 4)[0]
        lost = _lost(self.name)
        if self._lost_at_start is None or lost < self._lost_at_start:
            self._lost_at_start = lost  # the first look, or a new interface of the same name
        return self._dropped + lost - self._lost_at_start

    def close(self) -> None:
        self.socket.close()

    def _bind(self, index: int) -> None:
        self.socket.setsockopt(_SOL_PACKET, _IGNORE_OUTGOING, 1)
        self.socket.bind((self.name, _ETH_P_ALL))
        member = struct.pack("iHH8s", index, _MR_PROMISC, 0, b"")
        self.socket.setsockopt(_SOL_PACKET, _ADD_MEMBERSHIP, member)
        self._index = index
        self._clear_error()

    def _clear_error(self) -> None:
        """A link that goes down leaves ENETDOWN on the socket until someone asks."""
        error = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error not in (0, errno.ENETDOWN):
            raise OSError(error, f"{self.name}: the packet socket failed")


def _is_ethernet(name: str) -> bool:
    kind = _read(name, "type")
    return kind in ("1", "772")  # ARPHRD_ETHER, ARPHRD_LOOPBACK: include/uapi/linux/if_arp.h


def _is_up(name: str) -> bool:
    return _read(name, "operstate") in ("up", "unknown")  # virtual interfaces say "unknown"


def _lost(name: str) -> int:
    return sum(int(_read(name, f"statistics/{counter}") or 0) for counter in _LOST_BEFORE_THE_SOCKET)


def _read(name: str, what: str) -> str:
    try:
        return (Path("/sys/class/net") / name / what).read_text(encoding="ascii").strip()
    except OSError:
        return ""  # the interface went away in between
