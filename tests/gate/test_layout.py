"""Python's view of the gate's structures is the C compiler's."""

import ctypes
import re
from pathlib import Path

from agent.flow import SliceFlag, SliceKind
from agent.gate import layout
from agent.gate.library import ReadResult
from agent.gate.native import STOPS, layout_of_library

SOURCES = Path(layout.__file__).parent


def _enum(name: str, source: str = "gate_core.h") -> dict[str, int]:
    """An enumeration of the C source: names and values."""
    text = (SOURCES / source).read_text("utf-8")
    found = re.search(rf"enum {name} {{(.*?)}};", re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL), re.DOTALL)
    assert found
    return {key: int(value) for key, value in re.findall(r"(\w+) = (\d+)", found[1])}


def test_sizes_and_offsets() -> None:
    """Every size and offset that Python uses is that of the library, in the order of gate_native.c: gate_layout."""
    row = layout.ROW.fields
    totals = layout.TOTALS.fields
    assert row is not None
    assert totals is not None
    fields = ("first_ns", "class_id", "packets", "payload_bytes", "flags", "base", "outer")
    expected = [
        *(layout.KEY.itemsize, layout.ROW.itemsize, layout.SLICE.size, layout.TOTALS.itemsize, layout.CONFIG.size),
        ctypes.sizeof(ReadResult),
        *(row[field][1] for field in fields),
        totals["opened_bytes"][1],
    ]

    assert expected == list(layout_of_library())


def test_offsets_by_hand() -> None:
    """The offsets that are written as numbers are those of the row."""
    row = layout.ROW.fields
    assert row is not None

    assert layout.CLASS_OFFSET == row["class_id"][1]
    assert layout.CLASS_OFFSET + 4 == row["sealed"][1]
    assert layout.FLAGS_OFFSET == row["flags"][1]


def test_rows_fill_cache_lines() -> None:
    """A row is three cache lines of 64 bytes."""
    assert 3 * 64 == layout.ROW.itemsize


def test_flags() -> None:
    """Flags have the numbers of gate_core.h."""
    flags = _enum("flow_flag")

    assert {
        "FLOW_CLOSED": layout.FLOW_CLOSED,
        "FLOW_RESET": layout.FLOW_RESET,
        "FLOW_UNLINKED": layout.FLOW_UNLINKED,
        "FLOW_LIVE": layout.FLOW_LIVE,
        "FLOW_TAGGED": layout.FLOW_TAGGED,
    }.items() <= flags.items()
    assert layout.FLOW_FIN_BOTH == flags["FLOW_FIN_SERVER"] | flags["FLOW_FIN_CLIENT"]


def test_kinds_of_slices() -> None:
    """Kinds and flags of slices are those of gate_core.h; each kind has a name for metrics."""
    kinds = _enum("slice_kind")
    opened = layout.TOTALS.fields
    assert opened is not None
    assert (kinds["SLICE_KINDS"],) == opened["opened_bytes"][0].shape
    assert len(layout.SLICE_KIND_NAMES) <= kinds.pop("SLICE_KINDS")
    assert {f"SLICE_{kind.name}": kind.value for kind in SliceKind} == kinds
    assert [f"slice_{name}" for name in layout.SLICE_KIND_NAMES[1:]] == [name.lower() for name in kinds]
    assert {f"SLICE_{flag.name}": flag.value for flag in SliceFlag} == _enum("slice_flag")


def test_reasons_to_stop() -> None:
    """Every reason of the reader of capture files has words, but for reading on and the end."""
    reasons = _enum("capture_stop", "capture_file.h")

    assert list(range(len(STOPS))) == sorted(reasons.values())
    assert [bool(words) for words in STOPS] == [number > 1 for number in range(len(STOPS))]
