"""The marker of what must stay closed."""

import pytest

from agent.lab.canary import CANARY_BYTES, MAX_FLOW_NUMBER, canary, filled, flow_numbers


def test_canary_carries_the_flow_number() -> None:
    """Six hexadecimal digits follow the prefix, and the whole is as long as promised."""
    assert b"HW-CANARY-00002a" == canary(42)
    assert CANARY_BYTES == len(canary(MAX_FLOW_NUMBER))


@pytest.mark.parametrize("number", [-1, MAX_FLOW_NUMBER + 1])
def test_numbers_out_of_range_are_refused(number: int) -> None:
    """A number that does not fit is an error, never a longer canary."""
    with pytest.raises(ValueError, match="flow number"):
        canary(number)


def test_every_stretch_of_31_bytes_holds_a_whole_canary() -> None:
    """Wherever a filled stretch is cut, 31 bytes of it are enough to tell whose they are."""
    data = filled(7, 200)
    assert 200 == len(data)
    assert {frozenset({7})} == {flow_numbers(data[start : start + 31]) for start in range(200 - 31)}


def test_search_finds_all_flows_and_nothing_else() -> None:
    """Canaries are found among other bytes; an incomplete one is none."""
    data = b"GET /" + canary(1) + b"\0" + canary(0xABCDEF) + canary(3)[:15]
    assert frozenset({1, 0xABCDEF}) == flow_numbers(data)
