"""Rules that have just been loaded -> what the metrics tell of them: clauses, the catalogue's age, the posted notice."""

from datetime import UTC, datetime, time
from pathlib import Path
from typing import Final

from agent.log import EventLog
from agent.metrics import ReloadState
from agent.notice.files import is_posted
from agent.policy.policy import Policy
from agent.policy.problems import RulesError

NO_CLAUSE: Final = "none"
"""What a rule that names no clause of the written policy rests on, in a label."""


def in_force(policy: Policy, rules: Path, *, district: str | None, now_s: float, log: EventLog) -> ReloadState:
    """The state after a reload that succeeded.

    Args:
        policy: as loaded.
        rules: the directory that it was loaded from.
        district: the pack in place of its rules.yaml. The notice is that of rules.yaml, so none is compared then.
        now_s: of the load, in seconds since the epoch.
        log: is told of premises or a record that cannot be read; the notice does not count as posted then.
    """
    posted = None
    if district is None:
        try:
            posted = is_posted(rules, policy)
        except RulesError as error:
            posted = False
            log.warning("notice_unreadable", rules=str(rules), first=str(error.problems[0]))
    reviewed = policy.catalogue.reviewed
    return ReloadState(
        successful=True,
        last_success_s=now_s,
        notice_is_posted=posted,
        catalogue_reviewed_s=None if reviewed is None else datetime.combine(reviewed, time(), UTC).timestamp(),
        clauses={
            rule.identifier: rule.clause or NO_CLAUSE for rule in (*policy.rulebook.rules, policy.rulebook.default)
        },
    )
