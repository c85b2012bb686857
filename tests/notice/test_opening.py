"""What the notice says is opened, against what the gate opens."""

import re
from pathlib import Path

from agent.notice.opening import LIMITS

HEADER = Path(__file__).parents[2] / "agent" / "gate" / "gate_core.h"


def test_limits_are_the_gates() -> None:
    """LIMITS has every limit of enum gate_limit, with its value, and no other."""
    enum = re.search(r"enum gate_limit \{(.*?)\};", HEADER.read_text(encoding="utf-8"), re.DOTALL)
    assert enum is not None

    assert {name: int(value) for name, value in re.findall(r"(GATE_\w+) = (\d+)", enum[1])} == dict(LIMITS)
