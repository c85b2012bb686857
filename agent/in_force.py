"""Rules that have just been loaded -> what the metrics tell of them: clauses, the catalogue's age, the posted notice."""

from datetime import UTC, datetime, time
from typing import Final

from agent.metrics import ReloadState
from agent.notice.check import Standing
from agent.policy.policy import Policy

NO_CLAUSE: Final = "none"
"""What a rule that names no clause of the written policy rests on, in a label."""


def in_force(policy: Policy, standing: Standing, *, now_s: float) -> ReloadState:
    """The state after a reload that succeeded.

    Args:
        policy: as loaded.
        standing: of the posted notice to it.
        now_s: of the load, in seconds since the epoch.
    """
    reviewed = policy.catalogue.reviewed
    return ReloadState(
        successful=True,
        last_success_s=now_s,
        notice_is_posted=standing.is_posted,
        catalogue_reviewed_s=None if reviewed is None else datetime.combine(reviewed, time(), UTC).timestamp(),
        clauses={
            rule.identifier: rule.clause or NO_CLAUSE for rule in (*policy.rulebook.rules, policy.rulebook.default)
        },
    )
