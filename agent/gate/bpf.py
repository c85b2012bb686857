"""bpf(2) through ctypes: create maps, load a program, read and write map elements. Sizes are bytes, descriptors plain ints.

The attribute layouts are those of include/uapi/linux/bpf.h; each is zero-padded, as the kernel asks of newer callers.
"""

import ctypes
import errno
import os
import platform
import struct
from typing import Final

_SYSCALL: Final = {"x86_64": 321, "aarch64": 280}
_LOG_BYTES: Final = 1 << 20
_ATTRIBUTE_BYTES: Final = 128

MAP_CREATE, MAP_LOOKUP, MAP_UPDATE, MAP_DELETE, PROG_LOAD, PROG_TEST_RUN, MAP_FREEZE = 0, 1, 2, 3, 5, 10, 22
SOCKET_FILTER: Final = 1
PSEUDO_MAP_FD, PSEUDO_MAP_VALUE = 1, 2

_libc = ctypes.CDLL(None, use_errno=True)


class BpfError(OSError):
    """A call that the kernel refused; `log` is the verifier's, when there is one."""

    def __init__(self, number: int, what: str, log: str = "") -> None:
        super().__init__(number, f"{what}: {os.strerror(number)}")
        self.number = number
        self.what = what
        self.log = log


def _call(command: int, attributes: bytes, what: str, log: ctypes.Array[ctypes.c_char] | None = None) -> int:
    number = _SYSCALL.get(platform.machine())
    if number is None:
        raise BpfError(38, f"{what}: no bpf(2) number known for {platform.machine()}")
    room = ctypes.create_string_buffer(attributes, _ATTRIBUTE_BYTES)
    result = int(_libc.syscall(number, command, room, _ATTRIBUTE_BYTES))
    if result < 0:
        raise BpfError(ctypes.get_errno(), what, log.value.decode("ascii", "replace") if log else "")
    return result


def create_map(kind: int, key_bytes: int, value_bytes: int, max_entries: int, flags: int, name: str) -> int:
    """A new map's descriptor."""
    attributes = struct.pack("<IIIIIII16s", kind, key_bytes, value_bytes, max_entries, flags, 0, 0, name.encode()[:15])
    return _call(MAP_CREATE, attributes, f"cannot create BPF map {name}")


def freeze_map(descriptor: int) -> None:
    """Makes a map read-only for user space, so that the verifier may take its values as constants."""
    _call(MAP_FREEZE, struct.pack("<I", descriptor), "cannot freeze BPF map")


def load_program(instructions: bytes, name: str) -> int:
    """Verifies and loads a socket filter; its descriptor.

    Raises:
        BpfError: with the verifier's log.
    """
    try:
        return _load_program(instructions, name, None)
    except BpfError as refused:
        log = ctypes.create_string_buffer(_LOG_BYTES)  # asked for only now: writing it makes loading slow
        try:
            return _load_program(instructions, name, log)
        except BpfError as error:  # its own number may only say that the log was too long
            raise BpfError(refused.number, refused.what, error.log) from refused


def _load_program(instructions: bytes, name: str, log: ctypes.Array[ctypes.c_char] | None) -> int:
    code = ctypes.create_string_buffer(instructions, len(instructions))
    licence = ctypes.create_string_buffer(b"GPL")
    attributes = struct.pack(
        *("<IIQQIIQII16s", SOCKET_FILTER, len(instructions) // 8, ctypes.addressof(code), ctypes.addressof(licence)),
        *((0, 0, 0) if log is None else (1, len(log), ctypes.addressof(log))),
        *(0, 0, name.encode()[:15]),
    )
    return _call(PROG_LOAD, attributes, "cannot load the BPF program", log)


def update(descriptor: int, key: bytes | None, value: bytes, what: str) -> None:
    """Writes an element; a queue or stack has no key, and is pushed to."""
    key_room = ctypes.create_string_buffer(key, len(key)) if key is not None else None
    value_room = ctypes.create_string_buffer(value, len(value))
    address = ctypes.addressof(key_room) if key_room is not None else 0
    _call(MAP_UPDATE, _ELEMENT.pack(descriptor, address, ctypes.addressof(value_room), 0), what)


def look_up(descriptor: int, key: bytes, value_bytes: int, what: str) -> bytes:
    """Reads an element; of a per-CPU map, one value for each possible CPU, each padded to 8 bytes."""
    key_room = ctypes.create_string_buffer(key, len(key))
    value_room = ctypes.create_string_buffer(value_bytes)
    _call(MAP_LOOKUP, _ELEMENT.pack(descriptor, ctypes.addressof(key_room), ctypes.addressof(value_room), 0), what)
    return value_room.raw


def delete(descriptor: int, key: bytes, what: str) -> bool:
    """Deletes an element; False when it was not there."""
    key_room = ctypes.create_string_buffer(key, len(key))
    try:
        _call(MAP_DELETE, _ELEMENT.pack(descriptor, ctypes.addressof(key_room), 0, 0), what)
    except BpfError as error:
        if error.errno == errno.ENOENT:
            return False
        raise
    return True


def test_run(program: int, frame: bytes) -> None:
    """Runs the program over one Ethernet frame (BPF_PROG_TEST_RUN), as if it had arrived."""
    # The kernel strips a link header of 14 bytes before it runs a socket filter, so one is put before the frame.
    room = ctypes.create_string_buffer(bytes(14) + frame, 14 + len(frame))
    attributes = struct.pack("<IIIIQQII", program, 0, 14 + len(frame), 0, ctypes.addressof(room), 0, 1, 0)
    _call(PROG_TEST_RUN, attributes, "cannot run the BPF program")


_ELEMENT: Final = struct.Struct("<IxxxxQQQ")
"""map_fd, key, value, flags"""
