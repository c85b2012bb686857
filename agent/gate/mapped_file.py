"""A file on disk -> its bytes in memory at an address that the gate can read, without copying them."""

import ctypes
import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

STRIDE_BYTES: Final = 1 << 24
"""So much of a file is read before its memory is given back: 16 MiB at a time costs nothing that can be measured."""


class MappedFile:
    """A file in memory, read from its beginning to its end."""

    def __init__(self, descriptor: int, address: int, size: int, mapping: mmap.mmap | None) -> None:
        """`mapping` is None for an empty file, which has address 0."""
        self.address = address
        self.size = size
        self._descriptor = descriptor
        self._mapping = mapping
        self._given_back_bytes = 0

    def was_cut(self) -> bool:
        """Whether the file has become shorter since it was mapped: what lies beyond its end cannot be read (SIGBUS)."""
        return os.fstat(self._descriptor).st_size < self.size

    def has_been_read(self, until_bytes: int) -> None:
        """Gives back the memory of what lies before; whoever reads it again gets it from the file again.

        So a replay's memory does not grow with the file (madvise(2), MADV_DONTNEED).
        """
        end = until_bytes // STRIDE_BYTES * STRIDE_BYTES
        if self._mapping is not None and end > self._given_back_bytes:
            self._mapping.madvise(mmap.MADV_DONTNEED, self._given_back_bytes, end - self._given_back_bytes)
            self._given_back_bytes = end


@contextmanager
def mapped_file(path: Path) -> Iterator[MappedFile]:
    """A file mapped into memory while the context lasts."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        if not size:
            yield MappedFile(file.fileno(), 0, 0, None)
            return
        # A private mapping, since ctypes only takes the address of one that could be written to.
        with mmap.mmap(file.fileno(), size, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_WRITE) as mapping:
            view = (ctypes.c_ubyte * size).from_buffer(mapping)
            try:
                yield MappedFile(file.fileno(), ctypes.addressof(view), size, mapping)
            finally:
                del view
