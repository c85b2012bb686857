"""A BPF object file (ELF64, little endian) -> its programs, its maps, and where the programs refer to them.

Only what gate.bpf.c needs: a section for each program, map definitions in "maps", one configuration in ".rodata".
ELF: https://refspecs.linuxfoundation.org/elf/elf.pdf; relocations: kernel Documentation/bpf/llvm_reloc.rst.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_HEADER: Final = struct.Struct("<16sHHIQQQIHHHHHH")
_SECTION: Final = struct.Struct("<IIQQQQIIQQ")
_SYMBOL: Final = struct.Struct("<IBBHQQ")
_RELOCATION: Final = struct.Struct("<QQ")
_MAP: Final = struct.Struct("<IIIII")

_MACHINE_BPF: Final = 247
_R_BPF_64_64: Final = 1


class ObjectError(Exception):
    """The file is not an object that this reader understands."""


@dataclass(frozen=True, slots=True)
class MapDefinition:
    """struct map_definition of gate.bpf.c"""

    name: str
    kind: int
    key_bytes: int
    value_bytes: int
    max_entries: int
    flags: int


@dataclass(frozen=True, slots=True)
class Reference:
    """An instruction that loads the address of a map, or of a place in .rodata."""

    instruction: int
    """Number of the instruction in the program; it takes two."""
    map_name: str
    """Empty for .rodata."""
    offset: int
    """In .rodata, in bytes."""


@dataclass(frozen=True, slots=True)
class Program:
    """One program, and where it refers to maps."""

    instructions: bytes
    references: tuple[Reference, ...]


@dataclass(frozen=True, slots=True)
class BpfObject:
    """What a loader needs."""

    programs: tuple[Program, ...]
    maps: tuple[MapDefinition, ...]
    rodata: bytes


def read_object(data: bytes, *, programs: Sequence[str]) -> BpfObject:
    """Reads an object.

    Args:
        data: the file.
        programs: the names of the programs' sections, in the order in which they are wanted.

    Raises:
        ObjectError: it is not an ELF object for BPF, or holds what is not understood.
    """
    try:
        return _read(data, programs)
    except (struct.error, IndexError, OverflowError, ValueError) as error:
        msg = f"damaged BPF object: {error}"
        raise ObjectError(msg) from error


def _read(data: bytes, programs: Sequence[str]) -> BpfObject:
    header = _HEADER.unpack_from(data)
    if header[0][:6] != b"\x7fELF\x02\x01" or header[2] != _MACHINE_BPF:
        msg = "not a little-endian ELF64 object for BPF"
        raise ObjectError(msg)
    sections = [_SECTION.unpack_from(data, header[6] + i * header[11]) for i in range(header[12])]
    bodies = [b"" if kind == _NOBITS else data[at : at + size] for _, kind, _, _, at, size, *_ in sections]
    names = [_text(bodies[header[13]], section[0]) for section in sections]
    table = [section[1] for section in sections].index(_SYMTAB)
    strings = bodies[sections[table][6]]
    symbols = [_SYMBOL.unpack_from(bodies[table], at) for at in range(0, len(bodies[table]), _SYMBOL.size)]
    maps_at, rodata_at = names.index("maps"), names.index(".rodata")
    maps = tuple(
        MapDefinition(_text(strings, name), *_MAP.unpack_from(bodies[maps_at], value))
        for name, _, _, section, value, _ in symbols
        if section == maps_at and _text(strings, name)
    )
    references: dict[int, list[Reference]] = {names.index(program): [] for program in programs}
    for i, section in enumerate(sections):
        if section[1] != _REL or section[7] not in references:
            continue
        for at in range(0, len(bodies[i]), _RELOCATION.size):
            offset, info = _RELOCATION.unpack_from(bodies[i], at)
            name, _, _, target, value, _ = symbols[info >> 32]
            if info & 0xFFFFFFFF != _R_BPF_64_64 or target not in (maps_at, rodata_at):
                msg = f"instruction {offset // 8} refers to {_text(strings, name) or names[target]!r}, which is no map"
                raise ObjectError(msg)
            map_name = _text(strings, name) if target == maps_at else ""
            references[section[7]].append(Reference(offset // 8, map_name, 0 if map_name else value))
    found = tuple(Program(bodies[at], tuple(references[at])) for at in references)
    return BpfObject(found, maps, bodies[rodata_at])


_SYMTAB: Final = 2
_REL: Final = 9
_NOBITS: Final = 8


def _text(table: bytes, at: int) -> str:
    return table[at : table.index(b"\0", at)].decode("ascii")
