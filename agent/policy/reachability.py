"""Rules in order -> those that nothing can reach, because an earlier one takes all that they fit."""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

from agent.policy.catalogue import Catalogue
from agent.policy.categories import unclassified, unknown_application
from agent.policy.rules import Rule


def unreachable(rules: Sequence[Rule], catalogue: Catalogue) -> Iterator[tuple[Rule, Rule]]:
    """Yield (rule, the first earlier one that takes all its traffic at all its times).

    A rule is compared with each earlier one by itself, condition by condition, so what is told is always true; rules
    that only several others together cover are not told. Rules for roles that the site has no segment for are meant for
    other sites, and are left alone.
    """
    category_of = {name: entry.application.category for name, entry in catalogue.entries.items()}
    category_of[unknown_application] = unclassified
    applications = [_applications(rule, category_of) for rule in rules]
    for at, later in enumerate(rules):
        if later.segments is not None and not later.segments:
            continue
        for before, earlier in enumerate(rules[:at]):
            if (
                _covers(earlier.segments, later.segments)
                and _covers(applications[before], applications[at])
                and _covers(earlier.protocols, later.protocols)
                and _covers(earlier.accounts, later.accounts)
                and _covers(earlier.evidence, later.evidence)
                and _holds_whenever(earlier, later)
            ):
                yield later, earlier
                break


def _covers(wider: AbstractSet[object] | None, narrower: AbstractSet[object] | None) -> bool:
    return wider is None or (narrower is not None and narrower <= wider)


def _applications(rule: Rule, category_of: Mapping[str, str]) -> frozenset[str] | None:
    """What the conditions on category and application leave; None when there is neither."""
    if rule.categories is None and rule.applications is None:
        return None
    return frozenset(
        name
        for name, category in category_of.items()
        if (rule.categories is None or category in rule.categories)
        and (rule.applications is None or name in rule.applications)
    )


def _holds_whenever(earlier: Rule, later: Rule) -> bool:
    """True when no schedule can keep the earlier rule from holding while the later one does."""
    in_time = not earlier.when or (bool(later.when) and set(later.when) <= set(earlier.when))
    return in_time and set(earlier.unless) <= set(later.unless)
