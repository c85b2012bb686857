"""Frames -> an interface, as fast as the machine can or at a steady rate, through sendmmsg(2)."""

import ctypes
import errno
import os
import socket
import time
from collections.abc import Sequence

MAX_MESSAGES = 64
"""Of one call: the kernel would take 1,024, and the pace would suffer."""

_BACK_OFF_S = 0.0005


class _Piece(ctypes.Structure):
    """struct iovec"""

    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _Header(ctypes.Structure):
    """struct msghdr"""

    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint),
        ("pieces", ctypes.c_void_p),
        ("piece_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _Message(ctypes.Structure):
    """struct mmsghdr"""

    _fields_ = (("header", _Header), ("sent", ctypes.c_uint))


class Load:
    """Frames, laid out for the kernel once."""

    def __init__(self, frames: Sequence[bytes]) -> None:
        self.packets = len(frames)
        self.bytes = sum(map(len, frames))
        self._room = ctypes.create_string_buffer(b"".join(frames), max(1, self.bytes))
        self._pieces = (_Piece * len(frames))()
        self._messages = (_Message * len(frames))()
        at = ctypes.addressof(self._room)
        for i, frame in enumerate(frames):
            self._pieces[i].base, self._pieces[i].length = at, len(frame)
            self._messages[i].header.pieces = ctypes.addressof(self._pieces) + i * ctypes.sizeof(_Piece)
            self._messages[i].header.piece_count = 1
            at += len(frame)

    def at(self, index: int) -> ctypes.c_void_p:
        """Where the message of a frame is."""
        return ctypes.c_void_p(ctypes.addressof(self._messages) + index * ctypes.sizeof(_Message))


class Sender:
    """A packet socket on an interface. Make it inside the interface's namespace; it then sends from anywhere.

    ctypes lets other threads run during a call, so a sender may have one of its own.
    """

    def __init__(self, interface: str) -> None:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self._socket.bind((interface, 0))
        self._libc = ctypes.CDLL(None, use_errno=True)
        self.sent_packets = 0
        self.sent_bytes = 0

    def send(self, load: Load, *, packets_per_s: float = 0) -> None:
        """Sends all of it; at a steady rate when one is given.

        Raises:
            OSError: the interface is down or gone.
        """
        at = 0
        began_s = time.perf_counter()
        while at < load.packets:
            due = load.packets
            if packets_per_s:
                due = min(due, int((time.perf_counter() - began_s) * packets_per_s) + 1)
                if due <= at:
                    time.sleep(_BACK_OFF_S)
                    continue
            at += self._some(load, at, min(MAX_MESSAGES, due - at))
        self.sent_packets += load.packets
        self.sent_bytes += load.bytes

    def close(self) -> None:
        self._socket.close()

    def _some(self, load: Load, at: int, most: int) -> int:
        sent = int(self._libc.sendmmsg(self._socket.fileno(), load.at(at), most, 0))
        if sent >= 0:
            return sent
        number = ctypes.get_errno()
        if number not in (errno.ENOBUFS, errno.EAGAIN):
            raise OSError(number, f"cannot send: {os.strerror(number)}")
        time.sleep(_BACK_OFF_S)
        return 0
