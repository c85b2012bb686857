"""Tests of small cells: what is told is true as a lower limit, and no few devices can be told apart in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.allowance.small_cells import told_apart, without_small_cells
from agent.snapshot import GateTotals, IncidentalUse, Snapshot, merged

CELL, OTHER = ("staff", "retail"), ("staff", "news")


@pytest.mark.parametrize(
    ("devices", "told"),
    [
        ((0, 0, 0), (0, 0, 0)),
        ((4, 4, 4), (0, 0, 0)),
        ((5, 5, 5), (5, 5, 5)),
        ((9, 5, 4), (5, 5, 0)),
        ((10, 5, 4), (10, 5, 0)),
        ((10, 9, 8), (8, 8, 8)),
        ((6, 5, 4), (5, 5, 0)),
        ((7, 4, 0), (7, 0, 0)),
    ],
)
def test_told_apart(devices: tuple[int, ...], told: tuple[int, ...]) -> None:
    """Too few at the top count with the next bound, and too few at the bottom do not count."""
    assert told == told_apart(devices, 5)


NUMBERS = st.lists(st.integers(0, 40), min_size=1, max_size=8).map(lambda found: tuple(sorted(found, reverse=True)))


@given(NUMBERS, st.integers(1, 9))
def test_no_difference_is_small(devices: tuple[int, ...], k: int) -> None:
    """Told numbers never rise, are never more than what was, and differ by nothing or by at least k. A cell with k
    devices is told of, and told again it is the same.
    """
    told = told_apart(devices, k)

    assert told == tuple(sorted(told, reverse=True))
    assert all(one <= was for one, was in zip(told, devices, strict=True))
    assert [] == [(a, b) for a, b in zip((*told, 0), (*told[1:], 0), strict=False) if 0 < a - b < k]
    assert (devices[0] >= k) == (told[0] > 0)
    assert told == told_apart(told, k)


def test_cells() -> None:
    """A cell with few devices is absent; few over their allowance are 0; each number that is held back is counted."""
    cells = {CELL: ((4, 2), 2), OTHER: ((12, 6), 4)}

    assert ({OTHER: IncidentalUse((12, 6), 0)}, 3) == without_small_cells(cells, 5)
    assert ({CELL: IncidentalUse((4, 2), 2), OTHER: IncidentalUse((12, 6), 4)}, 0) == without_small_cells(cells, 2)
    assert ({}, 0) == without_small_cells({CELL: ((0, 0), 0)}, 5)


def test_taps_add_up() -> None:
    """Several taps see different devices: equal cells are summed, number by number."""
    one = IncidentalUse((9, 8, 7, 6, 5, 0), 5)
    other = IncidentalUse((6, 6, 0, 0, 0, 0), 0)
    gate = GateTotals("process")
    first = Snapshot(1, gate, incidental={CELL: one}, suppressed_cells=1)
    second = Snapshot(2, gate, incidental={CELL: other, OTHER: other}, suppressed_cells=2)
    total = merged([first, second])

    assert {CELL: IncidentalUse((15, 14, 7, 6, 5, 0), 5), OTHER: other} == total.incidental
    assert 3 == total.suppressed_cells
