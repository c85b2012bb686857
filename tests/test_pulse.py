"""When the service is to be called alive, and when not."""

import pytest

from agent.pulse import Counts, Pulse

QUIET = Counts()
STUCK = {
    "packets are dropped and none is seen": Counts(10, 1, 0),
    "slices are lost and none is read": Counts(20, 0, 1),
}


def after(polls: int, slices: int, now: Counts) -> tuple[bool, str | None]:
    """What a tick says, ten packets having been seen until the one before."""
    pulse = Pulse()
    pulse.poll(1)
    assert pulse.tick(Counts(10, 0, 0))
    for _ in range(polls):
        pulse.poll(slices)
    return pulse.tick(now), pulse.trouble


@pytest.mark.parametrize("now", [Counts(10, 0, 0), Counts(11, 0, 0), Counts(11, 5, 0)])
def test_alive(now: Counts) -> None:
    """A silent tap is healthy, and so is one that drops while it still counts."""
    assert (True, None) == after(1, 0, now)


def test_slices_are_lost_while_others_are_read() -> None:
    """That is a load, and no standstill."""
    assert (True, None) == after(2, 1, Counts(20, 0, 5))


def test_no_poll() -> None:
    """A tick by itself says nothing: the ring may not have been looked at since. It is no trouble of the tap either."""
    assert (False, None) == after(0, 0, Counts(11, 0, 0))


def test_polls_count_once() -> None:
    """Many polls before one tick do not vouch for the next."""
    pulse = Pulse()
    for _ in range(10):
        pulse.poll(1)

    assert [True, False] == [pulse.tick(QUIET), pulse.tick(QUIET)]


@pytest.mark.parametrize("trouble", STUCK)
def test_stuck(trouble: str) -> None:
    """All that comes is lost: polls go round, and still it is not alive."""
    assert (False, trouble) == after(5, 0, STUCK[trouble])


@pytest.mark.parametrize("trouble", STUCK)
def test_stuck_and_loose_again(trouble: str) -> None:
    """It is judged by what happened since the last tick."""
    pulse = Pulse()
    pulse.poll(0)
    pulse.tick(Counts(10, 0, 0))
    pulse.poll(0)
    pulse.tick(STUCK[trouble])
    pulse.poll(1)

    assert pulse.tick(Counts(30, 2, 2))
    assert pulse.trouble is None
