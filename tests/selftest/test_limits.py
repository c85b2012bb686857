"""The self-test's copy of the table."""

import re
from pathlib import Path

from agent.gate import layout
from agent.selftest import limits

HEADER = Path(layout.__file__).with_name("gate_core.h")


def test_the_same_numbers_as_the_gates() -> None:
    """Each limit of gate_core.h has the same name and value here, and there is none besides."""
    table = re.search(r"enum gate_limit \{(.*?)\};", HEADER.read_text(encoding="utf-8"), re.DOTALL)
    assert table is not None
    expected = {name: int(value) for name, value in re.findall(r"GATE_(\w+) = (\d+)", table[1])}

    assert expected == {name: getattr(limits, name) for name in vars(limits) if name.isupper() and name != "LIMITS"}


def test_every_kind_of_slice_has_a_row() -> None:
    """No kind of slice goes unchecked."""
    assert {name for name in layout.SLICE_KIND_NAMES if name} == set(limits.LIMITS)
    assert [] == [kind for kind, limit in limits.LIMITS.items() if limit == limits.Limit()]
