"""Fields of an event -> one datagram of journald's native protocol, so that `journalctl FIELD=value` finds it.

https://systemd.io/JOURNAL_NATIVE_PROTOCOL/; sd_journal_send(3) does the same. A line on the journal's stream would be one
text without fields.
"""

import re
import socket
import struct
from collections.abc import Iterable
from typing import Final

SOCKET: Final = "/run/systemd/journal/socket"

_NAME: Final = re.compile(r"[A-Z0-9][A-Z0-9_]{0,63}")
"""What journald takes; a field of another name it drops without a word."""


def encode(fields: Iterable[tuple[str, str]]) -> bytes:
    """Names and values as they go over the wire.

    Raises:
        ValueError: a name that journald would not take.
    """
    datagram = bytearray()
    for name, text in fields:
        if not _NAME.fullmatch(name):
            msg = f"{name!r} is no name of a journal field"
            raise ValueError(msg)
        value = text.encode("utf-8", "backslashreplace")
        if b"\n" in value:  # told by its length, or the next line would be taken for another field
            datagram += b"%s\n%s%s\n" % (name.encode(), struct.pack("<Q", len(value)), value)
        else:
            datagram += b"%s=%s\n" % (name.encode(), value)
    return bytes(datagram)


class Journal:
    """journald's socket.

    Args:
        path: where it is bound.
    """

    def __init__(self, path: str = SOCKET) -> None:
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.settimeout(0)  # a journal that is stuck must not hold up the capture

    def send(self, fields: Iterable[tuple[str, str]]) -> None:
        """Writes one event.

        Raises:
            OSError: there is no journal, it does not keep up, or the event is longer than a datagram can be.
            ValueError: as for encode.
        """
        self._socket.sendto(encode(fields), self._path)

    def close(self) -> None:
        self._socket.close()
