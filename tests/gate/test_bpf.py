"""Tests of the calls of bpf(2): elements are written and read back, programs load or say why not."""

import errno
import os
import platform
import struct
from collections.abc import Iterator

import pytest

from agent.gate import bpf
from agent.gate.bpf import BpfError
from tests.live.needs import need_bpf

HASH, ARRAY, STACK = 1, 2, 23
READ_ONLY_PROGRAM = 1 << 7
KEY, OTHER_KEY, VALUE = b"\1\2\3\4", b"\4\3\2\1", b"12345678"
RETURN_0 = struct.pack("<BBhi BBhi", 0xB7, 0, 0, 0, 0x95, 0, 0, 0)
"""r0 = 0; exit"""
RETURN_R0 = struct.pack("<BBhi", 0x95, 0, 0, 0)
"""exit, with nothing in r0"""
BROKEN = b"\xff" * 8


@pytest.fixture
def table() -> Iterator[int]:
    """A hash map of two elements at most."""
    need_bpf()
    descriptor = bpf.create_map(HASH, 4, 8, 2, 0, "a_name_that_is_cut")
    yield descriptor
    os.close(descriptor)


def test_elements(table: int) -> None:
    """What is written is read; what is deleted is gone, and deleting it again is no error."""
    bpf.update(table, KEY, VALUE, "cannot write")

    assert bpf.look_up(table, KEY, 8, "cannot read") == VALUE
    assert bpf.delete(table, KEY, "cannot delete")
    assert not bpf.delete(table, KEY, "cannot delete")
    with pytest.raises(BpfError, match=r"cannot read: No such file or directory") as absent:
        bpf.look_up(table, KEY, 8, "cannot read")
    assert errno.ENOENT == absent.value.errno


def test_a_full_map(table: int) -> None:
    """The kernel's number is the error's."""
    for key in (KEY, OTHER_KEY):
        bpf.update(table, key, VALUE, "cannot write")
    with pytest.raises(BpfError, match="cannot write") as full:
        bpf.update(table, bytes(4), VALUE, "cannot write")

    assert (errno.E2BIG, errno.E2BIG, "cannot write") == (full.value.errno, full.value.number, full.value.what)


def test_deleting_where_nothing_can_be_deleted() -> None:
    """Only absence is no error."""
    need_bpf()
    array = bpf.create_map(ARRAY, 4, 8, 1, 0, "array")
    with pytest.raises(BpfError, match="cannot delete"):
        bpf.delete(array, bytes(4), "cannot delete")
    os.close(array)


def test_a_stack() -> None:
    """What has no key is pushed to."""
    need_bpf()
    stack = bpf.create_map(STACK, 0, 4, 1, 0, "stack")
    bpf.update(stack, None, KEY, "cannot push")
    with pytest.raises(BpfError, match="cannot push: Argument list too long"):
        bpf.update(stack, None, KEY, "cannot push")
    os.close(stack)


def test_frozen() -> None:
    """User space writes no more to a frozen map."""
    need_bpf()
    array = bpf.create_map(ARRAY, 4, 8, 1, READ_ONLY_PROGRAM, "array")
    bpf.update(array, bytes(4), VALUE, "cannot write")
    bpf.freeze_map(array)
    with pytest.raises(BpfError, match="cannot write: Operation not permitted"):
        bpf.update(array, bytes(4), bytes(8), "cannot write")

    assert bpf.look_up(array, bytes(4), 8, "cannot read") == VALUE
    os.close(array)


def test_no_such_map() -> None:
    """A kind that no kernel has is refused with the map's name."""
    need_bpf()
    with pytest.raises(BpfError, match="cannot create BPF map odd: Invalid argument"):
        bpf.create_map(9999, 4, 8, 1, 0, "odd")


def test_a_program() -> None:
    """It loads, and runs over a frame; a frame without an Ethernet header is refused."""
    need_bpf()
    program = bpf.load_program(RETURN_0, "returns_0")
    bpf.test_run(program, bytes(60))
    with pytest.raises(BpfError, match="cannot run the BPF program"):
        bpf.test_run(program, bytes(5000))
    os.close(program)


@pytest.mark.parametrize(("code", "reason"), [(RETURN_R0, "R0 !read_ok"), (BROKEN, "last insn is not an exit")])
def test_a_program_that_is_refused(code: bytes, reason: str) -> None:
    """The verifier says why, and the number is that of the first refusal."""
    need_bpf()
    with pytest.raises(BpfError, match="cannot load the BPF program") as refused:
        bpf.load_program(code, "broken")

    assert reason in refused.value.log
    assert refused.value.errno in (errno.EACCES, errno.EINVAL)


def test_a_log_that_is_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the verifier has more to say than there is room for, the error is still its own, not the log's."""
    need_bpf()
    monkeypatch.setattr(bpf, "_LOG_BYTES", 128)
    endless = struct.pack("<BBhi", 0xB7, 0, 0, 0) * 50 + RETURN_R0.replace(b"\x95", b"\x79")
    with pytest.raises(BpfError, match="cannot load the BPF program") as refused:
        bpf.load_program(endless, "broken")

    assert refused.value.errno in (errno.EACCES, errno.EINVAL)
    assert refused.value.log


def test_another_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system call's number is not known, nothing is called."""
    monkeypatch.setattr(platform, "machine", lambda: "vax")
    with pytest.raises(BpfError, match=r"no bpf\(2\) number known for vax") as unknown:
        bpf.create_map(HASH, 4, 8, 1, 0, "table")

    assert errno.ENOSYS == unknown.value.errno
