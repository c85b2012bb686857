"""Tests of what a daemon asks of a tap: each tap has all of it."""

import pytest

from agent.capture.demo import DemoTap
from agent.capture.kernel import KernelTap
from agent.capture.ring import RingTap
from agent.capture.tap import Tap

SET_WHEN_MADE = {"gate", "behind"}
"""Attributes of an instance; mypy holds the three classes to their types where they are opened."""


@pytest.mark.parametrize("kind", [DemoTap, KernelTap, RingTap])
def test_every_tap_has_all_of_it(kind: type[Tap]) -> None:
    """Each name of the protocol is there."""
    asked = {name for name in vars(Tap) if not name.startswith("_")}

    assert {"gate", "behind", "read", "lost_chunks", "now_ns", "dropped_packets", "problem", "close"} == asked
    assert set() == asked - set(dir(kind)) - SET_WHEN_MADE
