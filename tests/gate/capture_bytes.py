"""Frames -> the bytes of capture files, of every format and byte order; shares nothing with the reader."""

import struct
from collections.abc import Sequence

from agent.lab.frames import Frame

SECOND_NS = 1_000_000_000


def pcap(frames: Sequence[Frame], *, order: str = "<", nano: bool = True, link: int = 1, version: int = 2) -> bytes:
    """A classic capture file (draft-ietf-opsawg-pcap); `order` is "<" or ">"."""
    made = struct.pack(f"{order}IHHiIII", 0xA1B23C4D if nano else 0xA1B2C3D4, version, 4, 0, 0, 262144, link)
    for frame in frames:
        seconds, rest = divmod(frame.time_ns, SECOND_NS)
        part = rest if nano else rest // 1000
        made += struct.pack(f"{order}IIII", seconds, part, len(frame.data), frame.wire_bytes) + frame.data
    return made


def block(kind: int, body: bytes, *, order: str = "<") -> bytes:
    """A pcapng block (draft-ietf-opsawg-pcapng section 3.1)."""
    length = 12 + len(body) + -len(body) % 4
    return struct.pack(f"{order}II", kind, length) + body + bytes(-len(body) % 4) + struct.pack(f"{order}I", length)


def section(*, order: str = "<") -> bytes:
    """A Section Header Block."""
    return block(0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1), order=order)


def option(code: int, value: bytes, *, order: str = "<") -> bytes:
    """An option of a block."""
    return struct.pack(f"{order}HH", code, len(value)) + value + bytes(-len(value) % 4)


def interface(*, order: str = "<", link: int = 1, snap: int = 0, options: bytes = b"") -> bytes:
    """An Interface Description Block."""
    return block(1, struct.pack(f"{order}HHI", link, 0, snap) + options, order=order)


def resolution(value: int, *, order: str = "<") -> bytes:
    """if_tsresol: 10^-value, or 2^-(value - 128)."""
    return option(9, bytes((value,)), order=order)


def offset(seconds: int, *, order: str = "<") -> bytes:
    """if_tsoffset."""
    return option(14, struct.pack(f"{order}q", seconds), order=order)


def enhanced(frame: Frame, units: int, *, order: str = "<", number: int = 0) -> bytes:
    """An Enhanced Packet Block with a stamp in the interface's units."""
    head = struct.pack(f"{order}IIIII", number, units >> 32, units & 0xFFFFFFFF, len(frame.data), frame.wire_bytes)
    return block(6, head + frame.data, order=order)


def obsolete(frame: Frame, units: int, *, order: str = "<", number: int = 0) -> bytes:
    """An obsolete Packet Block."""
    head = struct.pack(f"{order}HHIIII", number, 0, units >> 32, units & 0xFFFFFFFF, len(frame.data), frame.wire_bytes)
    return block(2, head + frame.data, order=order)


def simple(frame: Frame, *, order: str = "<") -> bytes:
    """A Simple Packet Block, which has no stamp."""
    return block(3, struct.pack(f"{order}I", frame.wire_bytes) + frame.data, order=order)


def pcapng(frames: Sequence[Frame], *, order: str = "<") -> bytes:
    """A pcapng file with one interface of microseconds."""
    packets = (enhanced(frame, frame.time_ns // 1000, order=order) for frame in frames)
    return section(order=order) + interface(order=order) + b"".join(packets)
