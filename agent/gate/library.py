"""The gate's C library, loaded through ctypes, with the types of its functions."""

import ctypes
from functools import cache
from pathlib import Path
from typing import Final

LIBRARY: Final = Path(__file__).with_name("_native.so")


class NativeGateError(Exception):
    """The library is missing or cannot get the memory that the tables need."""


class ReadResult(ctypes.Structure):
    """struct read_result"""

    _fields_ = (
        ("out_used", ctypes.c_uint64),
        ("frames", ctypes.c_uint64),
        ("at", ctypes.c_uint64),
        ("next_ns", ctypes.c_uint64),
        ("unknown_interfaces", ctypes.c_uint64),
        ("stop", ctypes.c_uint32),
        ("reached", ctypes.c_uint32),
    )


class PacketRing(ctypes.Structure):
    """struct packet_ring"""

    _fields_ = (
        ("base", ctypes.c_void_p),
        ("block_bytes", ctypes.c_uint32),
        ("blocks", ctypes.c_uint32),
        ("block", ctypes.c_uint32),
        ("left", ctypes.c_uint32),
        ("at", ctypes.c_uint64),
        ("now_ns", ctypes.c_uint64),
        ("ahead_ns", ctypes.c_uint64),
    )


_POINTER, _U32, _U64, _INT, _BYTES = ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint64, ctypes.c_int, ctypes.c_char_p

_FUNCTIONS: Final = {
    "gate_new": (_POINTER, (_BYTES, _U64)),
    "gate_delete": (None, (_POINTER,)),
    "gate_rows": (_POINTER, (_POINTER,)),
    "gate_all_totals": (_POINTER, (_POINTER,)),
    "gate_high_water": (_U32, (_POINTER,)),
    "gate_open_capture": (_U32, (_POINTER, _POINTER, _U64)),
    "gate_read_capture": (None, (_POINTER, _U64, _U64, _POINTER, _U64, ctypes.POINTER(ReadResult))),
    "gate_feed_out": (_U64, (_POINTER, _U32, _U64, _BYTES, _U32, _U32, _INT, _POINTER, _U64)),
    "gate_release": (None, (_POINTER, _POINTER, _U64)),
    "gate_remove": (None, (_POINTER, _POINTER, _U64)),
    "gate_add_personal": (_INT, (_POINTER, _BYTES)),
    "gate_drop_personal": (None, (_POINTER, _BYTES)),
    "gate_read_ring": (_U64, (_POINTER, _POINTER, _POINTER, _U64, _POINTER, _U64)),
    "gate_read_packets": (_U64, (*(_POINTER, ctypes.POINTER(PacketRing), _U64, _POINTER, _U64), ctypes.POINTER(_U64))),
    "gate_layout": (_U64, (_U32,)),
}
"""name -> what it returns, what it takes (gate_native.c)"""


@cache
def library() -> ctypes.CDLL:
    """The library.

    Raises:
        NativeGateError: it is not there, or is not this version's.
    """
    try:
        loaded = ctypes.CDLL(str(LIBRARY))
        for name, (result, arguments) in _FUNCTIONS.items():
            function = getattr(loaded, name)
            function.restype, function.argtypes = result, arguments
    except (OSError, AttributeError) as error:
        msg = f"{LIBRARY}: {error}; build it with `make native`, or install hallwatch again"
        raise NativeGateError(msg) from error
    return loaded
