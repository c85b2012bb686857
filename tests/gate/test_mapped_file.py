"""A file in memory: its address and size, without a copy."""

import ctypes
from pathlib import Path

import pytest

from agent.gate.mapped_file import mapped_file


def test_bytes_are_the_files(tmp_path: Path) -> None:
    """What lies at the address is the file, byte for byte."""
    path = tmp_path / "capture"
    path.write_bytes(bytes(range(256)) * 100)

    with mapped_file(path) as (address, size):
        assert bytes(range(256)) * 100 == ctypes.string_at(address, size)


def test_file_is_not_written(tmp_path: Path) -> None:
    """A write to the memory stays in the memory: the owner's capture is never changed."""
    path = tmp_path / "capture"
    path.write_bytes(b"before")

    with mapped_file(path) as (address, _):
        ctypes.memmove(address, b"after!", 6)

    assert b"before" == path.read_bytes()


def test_empty_file_has_no_address(tmp_path: Path) -> None:
    """Nothing cannot be mapped; it is told as address 0 and size 0."""
    path = tmp_path / "empty"
    path.touch()

    with mapped_file(path) as mapped:
        assert (0, 0) == mapped


def test_missing_file_is_an_error(tmp_path: Path) -> None:
    """A file that is not there is the caller's to tell, as OSError."""
    with pytest.raises(FileNotFoundError), mapped_file(tmp_path / "missing"):
        pass
