"""How often something may happen."""

from agent.web.pace import Bucket


def test_a_burst_then_the_pace() -> None:
    """A full bucket gives its burst at once, then one token an interval, and never more than its burst."""
    bucket = Bucket(interval_s=2.0, burst=3)

    assert [True, True, True, False] == [bucket.take(10.0) for _ in range(4)]
    assert [False, True, False] == [bucket.take(now_s) for now_s in (11.9, 12.1, 12.1)]
    assert [True, True, True, False] == [bucket.take(1_000.0) for _ in range(4)]
