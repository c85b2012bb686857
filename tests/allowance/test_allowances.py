"""Tests of allowances through the gate and the pipeline: what is incidental, what goes beyond, and what is told."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.allowance.allowances import DaySoFar
from agent.allowance.day import day_of
from agent.lab.day import school_day
from agent.lab.pcap import write_pcap
from agent.replay import replay
from agent.snapshot import IncidentalUse
from agent.verdict import Allowance, Verdict
from tests.allowance.school import (
    CELL,
    HALF_AN_HOUR,
    MINUTE_NS,
    NOON_NS,
    TWO_MINUTES,
    School,
    connection,
    device,
    each_minute,
    use,
    verdicts,
)
from tests.plain_policy import PlainPolicy, always

INCIDENTAL, PROHIBITED, REVIEW = Verdict.INCIDENTAL, Verdict.PROHIBITED, Verdict.REVIEW
SECOND_NS = 1_000_000_000
NEW_YORK = ZoneInfo("America/New_York")


def test_a_device_beyond_its_minutes_is_counted_once() -> None:
    """Five devices go beyond two minutes, by one flow and then by another: five, however long they go on."""
    school = School(TWO_MINUTES, min_devices=5)
    told = []
    for start in (0, 5):
        for minute in range(start, start + 5):
            frames = []
            for number in range(1, 7):
                minutes = 5 if number < 6 else 1  # the sixth stays within
                times = each_minute(minutes, start_ns=NOON_NS + start * MINUTE_NS)
                frames += [
                    frame
                    for frame in connection(device(number), times, port=50_000 + start)
                    if frame.time_ns // MINUTE_NS == NOON_NS // MINUTE_NS + minute
                ]
            told.append(use(school.play(frames)).over_allowance)

    assert [0, 0, *[5] * 8] == told


def test_a_running_flow_moves_at_once() -> None:
    """What a flow carries in its device's third minute is for review, though the flow and its class are the old ones."""
    school = School(TWO_MINUTES)
    frames = connection(device(1), each_minute(4))
    snapshot = school.play(frames)
    found = verdicts(snapshot)

    assert {INCIDENTAL: len(frames) - 2, REVIEW: 2} == {verdict: counts.packets for verdict, counts in found.items()}
    assert sum(len(frame.data) for frame in frames[-2:]) == found[REVIEW].bytes
    assert (1, 0) == (found[INCIDENTAL].flows, found[REVIEW].flows)
    assert 1 == len({line.flow_class for line in snapshot.classes})
    assert {("incidental", INCIDENTAL): 1} == snapshot.rule_matches


def test_a_flow_that_begins_beyond() -> None:
    """It is for review from its first packet, and counted so for its rule; its record says the same."""
    school = School(TWO_MINUTES)
    school.play(connection(device(1), each_minute(3)))
    again = connection(device(1), [NOON_NS + 3 * MINUTE_NS], port=50_001)
    within = connection(device(2), [NOON_NS + 3 * MINUTE_NS])
    snapshot = school.play(again + within)

    assert {("incidental", INCIDENTAL): 2, ("incidental", REVIEW): 1} == snapshot.rule_matches
    assert 1 + len(again) == verdicts(snapshot)[REVIEW].packets
    assert {
        (device(1), 50_000): REVIEW,
        (device(1), 50_001): REVIEW,
        (device(2), 50_000): INCIDENTAL,
    } == {(one.flow.ends.client, one.flow.ends.client_port): one.verdict for one in school.finish()}


def test_fewer_than_k_are_not_told() -> None:
    """Four devices of five that are needed: the cell is absent, and both its numbers are counted as held back."""
    school = School(TWO_MINUTES, min_devices=5)
    four = school.play([one for number in range(4) for one in connection(device(number), each_minute(3))])
    five = school.play(connection(device(4), each_minute(3, start_ns=NOON_NS + 3 * MINUTE_NS)))

    assert ({}, 2) == (four.incidental, four.suppressed_cells)
    assert ({CELL: IncidentalUse((5, 0, 0, 0, 0, 0), 5)}, 0) == (five.incidental, five.suppressed_cells)


def test_bounds_of_minutes() -> None:
    """A device with exactly so many minutes has not more than those."""
    frames = [one for number in (4, 5, 6, 15, 16) for one in connection(device(number), each_minute(number))]

    assert IncidentalUse((5, 3, 1, 0, 0, 0), 0) == use(School().play(frames))


def test_flows_of_one_device_share_its_minutes() -> None:
    """Two flows in the same minute are one minute; in turns they use up one allowance."""
    school = School(TWO_MINUTES)
    together = [one for port in (50_000, 50_001) for one in connection(device(1), each_minute(2), port=port)]
    within = school.play(together)
    beyond = school.play(connection(device(1), each_minute(1, start_ns=NOON_NS + 2 * MINUTE_NS), port=50_002))

    assert (0, 1) == (use(within).over_allowance, use(beyond).over_allowance)


def test_two_segments() -> None:
    """The same address in two VLANs is two devices, each with its allowance, told of its segment."""
    school = School(TWO_MINUTES)
    frames = connection(device(1), each_minute(3), vlan=10)
    frames += connection(device(1), each_minute(2), vlan=20, port=50_001)
    snapshot = school.play(frames)

    assert {
        ("vlan 10", "named"): IncidentalUse((1, 0, 0, 0, 0, 0), 1),
        ("vlan 20", "named"): IncidentalUse((1, 0, 0, 0, 0, 0), 0),
    } == snapshot.incidental


def test_bytes() -> None:
    """A device that exceeds its bytes is beyond, be its minutes what they may."""
    frames = connection(device(1), each_minute(4))
    first_minute = sum(len(frame.data) for frame in frames[:-3])
    by_bytes = School(replace(HALF_AN_HOUR, allowance=Allowance(bytes=first_minute + 2 * len(frames[-1].data))))

    assert {INCIDENTAL: len(frames) - 1, REVIEW: 1} == {
        verdict: counts.packets for verdict, counts in verdicts(by_bytes.play(frames)).items()
    }


@pytest.mark.parametrize("day", [(2026, 11, 1), (2026, 11, 21), (2027, 3, 14)])
def test_midnight(day: tuple[int, int, int]) -> None:
    """At midnight on the wall, on days of 23, 24 and 25 hours alike, a flow that runs on is incidental again, and the
    day's numbers begin anew.
    """
    noon_ns = int(datetime(*day, 12, tzinfo=NEW_YORK).timestamp()) * SECOND_NS
    midnight_ns = day_of(noon_ns, NEW_YORK).end_ns
    school = School(replace(TWO_MINUTES, zone=NEW_YORK))
    frames = connection(device(1), each_minute(5, start_ns=midnight_ns - 3 * MINUTE_NS))
    before = school.play([frame for frame in frames if frame.time_ns < midnight_ns])
    after = school.play([frame for frame in frames if frame.time_ns >= midnight_ns])

    assert IncidentalUse((1, 0, 0, 0, 0, 0), 1) == use(before)
    assert IncidentalUse((1, 0, 0, 0, 0, 0), 0) == use(after)
    assert {INCIDENTAL: len(frames) - 1, REVIEW: 1} == {
        verdict: counts.packets for verdict, counts in verdicts(after).items()
    }


def test_the_hour_that_comes_twice() -> None:
    """Half past one before and after the clock goes back are two minutes of use."""
    day = day_of(1_793_534_400 * SECOND_NS, NEW_YORK)
    first_ns = day.start_ns + 90 * MINUTE_NS
    school = School(replace(HALF_AN_HOUR, allowance=Allowance(minutes=1), zone=NEW_YORK))
    school.play(connection(device(1), [first_ns]))
    snapshot = school.play(connection(device(1), [first_ns + 60 * MINUTE_NS], port=50_001))

    assert ("2026-11-01", 25 * 60 * MINUTE_NS) == (day.name, day.end_ns - day.start_ns)
    assert 1 == use(snapshot).over_allowance


def test_yesterdays_last_packets() -> None:
    """What came before midnight and is found after it counts for neither day: yesterday is closed."""
    midnight_ns = day_of(NOON_NS, TWO_MINUTES.zone).end_ns
    school = School(TWO_MINUTES)
    school.feed(connection(device(1), [midnight_ns - SECOND_NS]))
    snapshot = school.tick_at(midnight_ns + SECOND_NS)

    assert ({}, 0) == (snapshot.incidental, snapshot.suppressed_cells)


def test_a_reload() -> None:
    """A larger allowance takes effect for what runs at the next tick; who went over has gone over, today."""
    school = School(TWO_MINUTES)
    frames = connection(device(1), each_minute(4))
    school.play(frames[:-1])
    school.pipeline.reload(HALF_AN_HOUR)
    snapshot = school.play(frames[-1:])

    assert {INCIDENTAL: len(frames) - 1, REVIEW: 1} == {
        verdict: counts.packets for verdict, counts in verdicts(snapshot).items()
    }
    assert 1 == use(snapshot).over_allowance


def test_a_reload_with_the_first_allowance() -> None:
    """What a flow had carried before any rule had an allowance is no use of it; what it carries from then on is."""
    frames = connection(device(1), each_minute(9))
    size = len(frames[-1].data)
    school = School(PlainPolicy(always(INCIDENTAL)))
    school.play(frames[:-5])
    school.pipeline.reload(PlainPolicy(always(INCIDENTAL), allowance=Allowance(bytes=3 * size)))
    snapshot = school.play(frames[-5:])  # the first one's tick is the one that begins with the allowance

    assert {INCIDENTAL: len(frames) - 1, REVIEW: 1} == {
        verdict: counts.packets for verdict, counts in verdicts(snapshot).items()
    }
    assert IncidentalUse((1, 0, 0, 0, 0, 0), 1) == use(snapshot)


def test_a_reload_without_an_allowance() -> None:
    """Nothing more goes to review, neither of counts nor of a flow's record, and the day's numbers stay until midnight."""
    school = School(TWO_MINUTES)
    frames = connection(device(1), each_minute(5))
    school.play(frames[:-1])
    school.pipeline.reload(PlainPolicy(always(INCIDENTAL)))
    snapshot = school.play(frames[-1:])
    school.pipeline.finish(school.now_ns)

    assert {INCIDENTAL: len(frames) - 2, REVIEW: 2} == {
        verdict: counts.packets for verdict, counts in verdicts(snapshot).items()
    }
    assert 1 == use(snapshot).over_allowance
    assert [INCIDENTAL] == [record.verdict for record in school.records]


def test_a_bell() -> None:
    """Only what a class is used for while it is incidental counts, also where its flow began before, or rested."""
    rings_ns = NOON_NS + 10 * MINUTE_NS
    resting, running = (connection(device(number), each_minute(14)) for number in (1, 2))
    resting = [frame for frame in resting if not rings_ns - 2 * MINUTE_NS < frame.time_ns < rings_ns + MINUTE_NS]
    size = len(running[-1].data)
    lesson = PlainPolicy(
        lambda _flow_class, now_ns: PROHIBITED if now_ns < rings_ns else INCIDENTAL,
        allowance=Allowance(minutes=4, bytes=4 * size),
    )
    school = School(lesson)
    snapshot = school.play(resting + running)
    lesson_bytes = sum(len(frame.data) for frame in resting + running if frame.time_ns < rings_ns)

    assert IncidentalUse((2, 0, 0, 0, 0, 0), 0) == use(snapshot)
    assert {PROHIBITED: lesson_bytes, INCIDENTAL: 7 * size} == {
        verdict: counts.bytes for verdict, counts in verdicts(snapshot).items()
    }


def test_without_an_allowance_nothing_is_counted() -> None:
    """Where a rule sets no allowance, and where the verdict is another, no device is followed at all."""
    for policy in (PlainPolicy(always(INCIDENTAL)), PlainPolicy(always(PROHIBITED), allowance=Allowance(minutes=1))):
        school = School(policy)
        snapshot = school.play(connection(device(1), each_minute(3)))

        assert ({}, 0) == (snapshot.incidental, snapshot.suppressed_cells)
        assert {} == school.allowances._uses._numbers


def test_too_many_devices() -> None:
    """A device that finds no room is tolerated without end; each flow of it is counted as a limit met; at midnight
    there is room again, and what was counted stays counted.
    """
    school = School(TWO_MINUTES, max_uses=1)
    frames = connection(device(1), each_minute(3))
    for port in (50_000, 50_001):
        frames += connection(device(2), each_minute(3), port=port)
    snapshot = school.play(frames)
    tomorrow_ns = day_of(NOON_NS, TWO_MINUTES.zone).end_ns
    later = school.play(connection(device(2), each_minute(3, start_ns=tomorrow_ns)))

    assert (IncidentalUse((1, 0, 0, 0, 0, 0), 1), 2) == (use(snapshot), snapshot.limits["incidental_uses"])
    assert {REVIEW: 1} == {REVIEW: verdicts(snapshot)[REVIEW].packets}
    assert (IncidentalUse((1, 0, 0, 0, 0, 0), 1), 2) == (use(later), later.limits["incidental_uses"])


def test_a_row_used_again_belongs_to_another() -> None:
    """The next flow in a row that was given back is its own device's, which has used nothing yet."""
    school = School(TWO_MINUTES)
    school.play(connection(device(1), each_minute(3)))
    hour_ns = NOON_NS + 60 * MINUTE_NS
    school.tick_at(hour_ns)
    frames = connection(device(2), [hour_ns])
    snapshot = school.play(frames)

    assert [0] == school.live()
    assert (2, 1) == (use(snapshot).longer_than[0], use(snapshot).over_allowance)
    assert 1 == verdicts(snapshot)[REVIEW].packets


def test_a_clock_that_is_not_the_walls() -> None:
    """Packets of a live tap are stamped by a clock of its own: minutes and midnight are the wall's all the same."""
    school = School(TWO_MINUTES)
    boot_ns = NOON_NS - 5 * SECOND_NS
    for minute in range(3):
        school.feed(connection(device(1), [minute * MINUTE_NS + 10 * SECOND_NS], port=50_000 + minute))
        now_ns = minute * MINUTE_NS + 50 * SECOND_NS
        school.pipeline.tick(now_ns, now_ns + boot_ns)
    (told, _) = school.allowances.told()

    assert day_of(NOON_NS, TWO_MINUTES.zone).name == told.day
    assert {CELL: IncidentalUse((1, 0, 0, 0, 0, 0), 1)} == told.uses


BEFORE = IncidentalUse((19, 13, 7, 0, 0, 0), 6)


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (day_of(NOON_NS, TWO_MINUTES.zone).name, IncidentalUse((30, 13, 7, 0, 0, 0), 30)),
        ("2026-01-01", IncidentalUse((30, 0, 0, 0, 0, 0), 30)),
    ],
)
def test_a_restart(day: str, expected: IncidentalUse) -> None:
    """What was told of today before is told on, each number once: the larger one. Another day's numbers are dropped.
    Every device begins with nothing.
    """
    school = School(TWO_MINUTES, min_devices=5, before=DaySoFar(day, {CELL: BEFORE, ("staff", "news"): BEFORE}))
    frames = [connection(device(number), each_minute(3)) for number in range(30)]
    began = school.play([frame for one in frames for frame in one[:-2]])
    snapshot = school.play([frame for one in frames for frame in one[-2:]])

    assert [INCIDENTAL] == list(verdicts(began))
    assert expected == use(snapshot)
    assert (BEFORE if expected.longer_than[1] else IncidentalUse()) == use(snapshot, ("staff", "news"))


def test_a_restart_after_a_restart() -> None:
    """What is told, written down and told again stays what it is."""
    before = DaySoFar(day_of(NOON_NS, TWO_MINUTES.zone).name, {CELL: BEFORE})
    for _ in range(3):
        school = School(TWO_MINUTES, min_devices=5, before=before)
        school.play(connection(device(1), each_minute(3)))
        told, held_back = school.allowances.told()
        assert (before, 0) == (told, held_back)
        before = told


def test_before_the_first_tick() -> None:
    """Nothing is told of no day."""
    assert (DaySoFar(""), 0) == School().allowances.told()


LAB = PlainPolicy(always(INCIDENTAL), allowance=Allowance(minutes=3))


@pytest.mark.parametrize(("period_ns", "exact"), [(SECOND_NS, True), (20 * SECOND_NS, True), (7 * SECOND_NS, False)])
def test_a_lab_day_at_any_pace(period_ns: int, exact: bool, tmp_path: Path) -> None:
    """A capture that is replayed gives what ticks of a second gave on the tap. Ticks that do not fall on the ends of
    minutes may miss one, and never count one that was not there.
    """
    lab = school_day(seed=3, flows=150, start_ns=NOON_NS, duration_ns=15 * MINUTE_NS)
    write_pcap(tmp_path / "day.pcap", lab.frames())
    replayed = replay([tmp_path / "day.pcap"], LAB, min_devices=1).snapshot
    school = School(LAB)
    school.play(lab.frames(), period_ns=period_ns)
    school.finish()
    live = school.pipeline.snapshot(school.now_ns)

    assert [] != [one for one in replayed.incidental.values() if one.over_allowance]
    assert replayed.incidental.keys() == live.incidental.keys()
    for cell, one in live.incidental.items():
        other = replayed.incidental[cell]
        assert one.longer_than[0] == other.longer_than[0]
        assert all(few <= many for few, many in zip(one.longer_than, other.longer_than, strict=True))
        assert one.over_allowance <= other.over_allowance
        if exact:
            assert other == one
    if exact:  # but for what was opened: a file is read in batches, and seals come after each
        first, second = (
            {verdict: replace(counts, opened_bytes=0) for verdict, counts in verdicts(snapshot).items()}
            for snapshot in (replayed, live)
        )
        assert first == second


MOMENTS = st.lists(st.integers(0, 5 * MINUTE_NS - 1), min_size=1, max_size=8)


@settings(max_examples=40)
@given(MOMENTS, MOMENTS)
def test_minutes_whenever_ticks_come(packets: list[int], ticks: list[int]) -> None:
    """A device's minutes are those that hold a packet, when ticks come at the ends of minutes, and others in between;
    without those at the ends they are never more.
    """
    frames = connection(device(1), sorted(NOON_NS + moment for moment in packets))
    minutes = len({frame.time_ns // MINUTE_NS for frame in frames})
    for ends in ([], [NOON_NS + (minute + 1) * MINUTE_NS - 1 for minute in range(6)]):
        due = sorted({*ends, *(NOON_NS + moment for moment in ticks), NOON_NS + 6 * MINUTE_NS})
        for allowed, expected in ((minutes, 0), (minutes - 1, 1)):
            school = School(replace(TWO_MINUTES, allowance=Allowance(minutes=allowed)))
            waiting = sorted(frames, key=lambda frame: frame.time_ns)
            for tick_ns in due:
                school.feed([frame for frame in waiting if frame.time_ns <= tick_ns])
                waiting = [frame for frame in waiting if frame.time_ns > tick_ns]
                school.tick_at(tick_ns)
            assert use(school.pipeline.snapshot(school.now_ns)).over_allowance in (
                {expected} if ends else {0, expected}
            )
            school.gate.close()
