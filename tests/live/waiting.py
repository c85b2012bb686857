"""A condition that will hold soon -> the moment at which it does, or a failure that says why not."""

import time
from collections.abc import Callable


def wait_for(condition: Callable[[], bool], timeout_s: float, why: Callable[[], str]) -> None:
    """Returns as soon as the condition holds; fails with `why` when it does not in time."""
    end_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end_s, why()
        time.sleep(0.05)
