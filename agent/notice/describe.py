"""The policy and the premises -> the Notice that describes what is really monitored, and where."""

from typing import Final

from agent.notice.notice import Collected, Kept, Network, Notice, NoticedBuilding, NoticedTap, Opened
from agent.notice.opening import LIMITS
from agent.notice.premises import Premises
from agent.policy.categories import unclassified
from agent.policy.policy import Policy
from agent.policy.segments import unknown_segment

NAMES_DAYS: Final = 1
"""How long a DNS answer is used at most: naming/book.py, MAX_LIFE_S. A test holds them equal."""
DEVICES_DAYS: Final = 2
"""How long a sketch of distinct devices is kept at most: its day, and as long after it as sketches/exchange.py,
KEPT_AFTER_S, says. A test holds them equal."""
MAX_AUTHORISATION_DAYS: Final = 30
"""The longest that an authorisation may last: authority/authorisation.py, MAX_DAYS. A test holds them equal."""


def describe(policy: Policy, premises: Premises) -> Notice:
    """The notice for a configuration. The same configuration gives the same notice, in whatever order it was written.

    Args:
        policy: What is told apart, and in which networks.
        premises: Where, and for how long.
    """
    segments = [s for s in policy.segments.by_identifier.values() if s.identifier != unknown_segment]
    networks = tuple(
        Network(
            segment.identifier,
            segment.title,
            tuple(sorted(segment.vlans)),
            tuple(sorted(str(prefix) for prefix in segment.prefixes)),
        )
        for segment in sorted(segments, key=lambda segment: segment.identifier)
    )
    named = {segment for tap in premises.taps for segment in tap.segments}
    categories = {entry.application.category for entry in policy.catalogue.entries.values()} | {unclassified}
    store = premises.distinct_devices
    # Minutes are added up where a rule has an allowance, and nowhere else.
    device_minutes = any(rule.allowance is not None for rule in (*policy.rulebook.rules, policy.rulebook.default))
    return Notice(
        district=premises.district,
        contact=premises.contact,
        collected=tuple(
            kind
            for kind in Collected
            if (device_minutes or kind is not Collected.DEVICE_MINUTES)
            and (store or kind is not Collected.DISTINCT_DEVICES)
        ),
        categories=tuple(sorted(categories)),
        services=tuple(sorted({service.service for service in policy.services.declared})),
        unknown_names_open=policy.services.unknown_names_open,
        opened=tuple(Opened(name, value) for name, value in sorted(LIMITS.items())),
        kept=(
            Kept("counts", premises.retention.counts_days),
            *((Kept("distinct_devices", DEVICES_DAYS),) if store else ()),
            Kept("names", NAMES_DAYS),
            Kept("records", premises.retention.records_days),
        ),
        devices_store=store,
        max_authorisation_days=MAX_AUTHORISATION_DAYS,
        buildings=tuple(
            NoticedBuilding(building.identifier, building.name, building.address)
            for building in sorted(premises.buildings, key=lambda building: building.identifier)
        ),
        taps=tuple(
            NoticedTap(tap.identifier, tap.building, tap.where, tuple(sorted(tap.segments)), tuple(sorted(tap.covers)))
            for tap in sorted(premises.taps, key=lambda tap: tap.identifier)
        ),
        networks=networks,
        elsewhere=tuple(network.id for network in networks if network.id not in named),
    )
