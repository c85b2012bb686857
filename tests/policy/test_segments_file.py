"""rules/segments.yaml: VLANs, ranges and prefixes are read; what overlaps or cannot be is told with its line."""

from ipaddress import ip_network

import pytest

from agent.policy import segments_file
from agent.policy.document import parse
from agent.policy.problems import Problems, RulesError
from agent.policy.segments import Role, Segment, Segments
from agent.policy.segments_file import read_segments


def read(text: str) -> tuple[Segments, list[str]]:
    """Returns the segments, and the problems."""
    problems = Problems()
    node = parse(text.encode(), "s.yaml", problems)
    assert node is not None
    segments = read_segments(node, problems)
    try:
        problems.raise_if_any()
    except RulesError as error:
        return segments, [str(problem) for problem in error.problems]
    return segments, []


def one(fields: str) -> str:
    """Returns a file with a right segment in line 2 and another in line 3."""
    return (
        "segments:\n"
        "  - {id: staff, title: Staff, role: staff, vlans: [10], prefixes: [10.10.0.0/16]}\n"
        f"  - {{{fields}}}\n"
    )


def test_a_segment_is_read() -> None:
    """VLANs may be ranges, prefixes of both families; the unknown segment is added."""
    segments, problems = read(
        one('id: lab, title: Lab, role: student, vlans: [20, 30-32], prefixes: ["2001:db8::/32"]')
    )

    assert [] == problems
    assert ["staff", "lab", "unknown"] == list(segments.by_identifier)
    assert (
        Segment("lab", "Lab", Role.STUDENT, (20, 30, 31, 32), (ip_network("2001:db8::/32"),))
        == segments.by_identifier["lab"]
    )


def test_an_exception_inside_a_wider_prefix() -> None:
    """A prefix inside another segment's is no overlap but an exception: the longest wins."""
    segments, problems = read(one("id: lab, title: Lab, role: student, prefixes: [10.10.7.0/24]"))

    assert ([], "lab") == (problems, segments.lookup(None, bytes([10, 10, 7, 1])))


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ("id: a, title: A, role: staff, vlans: [10]", 'VLAN 10 is in segment "staff" already (line 2); keep it in one'),
        (
            "id: a, title: A, role: staff, vlans: [9-11]",
            'VLAN 10 is in segment "staff" already (line 2); keep it in one',
        ),
        (
            "id: a, title: A, role: staff, prefixes: ['::ffff:10.9.0.0/112']",
            "::ffff:a09:0/112 holds IPv4 addresses as some programs write them in IPv6; write the IPv4 prefix itself",
        ),
        ("id: a, title: A, role: staff, vlans: [0]", '"0" is no VLAN; a number from 1 to 4094'),
        ("id: a, title: A, role: staff, vlans: [4095]", '"4095" is no VLAN; a number from 1 to 4094'),
        ("id: a, title: A, role: staff, vlans: [9-7]", '"9-7" is no VLAN; a number from 1 to 4094, or a range'),
        ("id: a, title: A, role: staff, vlans: [x]", '"x" is no VLAN'),
        (
            "id: a, title: A, role: staff, prefixes: [10.10.0.0/16]",
            '10.10.0.0/16 is in segment "staff" already (line 2)',
        ),
        ("id: a, title: A, role: staff, prefixes: [10.9.1.0/16]", "is no prefix; the network itself is 10.9.0.0/16"),
        ("id: a, title: A, role: staff, prefixes: [10.9.0.0/33]", "is no prefix; an address and a length, such as"),
        (
            "id: a, title: A, role: staff, prefixes: [10.9.0.0/16, 10.9.1.0/24]",
            "10.9.1.0/24 overlaps 10.9.0.0/16 of the same segment (line 3); remove it",
        ),
        ("id: staff, title: A, role: staff, vlans: [11]", 'the segment "staff" stands in line 2 already; give each'),
        ("id: unknown, title: A, role: staff, vlans: [11]", "is the segment of what no other explains; choose another"),
        ("id: a, title: A, role: teacher, vlans: [11]", '"role": "teacher" is not known; one of: device, guest, mixed'),
        ("id: a, title: A, role: studnet, vlans: [11]", 'did you mean "student"?'),
        ("id: a, title: A, role: unknown, vlans: [11]", '"role": "unknown" is not known'),
        ("id: a, title: A, role: staff", 'no traffic can be in this segment; add "vlans: [10]" or'),
        (
            "id: a, title: A, role: staff, vlan: [11], vlans: [12]",
            '"vlan" is no key of this segment; did you mean "vlans"?',
        ),
        ("id: A B, title: A, role: staff, vlans: [11]", '"A B" is no identifier'),
        ("title: A, role: staff, vlans: [11]", 'this segment has no "id"; add "id:"'),
    ],
)
def test_one_fault_is_one_problem(fields: str, problem: str) -> None:
    """Each fault is told once, in line 3, with its remedy."""
    _, problems = read(one(fields))

    assert 1 == len(problems), problems
    assert problems[0].startswith("s.yaml:3: ")
    assert problem in problems[0]


def test_a_range_that_is_taken_is_one_problem() -> None:
    """Not one for each of its VLANs; those that are free are the segment's."""
    segments, problems = read(one("id: a, title: A, role: staff, vlans: [9-10, 8-12]"))

    remedy = "keep it in one segment"
    assert [
        f's.yaml:3: VLAN 10 is in segment "staff" already (line 2); {remedy}',
        f's.yaml:3: VLAN 9 is in segment "a" already (line 3), and 1 more of this range are taken too; {remedy}',
    ] == problems
    assert (9, 8, 11, 12) == segments.by_identifier["a"].vlans


def test_the_number_of_vlans_and_prefixes_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of all segments together; what is beyond is not even looked at, or a large file would take hours."""
    monkeypatch.setattr(segments_file, "max_entries", 3)
    segments, problems = read(one("id: a, title: A, role: staff, vlans: [11, x]"))

    remedy = "write ranges of VLANs, and the prefix that holds the others"
    assert [f"s.yaml:3: more than 3 VLANs and prefixes; {remedy}"] == problems
    assert (11,) == segments.by_identifier["a"].vlans


def test_the_number_of_segments_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments multiply series, so their number is bounded, and the one too many is named."""
    monkeypatch.setattr(segments_file, "max_segments", 1)

    _, problems = read(one("id: a, title: A, role: staff, vlans: [11]"))

    assert ["s.yaml:3: more than 1 segments; join those that no rule tells apart"] == problems
