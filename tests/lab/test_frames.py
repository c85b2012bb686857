"""The lab's words."""

import pytest

from agent.lab.frames import Frame


@pytest.mark.parametrize(("cut_bytes", "wire_bytes"), [(0, 60), (1440, 1500)])
def test_a_frame_knows_its_length_on_the_wire(cut_bytes: int, wire_bytes: int) -> None:
    """What a snap length cut off still counts."""
    assert wire_bytes == Frame(0, bytes(60), cut_bytes).wire_bytes
