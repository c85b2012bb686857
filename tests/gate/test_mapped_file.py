"""A file in memory: its address and size, without a copy."""

import ctypes
from pathlib import Path

import pytest

from agent.gate.mapped_file import STRIDE_BYTES, mapped_file

KIB = 1024


def test_bytes_are_the_files(tmp_path: Path) -> None:
    """What lies at the address is the file, byte for byte."""
    path = tmp_path / "capture"
    path.write_bytes(bytes(range(256)) * 100)

    with mapped_file(path) as file:
        assert bytes(range(256)) * 100 == ctypes.string_at(file.address, file.size)


def test_file_is_not_written(tmp_path: Path) -> None:
    """A write to the memory stays in the memory: the owner's capture is never changed."""
    path = tmp_path / "capture"
    path.write_bytes(b"before")

    with mapped_file(path) as file:
        ctypes.memmove(file.address, b"after!", 6)

    assert b"before" == path.read_bytes()


def test_empty_file_has_no_address(tmp_path: Path) -> None:
    """Nothing cannot be mapped; it is told as address 0 and size 0."""
    path = tmp_path / "empty"
    path.touch()

    with mapped_file(path) as file:
        file.has_been_read(0)
        assert (0, 0) == (file.address, file.size)


def test_missing_file_is_an_error(tmp_path: Path) -> None:
    """A file that is not there is the caller's to tell, as OSError."""
    with pytest.raises(FileNotFoundError), mapped_file(tmp_path / "missing"):
        pass


def test_memory_of_what_was_read_is_given_back(tmp_path: Path) -> None:
    """A capture of any size is read in bounded memory, and what was given back can be read again."""
    path = tmp_path / "capture"
    with path.open("wb") as made:
        made.truncate(3 * STRIDE_BYTES)
        made.seek(STRIDE_BYTES // 2)
        made.write(b"first")
        made.seek(2 * STRIDE_BYTES + 1)
        made.write(b"third")

    with mapped_file(path) as file:
        assert ctypes.string_at(file.address, file.size).count(b"\0") == file.size - 10
        read_kib = resident_kib(file.address)
        file.has_been_read(2 * STRIDE_BYTES + 2)
        left_kib = resident_kib(file.address)
        again = ctypes.string_at(file.address + STRIDE_BYTES // 2, 5)
        rest = ctypes.string_at(file.address + 2 * STRIDE_BYTES + 1, 5)

    assert 3 * STRIDE_BYTES // KIB == read_kib
    assert STRIDE_BYTES // KIB == left_kib
    assert (b"first", b"third") == (again, rest)


def resident_kib(address: int) -> int:
    """How much of the mapping that begins at an address is in this process's memory (proc_pid_smaps(5))."""
    _, _, found = Path("/proc/self/smaps").read_text().partition(f"\n{address:x}-")
    return int(found.partition("\nRss:")[2].split()[0])
