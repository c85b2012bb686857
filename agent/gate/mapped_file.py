"""A file on disk -> its bytes in memory at an address that the gate can read, without copying them."""

import ctypes
import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def mapped_file(path: Path) -> Iterator[tuple[int, int]]:
    """The address and size of a file mapped into memory; an empty file has address 0."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        if not size:
            yield 0, 0
            return
        # A private mapping, since ctypes only takes the address of one that could be written to.
        with mmap.mmap(file.fileno(), size, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_WRITE) as mapping:
            view = (ctypes.c_ubyte * size).from_buffer(mapping)
            try:
                yield ctypes.addressof(view), size
            finally:
                del view
