"""Tests of the object reader, and of the committed object: it is what its sources compile to, to the byte."""

import importlib.util
import random
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from agent.gate import layout
from agent.gate.bpf_object import BpfObject, ObjectError, read_object
from agent.gate.kernel import OBJECT, PROGRAMS

ROOT = Path(__file__).parent.parent.parent
MAPS = {"rows", "flows", "free_slots", "fragments", "personal", "totals", "scratch_room", "slices", "stages"}
LOAD_IMMEDIATE_64 = 0x18


@pytest.fixture(scope="module")
def data() -> bytes:
    """The committed object."""
    return OBJECT.read_bytes()


def test_the_committed_object(data: bytes) -> None:
    """It has the maps that the loader sizes, values as large as Python's structures, and one configuration."""
    code = read_object(data, programs=PROGRAMS)
    values = {definition.name: definition.value_bytes for definition in code.maps}

    assert MAPS == set(values)
    assert (layout.ROW.itemsize, layout.TOTALS.itemsize) == (values["rows"], values["totals"])
    assert {layout.KEY.itemsize} == {one.key_bytes for one in code.maps if one.name == "flows"}
    assert len(code.rodata) == layout.CONFIG.size
    assert set(code.rodata) == {0}


def test_references(data: bytes) -> None:
    """Each names a map that there is, at an instruction that takes an address; every map is referred to."""
    code = read_object(data, programs=PROGRAMS)
    places = [(program, reference) for program in code.programs for reference in program.references]

    assert {LOAD_IMMEDIATE_64} == {program.instructions[one.instruction * 8] for program, one in places}
    assert MAPS | {""} == {one.map_name for _, one in places}
    assert all(0 <= one.offset < len(code.rodata) for _, one in places if not one.map_name)


def test_programs(data: bytes) -> None:
    """Each is another one, in the order in which they were asked for."""
    code = read_object(data, programs=PROGRAMS)
    backwards = read_object(data, programs=PROGRAMS[::-1])

    assert len(PROGRAMS) == len({program.instructions for program in code.programs})
    assert code.programs == backwards.programs[::-1]


def test_another_program(data: bytes) -> None:
    """A section that is not there is told."""
    with pytest.raises(ObjectError, match="damaged BPF object: 'xdp' is not in list"):
        read_object(data, programs=["xdp"])


@pytest.mark.parametrize("other", [b"", b"\x7fELF", b"#!/bin/sh\n" * 20, Path(sys.executable).read_bytes()[:4096]])
def test_what_is_no_object(other: bytes) -> None:
    """Whatever else there may be is refused, other machines' programs included."""
    with pytest.raises(ObjectError):
        read_object(other, programs=PROGRAMS)


def test_cut_anywhere(data: bytes) -> None:
    """An object without its end is refused: its table of sections stands there."""
    for end in range(0, len(data) - 64, 211):
        with pytest.raises(ObjectError):
            read_object(data[:end], programs=PROGRAMS)


def test_damaged_anywhere(data: bytes) -> None:
    """A damaged object is refused or read as what it then says; nothing else happens."""
    rng = random.Random(5)
    refused = 0
    for _ in range(400):
        damaged = bytearray(data)
        # Where it matters: the header, and the tables behind the code.
        for at in rng.sample([*range(64), *range(len(data) - 4000, len(data))], 3):
            damaged[at] = rng.randrange(256)
        try:
            assert isinstance(read_object(bytes(damaged), programs=PROGRAMS), BpfObject)
        except ObjectError:
            refused += 1

    assert refused > 20


def test_built_again(data: bytes, tmp_path: Path) -> None:
    """`make bpf` makes the committed object from the sources that stand beside it, with the pinned compiler."""
    if importlib.util.find_spec("ziglang") is None:
        pytest.skip("NO ziglang HERE (pip install '.[bpf]'): whether gate.bpf.o is up to date is not checked")
    if shutil.which("make") is None:
        pytest.skip("NO make HERE: whether gate.bpf.o is up to date is not checked")
    made = tmp_path / "gate.bpf.o"
    zig = f"{shlex.quote(sys.executable)} -m ziglang"
    subprocess.run(["make", "bpf", f"OBJECT={made}", f"ZIG={zig}"], cwd=ROOT, check=True, capture_output=True)

    assert data == made.read_bytes(), "agent/gate/gate.bpf.o is stale: run `make bpf`, and commit it with the sources"
