"""From the configuration to the notice of it."""

from dataclasses import replace

from agent.authority.authorisation import MAX_DAYS
from agent.naming.book import MAX_LIFE_S
from agent.notice.describe import DEVICES_DAYS, MAX_AUTHORISATION_DAYS, NAMES_DAYS, describe
from agent.notice.notice import Collected, Network, Notice, description_of, fingerprint_of
from agent.notice.premises import Premises
from agent.policy.policy import Policy
from agent.policy.rules import Rulebook
from agent.sketches.exchange import KEPT_AFTER_S
from agent.verdict import Allowance, Verdict


def test_numbers_are_those_of_the_code() -> None:
    """What the notice says of times is what the parts that keep the times do."""
    assert MAX_DAYS == MAX_AUTHORISATION_DAYS
    assert MAX_LIFE_S == NAMES_DAYS * 86_400
    assert 86_400 + KEPT_AFTER_S == DEVICES_DAYS * 86_400


def test_describes_the_premises(notice: Notice) -> None:
    """Buildings, taps, networks and times are those of the configuration; every network is named by a tap."""
    assert ["East High School", "West Middle School"] == [building.name for building in notice.buildings]
    assert [("core", ("staff", "students")), ("west", ("guests",))] == [(tap.id, tap.networks) for tap in notice.taps]
    assert Network("guests", "Guests", (30,), ("10.30.0.0/16",)) == notice.networks[0]
    assert {"counts": 400, "records": 90, "names": 1} == {kept.id: kept.days for kept in notice.kept}
    assert () == notice.elsewhere


def test_networks_without_a_tap_are_described(policy: Policy, premises: Premises) -> None:
    """A segment that no tap names is counted wherever it passes, and the notice says so."""
    notice = describe(policy, replace(premises, taps=premises.taps[:1]))

    assert ("guests",) == notice.elsewhere


def test_order_does_not_count(policy: Policy, premises: Premises, notice: Notice) -> None:
    """Moving lines about in premises.yaml changes nothing, nor do the places where the notice hangs."""
    turned = replace(premises, buildings=premises.buildings[::-1], taps=premises.taps[::-1], posted_where=())

    assert fingerprint_of(description_of(notice)) == fingerprint_of(description_of(describe(policy, turned)))


def test_device_minutes_only_with_an_allowance(policy: Policy, premises: Premises) -> None:
    """Minutes for each device are a type of monitoring where some rule has an allowance, and only there."""
    plain = [replace(rule, allowance=None) for rule in policy.rulebook.rules]
    limited = [
        replace(rule, allowance=Allowance(minutes=30)) if rule.verdict is Verdict.INCIDENTAL else rule for rule in plain
    ]
    collected = [
        describe(
            replace(policy, rulebook=Rulebook(rules, policy.rulebook.default, policy.schedules)), premises
        ).collected
        for rules in (plain, limited)
    ]

    assert [Collected.COUNTS, Collected.NAMES, Collected.DNS, Collected.RECORDS] == list(collected[0])
    assert [kind for kind in Collected if kind is not Collected.DISTINCT_DEVICES] == list(collected[1])


def test_distinct_devices_only_where_they_are_counted(policy: Policy, premises: Premises, notice: Notice) -> None:
    """Where the store stands, and for how long it keeps sketches, is told when there is one; another place is a change."""
    told = describe(policy, replace(premises, distinct_devices="network room"))

    assert Collected.DISTINCT_DEVICES in told.collected
    assert ("network room", 2) == (told.devices_store, {kept.id: kept.days for kept in told.kept}["distinct_devices"])
    assert Collected.DISTINCT_DEVICES not in notice.collected
    moved = describe(policy, replace(premises, distinct_devices="basement"))
    assert 3 == len({fingerprint_of(description_of(one)) for one in (notice, told, moved)})
