"""Numbers of devices -> numbers that no few devices stand out in.

A number of 1 to k-1 devices is not told, and neither is a difference of so many between two numbers that are told of
one distribution: whoever is too few to be told apart counts with the next lower bound, and below the lowest bound not
at all. What is told is therefore never more than what was.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from agent.snapshot import IncidentalUse

MIN_DEVICES: Final = 5
"""k unless told otherwise: below it a number is about persons. A usual threshold of official statistics."""

Tally = tuple[tuple[int, ...], int]
"""Devices with more minutes than each bound, and devices that went over."""


def told_apart(longer_than: Sequence[int], min_devices: int) -> tuple[int, ...]:
    """Lowers numbers that never rise until each differs from the next by nothing or by at least `min_devices`."""
    told: list[int] = []
    above = 0
    for devices in reversed(longer_than):
        if devices - above >= min_devices:
            above = devices
        told.append(above)
    return tuple(reversed(told))


def without_small_cells(
    cells: Mapping[tuple[str, str], Tally], min_devices: int
) -> tuple[dict[tuple[str, str], IncidentalUse], int]:
    """What may be told of each segment and category; and how many numbers of 1 to min_devices-1 were held back.

    A cell with too few devices is absent.
    """
    told: dict[tuple[str, str], IncidentalUse] = {}
    held_back = 0
    for cell, (longer_than, over) in cells.items():
        use = IncidentalUse(told_apart(longer_than, min_devices), over if over >= min_devices else 0)
        held_back += (not use.longer_than[0] and longer_than[0] > 0) + (not use.over_allowance and over > 0)
        if use.longer_than[0]:
            told[cell] = use
    return told, held_back
