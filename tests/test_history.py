"""The last hour: what is kept of growing counts, for how long, and what upsets it."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from agent.flow import Account, Evidence, FlowClass
from agent.history import MAX_RECENT, MAX_SERIES, OTHER, RECENT_NS, STEP_NS, STEPS, History
from agent.snapshot import ClassCounts, Counts, GateTotals, Snapshot
from agent.verdict import Verdict

SECOND = 1_000_000_000
START = 119_683_200 * STEP_NS
"""A step begins here."""


def row(application: str, category: str, verdict: Verdict, amount: int) -> ClassCounts:
    seen = FlowClass("staff", application, category, "tls", Evidence.SNI, Account.UNKNOWN)
    return ClassCounts(seen, verdict, Counts(1, 1, 1, amount // 2, amount - amount // 2, amount, amount // 10))


def at(time_ns: int, *rows: ClassCounts) -> Snapshot:
    return Snapshot(time_ns, GateTotals("process"), rows)


def videos(time_ns: int, amount: int) -> Snapshot:
    return at(time_ns, row("youtube", "video", Verdict.REVIEW, amount))


def test_the_first_snapshot_only_says_where_counting_stands() -> None:
    """What was counted before is in no step: nobody knows when it came."""
    history = History()
    history.add(videos(START, 1_000_000))

    assert ({}, 0) == (history.last_hour().bytes, sum(history.last_hour().covered_ns))
    assert 0 == history.recent().span_ns
    assert 0.0 == history.recent().per_second(5)


def test_growth_goes_to_the_step_in_which_it_was_seen() -> None:
    """A tick's growth is booked under its step, with the time that it took; rates are by that time."""
    history = History()
    for second, amount in ((0, 0), (1, 100), (14, 1_400), (15, 1_500), (16, 1_700)):
        history.add(videos(START + second * SECOND, amount))
    hour = history.last_hour()

    assert START + 2 * STEP_NS == hour.end_ns
    assert (14 * SECOND, 2 * SECOND) == hour.covered_ns[-2:]
    assert (1_400, 300) == hour.amounts(Verdict.REVIEW)[-2:]
    assert (None, 100.0, 150.0) == hour.rates(hour.amounts(Verdict.REVIEW))[-3:]


def test_series() -> None:
    """Sums by category and verdict, and by verdict over every category; applications are summed up."""
    history = History()
    history.add(at(START))
    history.add(
        at(
            START + SECOND,
            row("youtube", "video", Verdict.REVIEW, 100),
            row("vimeo", "video", Verdict.REVIEW, 20),
            row("youtube", "video", Verdict.PROHIBITED, 3),
            row("amazon", "retail", Verdict.REVIEW, 4_000),
        )
    )
    hour = history.last_hour()

    assert (120, 3, 4_000) == (
        hour.amounts(Verdict.REVIEW, "video")[-1],
        hour.amounts(Verdict.PROHIBITED, "video")[-1],
        hour.amounts(Verdict.REVIEW, "retail")[-1],
    )
    assert 4_120 == hour.amounts(Verdict.REVIEW)[-1]
    assert (0,) * STEPS == hour.amounts(Verdict.PERMITTED)
    assert (0,) * STEPS == hour.amounts(Verdict.REVIEW, "no such category")


def test_an_hour_and_no_more() -> None:
    """After two hours exactly STEPS steps are there, each with what came in it."""
    history = History()
    for step in range(2 * STEPS):
        history.add(videos(START + step * STEP_NS, step * 1_000))
    hour = history.last_hour()

    assert (1_000,) * STEPS == hour.amounts(Verdict.REVIEW)
    assert (STEP_NS,) * STEPS == hour.covered_ns


def test_a_pause_leaves_a_gap() -> None:
    """Steps without a tick are not observed, and what was missed makes the rate of its step right, not high."""
    history = History()
    history.add(videos(START, 0))
    history.add(videos(START + SECOND, 100))
    history.add(videos(START + 10 * STEP_NS, 14_900 + 100))
    hour = history.last_hour()
    rates = hour.rates(hour.amounts(Verdict.REVIEW))

    assert (100.0, *(None,) * 9, 100.0) == rates[-11:]


def test_older_than_an_hour_is_not_shown() -> None:
    """After a night without a tick the steps of the evening are still in the ring, and not in the hour."""
    history = History()
    history.add(videos(START, 0))
    history.add(videos(START + SECOND, 100))
    history.add(videos(START + 2 * STEPS * STEP_NS, 107))

    assert 7 == sum(history.last_hour().amounts(Verdict.REVIEW))


def test_a_reset_makes_no_dip_and_no_spike() -> None:
    """A count that fell has begun anew: what it shows is growth."""
    history = History()
    for second, amount in ((0, 1_000_000), (1, 1_000_100), (2, 30), (3, 70)):
        history.add(videos(START + second * SECOND, amount))

    assert 100 + 30 + 40 == history.last_hour().amounts(Verdict.REVIEW)[-1]


def test_a_clock_set_back_a_little() -> None:
    """Nothing is lost: the growth is booked once time has passed the place where it stood."""
    history = History()
    for second, amount in ((0, 0), (10, 100), (9, 200), (10, 300), (11, 400)):
        history.add(videos(START + second * SECOND, amount))

    assert (400, 11 * SECOND) == (
        history.last_hour().amounts(Verdict.REVIEW)[-1],
        history.last_hour().covered_ns[-1],
    )


def test_a_clock_set_back_far() -> None:
    """The hour begins anew, by the new clock."""
    history = History()
    for time_ns, amount in (
        (START, 0),
        (START + SECOND, 100),
        (START - 900 * SECOND, 200),
        (START - 899 * SECOND, 250),
    ):
        history.add(videos(time_ns, amount))
    hour = history.last_hour()

    assert START - 900 * SECOND < hour.end_ns <= START - 880 * SECOND
    assert (50, 50.0) == (sum(hour.amounts(Verdict.REVIEW)), history.recent().per_second(50))


def test_recent() -> None:
    """The newest ticks within RECENT_NS, by application, and what was opened of payload."""
    history = History()
    for second in range(21):
        history.add(videos(START + second * SECOND, second * second * 100))
    recent = history.recent()
    ten = RECENT_NS // SECOND

    assert RECENT_NS == recent.span_ns
    grown = (20**2 - (20 - ten) ** 2) * 100
    assert {("youtube", "video", Verdict.REVIEW): grown} == recent.bytes
    assert (grown // 10, grown - grown // 10) == (recent.opened_bytes, recent.unopened_bytes)
    assert grown / ten == recent.per_second(grown)


def test_recent_after_a_pause() -> None:
    """One tick that took longer than RECENT_NS is all there is to tell."""
    history = History()
    history.add(videos(START, 0))
    history.add(videos(START + 6 * RECENT_NS, 6_000))

    assert 6 * RECENT_NS == history.recent().span_ns


def test_ticks_faster_than_expected_are_bounded() -> None:
    """A caller that ticks a thousand times a second costs no more memory."""
    history = History()
    for tick in range(200):
        history.add(videos(START + tick * 1_000_000, tick))

    assert MAX_RECENT * 1_000_000 == history.recent().span_ns


def test_too_many_series() -> None:
    """Beyond the limit bytes are kept under one name, and it is counted that they were."""
    history = History()
    many = [row("x", f"category{number}", Verdict.REVIEW, 10) for number in range(MAX_SERIES + 5)]
    history.add(at(START))
    history.add(at(START + SECOND, *many))
    hour = history.last_hour()

    assert MAX_SERIES + 1 == len(hour.bytes)
    assert 50 == hour.amounts(Verdict.REVIEW, OTHER)[-1]
    assert {"history_series": 5} == history.limits_met


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(0, 10**12)), max_size=60))
def test_nothing_is_lost_within_an_hour(ticks: list[tuple[int, int]]) -> None:
    """However ticks fall, the sum over the steps is what the counts grew by, and the time is what passed."""
    history, now_ns, amount = History(), START, 7
    history.add(videos(now_ns, amount))
    for seconds, grown in ticks:
        now_ns, amount = now_ns + seconds * SECOND, amount + grown
        history.add(videos(now_ns, amount))
    hour = history.last_hour()

    assert amount - 7 == sum(hour.amounts(Verdict.REVIEW))
    assert now_ns - START == sum(hour.covered_ns)


def test_a_snapshot_is_not_kept() -> None:
    """What was handed over may go: the hour holds sums alone, and no class's name."""
    history = History()
    history.add(at(START))
    kept = at(START + SECOND, row("youtube", "video", Verdict.REVIEW, 10))
    history.add(kept)
    other = replace(kept, classes=())
    history.add(replace(other, time_ns=START + 2 * SECOND))

    assert 10 == sum(history.last_hour().amounts(Verdict.REVIEW))
