"""A network interface's name -> a packet socket that is bound to it when it is there, and again when it comes back.

packet(7). The socket is opened with protocol 0, which receives nothing, so that a gate can be put before it first.
"""

import errno
import fcntl
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

# netdevice(7); asked of the socket itself, so that the answer is of its network namespace, whatever /sys shows.
_SIOCGIFFLAGS: Final = 0x8913
_SIOCGIFHWADDR: Final = 0x8927
_SIOCGIFINDEX: Final = 0x8933
_IFREQ: Final = struct.Struct("16si20x")
_IFF_RUNNING: Final = 0x40
"""The link is up, or of a virtual interface which does not say."""
_ETHERNETS: Final = (1, 772)
"""ARPHRD_ETHER, ARPHRD_LOOPBACK: include/uapi/linux/if_arp.h"""

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
        self._dropped = 0
        self._lost: int | None = None
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
            known = ", ".join(name for _, name in socket.if_nameindex()) or "none"
            msg = f"{self.name}: no such interface; there are: {known}"
            raise InterfaceError(msg) from error
        if self._ask(_SIOCGIFHWADDR) & 0xFFFF not in _ETHERNETS:
            msg = f"{self.name}: not an Ethernet interface"
            raise InterfaceError(msg)
        self._bind(index)

    def follow(self) -> str | None:
        """Binds again if the interface went away and came back; why nothing can arrive at the moment, or None."""
        try:
            index = self._ask(_SIOCGIFINDEX)
            # The kernel forgets the binding when the interface goes; a new one may even have the old one's index.
            if self.socket.getsockname()[0] != self.name:
                self._bind(index)
            running = self._ask(_SIOCGIFFLAGS) & _IFF_RUNNING
        except OSError as error:
            if error.errno in (errno.ENODEV, errno.ENXIO):
                return f"interface {self.name} is gone"
            return f"interface {self.name} cannot be bound again: {error.strerror}"
        return None if running else f"interface {self.name} is down"

    def dropped_packets(self) -> int:
        """Packets that the card or the socket had no room for, since the start; it never falls."""
        # PACKET_STATISTICS counts since it was last read: struct tpacket_stats_v3 is packets, drops, freezes.
        raw = self.socket.getsockopt(_SOL_PACKET, _STATISTICS, 12)
        self._dropped += struct.unpack_from("<I", raw, 4)[0]
        lost = _lost(self.name)
        if lost is not None and self._lost is not None:
            self._dropped += max(0, lost - self._lost)
        self._lost = lost  # of an interface that went away and came back, the first look is the new start
        return self._dropped

    def close(self) -> None:
        self.socket.close()

    def _bind(self, index: int) -> None:
        self.socket.setsockopt(_SOL_PACKET, _IGNORE_OUTGOING, 1)
        self.socket.bind((self.name, _ETH_P_ALL))
        member = struct.pack("iHH8s", index, _MR_PROMISC, 0, b"")
        self.socket.setsockopt(_SOL_PACKET, _ADD_MEMBERSHIP, member)
        self._clear_error()

    def _clear_error(self) -> None:
        """A link that goes down leaves ENETDOWN on the socket until someone asks."""
        error = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error not in (0, errno.ENETDOWN):
            raise OSError(error, f"{self.name}: the packet socket failed")

    def _ask(self, request: int) -> int:
        """What the kernel says of the interface: the number after its name in struct ifreq."""
        answer = fcntl.ioctl(self.socket, request, _IFREQ.pack(self.name.encode(), 0))
        number: int = _IFREQ.unpack(answer)[1]  # a short or an int: both begin there
        return number


def _lost(name: str) -> int | None:
    """What the card has lost since it was there; None without a card of that name."""
    folder = Path("/sys/class/net") / name / "statistics"
    try:
        return sum(int((folder / counter).read_text(encoding="ascii")) for counter in _LOST_BEFORE_THE_SOCKET)
    except OSError:
        return None
