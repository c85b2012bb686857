"""Another process' address space."""

from pathlib import Path

import pytest

from agent.selftest import CannotRunError
from agent.selftest.memory import CHUNK_BYTES, Mapping, Memory, read_maps
from tests.selftest.another import another

MAPS = """\
00400000-00401000 r-xp 00000000 fe:00 1234                       /usr/bin/with a space
7f0000000000-7f0000200000 ---p 00000000 00:00 0
7f0000200000-7f0001201000 rw-s 00001000 00:0e 1045               anon_inode:bpf-map
7ffd00000000-7ffd00021000 rw-p 00000000 00:00 0                  [stack]
ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0          [vsyscall]
"""


def test_maps_are_read() -> None:
    """Addresses, whether it is readable, and the name: none, one of the kernel's, or a file with blanks in it."""
    assert [
        Mapping(0x400000, 0x401000, readable=True, name="/usr/bin/with a space"),
        Mapping(0x7F0000000000, 0x7F0000200000, readable=False, name=""),
        Mapping(0x7F0000200000, 0x7F0001201000, readable=True, name="anon_inode:bpf-map"),
        Mapping(0x7FFD00000000, 0x7FFD00021000, readable=True, name="[stack]"),
        Mapping(0xFFFFFFFFFF600000, 0xFFFFFFFFFF601000, readable=False, name="[vsyscall]"),
    ] == read_maps(MAPS)


@pytest.mark.usefixtures("root")
def test_bytes_are_read() -> None:
    """What a process has written stands where it says, also across chunks."""
    size = CHUNK_BYTES + 4096
    code = f"import mmap; kept = mmap.mmap(-1, {size}, mmap.MAP_PRIVATE); kept[:] = bytes(range(256)) * {size // 256}"
    with another(code) as pid, Memory(pid) as memory:
        large = [mapping for mapping in memory.mappings if mapping.bytes >= size and mapping.readable]
        found = [b"".join(memory.chunks(mapping)) for mapping in large]

    assert any(bytes(range(256)) * (size // 256) in data for data in found)


@pytest.mark.usefixtures("root")
def test_what_is_gone_is_an_error() -> None:
    """A piece of address space that is not there raises, and is not taken for zeros."""
    with another("") as pid, Memory(pid) as memory, pytest.raises(OSError, match=r"gone|Input/output"):
        list(memory.chunks(Mapping(0, 4096, readable=True, name="")))


def test_no_such_process() -> None:
    """A process that does not exist is an OSError, not a refusal."""
    beyond = int(Path("/proc/sys/kernel/pid_max").read_text()) + 1
    with pytest.raises(FileNotFoundError):
        Memory(beyond)


def test_no_permission(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the kernel refuses, the error says what it would take."""

    def refuse(*_: object) -> int:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("agent.selftest.memory.os.open", refuse)
    with pytest.raises(CannotRunError, match="ptrace_scope"):
        Memory(1)
