"""Segments: the VLAN decides, then the longest prefix, then nobody knows."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.policy.segments import Role, Segment, Segments, unknown_segment

SEGMENTS = Segments(
    [
        Segment("staff", "Staff", Role.STAFF, (10,), (ip_network("10.10.0.0/16"), ip_network("2001:db8::/32"))),
        Segment("students", "Students", Role.STUDENT, (20, 21), (ip_network("10.0.0.0/8"),)),
        Segment("lab", "Lab", Role.STUDENT, (), (ip_network("10.10.7.0/24"), ip_network("2001:db8:7::1/128"))),
    ]
)


@pytest.mark.parametrize(
    ("vlan", "client", "expected"),
    [
        (10, "192.0.2.1", "staff"),
        (21, "10.10.7.1", "students"),
        (None, "10.10.7.1", "lab"),
        (None, "10.10.8.1", "staff"),
        (None, "10.9.0.1", "students"),
        (99, "10.9.0.1", "students"),
        (0, "10.9.0.1", "students"),
        (None, "192.0.2.1", unknown_segment),
        (99, "192.0.2.1", unknown_segment),
        (None, "2001:db8::5", "staff"),
        (None, "2001:db8:7::1", "lab"),
        (None, "2001:db9::1", unknown_segment),
    ],
)
def test_vlan_then_longest_prefix(vlan: int | None, client: str, expected: str) -> None:
    """A VLAN that no segment has leaves the question to the address; VLAN 0 only carries a priority."""
    assert expected == SEGMENTS.lookup(vlan, ip_address(client).packed)


@pytest.mark.parametrize("client", [b"", b"\x0a\x0a\x07", bytes(5), bytes(17)])
def test_frames_without_ip_have_no_prefix(client: bytes) -> None:
    """What is no address is in no prefix; its VLAN still counts."""
    assert unknown_segment == SEGMENTS.lookup(None, client)
    assert "staff" == SEGMENTS.lookup(10, client)


def test_a_prefix_of_everything() -> None:
    """Length 0 holds every address of its family, and none of the other."""
    segments = Segments([Segment("all", "All", Role.MIXED, (), (ip_network("0.0.0.0/0"),))])

    assert ("all", unknown_segment) == (segments.lookup(None, bytes(4)), segments.lookup(None, bytes(16)))


@pytest.mark.parametrize(
    ("segment", "client", "expected"),
    [
        ("staff", "10.10.8.1", True),
        ("staff", "10.11.0.1", False),  # another segment's: what a flow met midstream took for its client
        ("staff", "2001:db8::5", True),
        ("staff", "2001:db9::5", False),
        ("students", "10.10.7.1", True),
        ("students", "203.0.113.7", False),  # from the Internet into the VLAN
        ("students", "2001:db9::5", True),  # it has no prefix of that version
        ("students", "fe80::1", False),
        ("students", "::", False),
        ("vlan_only", "203.0.113.7", True),
        ("vlan_only", "0.0.0.0", False),  # asks for an address by DHCP
        ("vlan_only", "169.254.3.4", False),
        ("vlan_only", "127.0.0.1", False),
        ("vlan_only", "224.0.0.251", False),
        (unknown_segment, "10.10.8.1", False),
        ("gone since a reload", "10.10.8.1", False),
    ],
)
def test_devices_inside(segment: str, client: str, expected: bool) -> None:
    """A device has an address of its own, in a prefix of its segment where the segment has any of that version."""
    known = [one for one in SEGMENTS.by_identifier.values() if one.identifier != unknown_segment]
    segments = Segments([*known, Segment("vlan_only", "VLAN only", Role.MIXED, (30,))])

    assert expected == segments.is_device(segment, ip_address(client).packed)


def test_the_unknown_segment_always_exists() -> None:
    """Rules and metrics may count on it."""
    assert {unknown_segment} == set(Segments(()).by_identifier)
    assert frozenset({unknown_segment}) == SEGMENTS.with_role(Role.UNKNOWN)


def test_roles_name_segments() -> None:
    """A role stands for all its segments, and may have none."""
    assert (frozenset({"students", "lab"}), frozenset()) == (
        SEGMENTS.with_role(Role.STUDENT),
        SEGMENTS.with_role(Role.GUEST),
    )


@given(
    prefixes=st.lists(st.tuples(st.integers(0, 0xFFFFFFFF), st.integers(0, 32)), max_size=8),
    client=st.integers(0, 0xFFFFFFFF),
)
def test_lookup_equals_asking_every_prefix(prefixes: list[tuple[int, int]], client: int) -> None:
    """For any prefixes, the tables by length give what asking each prefix gives."""
    networks = {ip_network((address, length), strict=False) for address, length in prefixes}
    segments = Segments(
        [Segment(str(network), "", Role.MIXED, (), (network,)) for network in sorted(networks, key=str)]
    )

    address = ip_address(client)
    expected = max((n for n in networks if address in n), key=lambda n: n.prefixlen, default=unknown_segment)

    assert str(expected) == segments.lookup(None, address.packed)
