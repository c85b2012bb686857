"""Visits: who does what, and what is true about it."""

import ipaddress
import random
from collections import Counter

import pytest

from agent.flow import Evidence
from agent.lab.flows import Plan
from agent.lab.services import ECH_PUBLIC_NAME, RESOLVERS
from agent.lab.visits import SEGMENTS, Campus

VISITS = 1500


@pytest.fixture(scope="module")
def visits() -> list[list[Plan]]:
    """The plans of many visits, visit by visit."""
    campus = Campus(random.Random(1), clients=60, segments=SEGMENTS, max_pace_ns=10**9)
    return [list(campus.visit(moment * 10**9)) for moment in range(VISITS)]


def test_flow_numbers_and_ends_are_unique(visits: list[list[Plan]]) -> None:
    """Numbers count up without a gap, and no two TCP or UDP flows have the same ends."""
    truths = [plan.truth for plans in visits for plan in plans]
    assert list(range(len(truths))) == sorted(truth.flow_number for truth in truths)
    ends = [(truth.transport, truth.ends) for truth in truths if truth.transport in ("tcp", "udp")]
    assert len(ends) == len(set(ends))


def test_clients_belong_to_their_segment(visits: list[list[Plan]]) -> None:
    """VLAN and prefix of every client agree, and each segment gets roughly its share."""
    prefixes = {segment.vlan: (segment.v4, segment.v6) for segment in SEGMENTS}
    truths = [plan.truth for plans in visits for plan in plans if plan.truth.ends.client]
    for truth in truths:
        client = ipaddress.ip_address(truth.ends.client)
        assert client in prefixes[truth.vlan][client.version == 6]
    shares = Counter(truth.vlan for truth in truths)
    assert shares[20] > shares[10] > shares[30] > 0


def test_about_one_in_seven_visits_is_ipv6(visits: list[list[Plan]]) -> None:
    """Fifteen per cent, give or take."""
    families = Counter(len(plans[-1].truth.ends.client) for plans in visits)
    assert 0.10 < families[16] / VISITS < 0.20


def test_look_ups_come_before_what_needs_them(visits: list[list[Plan]]) -> None:
    """Look-ups go to the resolver of the client's family, and the connection begins after them."""
    looked_up = [plans for plans in visits if len(plans) > 1]
    assert len(looked_up) > VISITS / 2
    for *before, connection in looked_up:
        assert {"dns"} == {plan.truth.protocol for plan in before}
        assert {True} == {plan.truth.ends.server in RESOLVERS for plan in before}
        assert {connection.truth.ends.client} == {plan.truth.ends.client for plan in before}
        assert all(plan.start_ns < connection.start_ns for plan in before)


def test_what_is_visible_follows_from_what_is_sent(visits: list[list[Plan]]) -> None:
    """Without server_name there is always a look-up; behind ECH never one, and an outer name instead."""
    seen = Counter(plans[-1].truth.visible for plans in visits)
    assert set(Evidence) - {Evidence.ADDRESS} == set(seen)
    for plans in visits:
        truth = plans[-1].truth
        assert (truth.visible is Evidence.ECH) == (truth.outer_name == ECH_PUBLIC_NAME)
        assert (truth.hostname is None) == (truth.visible in (Evidence.NONE, Evidence.PROTOCOL))
        if truth.visible is Evidence.DNS:
            assert len(plans) > 1
        if truth.visible in (Evidence.ECH, Evidence.NONE):
            assert 1 == len(plans)


def test_hidden_edges_have_addresses_of_their_own(visits: list[list[Plan]]) -> None:
    """No address behind ECH is one that a look-up could have given away."""
    truths = [plan.truth for plans in visits for plan in plans]
    hidden = {truth.ends.server for truth in truths if truth.visible is Evidence.ECH}
    named = {truth.ends.server for truth in truths if truth.hostname and truth.visible is not Evidence.ECH}
    assert hidden
    assert set() == hidden & named
