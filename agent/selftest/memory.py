"""A process -> the pieces of its address space and their bytes, from /proc/PID/maps and /proc/PID/mem (proc(5))."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from agent.selftest import CannotRunError

CHUNK_BYTES: Final = 4 << 20
"""Read at a time, so that the one who searches stays small."""


@dataclass(frozen=True, slots=True)
class Mapping:
    """A piece of address space."""

    start: int
    end: int
    readable: bool
    """By the process itself."""
    name: str
    """A file, or such as "[heap]" and "anon_inode:bpf-map"; empty for plain memory."""

    @property
    def bytes(self) -> int:
        return self.end - self.start


def read_maps(text: str) -> list[Mapping]:
    """Reads the text of /proc/PID/maps: address range, permissions, offset, device, inode, and perhaps a name."""
    mappings = []
    for line in text.splitlines():
        addresses, permissions, _, _, _, *name = line.split(maxsplit=5)
        start, end = (int(address, 16) for address in addresses.split("-"))
        mappings.append(Mapping(start, end, permissions.startswith("r"), name[0] if name else ""))
    return mappings


class Memory:
    """Another process' memory. A context manager.

    Raises:
        CannotRunError: no permission to read it.
        OSError: there is no such process.
    """

    def __init__(self, pid: int) -> None:
        try:
            self._descriptor = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
        except PermissionError as error:
            raise CannotRunError(
                "this machine lets no process read another one's memory, so it cannot be searched; it takes root "
                "(CAP_SYS_PTRACE) and kernel.yama.ptrace_scope below 3"
            ) from error
        self.mappings: Final = read_maps(Path(f"/proc/{pid}/maps").read_text(encoding="utf-8", errors="replace"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    def chunks(self, mapping: Mapping) -> Iterator[bytes]:
        """The mapping's bytes in order.

        Raises:
            OSError: some of them cannot be read.
        """
        at = mapping.start
        while at < mapping.end:
            chunk = os.pread(self._descriptor, min(CHUNK_BYTES, mapping.end - at), at)
            if not chunk:
                raise OSError(f"the memory at {at:#x} is gone")
            at += len(chunk)
            yield chunk
