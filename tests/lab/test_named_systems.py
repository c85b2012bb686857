"""Named systems: every one in every segment, one minute for all, marks where nothing may be opened."""

from agent.lab.canary import flow_numbers
from agent.lab.named_systems import NAMED_SYSTEMS, named_systems, plans, register
from agent.lab.visits import SEGMENTS

START_NS = 1_795_446_000_000_000_000
MINUTE_NS = 60_000_000_000

REGULATIONS_NAME = {
    *("facebook", "twitter", "linkedin", "instagram", "youtube", "tiktok"),
    *("chatgpt", "snapchat", "signal"),
}
"""What the three regulations name as such; the other systems they give as kinds."""


def test_each_segment_has_each_system_once() -> None:
    """Numbers count up, ends are unique, and every named system is met in every VLAN."""
    truths = [plan.truth for plan in plans(START_NS)]

    assert list(range(len(NAMED_SYSTEMS) * len(SEGMENTS))) == [truth.flow_number for truth in truths]
    assert len(truths) == len({truth.ends for truth in truths})
    assert {(segment.vlan, system.application) for segment in SEGMENTS for system in NAMED_SYSTEMS} == {
        (truth.vlan, truth.application) for truth in truths
    }
    assert set() == REGULATIONS_NAME - {system.application for system in NAMED_SYSTEMS}


def test_frames_are_in_order_and_within_one_minute() -> None:
    """The same moment gives the same frames, from it on, before the next bell."""
    frames = named_systems(START_NS)
    times = [frame.time_ns for frame in frames]

    assert frames == named_systems(START_NS)
    assert sorted(times) == times
    assert START_NS == times[0]
    assert times[-1] < START_NS + MINUTE_NS


def test_every_flow_is_marked() -> None:
    """Each flow has payload that must stay closed, and it carries the flow's canary."""
    found = flow_numbers(b"".join(frame.data for frame in named_systems(START_NS)))

    assert {plan.truth.flow_number for plan in plans(START_NS)} == found


def test_a_telephone_says_who_it_is_late() -> None:
    """The first 64 bytes, which may be opened, are the protocol's own."""
    for line in register(7):
        assert frozenset() == flow_numbers(line.data[:64])
        assert frozenset({7}) == flow_numbers(line.data)
