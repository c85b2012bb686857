"""The notice in force and the one that was posted -> what a person has to do, if anything."""

from dataclasses import dataclass

from agent.notice.changes import changes
from agent.notice.notice import Notice, description_of, fingerprint_of
from agent.notice.posted import Posted
from agent.notice.premises import Premises
from agent.policy.problems import Mark, Problems

REMEDY = 'post the new notice, then "hallwatch notice --record"'


@dataclass(frozen=True, slots=True)
class Standing:
    """How the posted notice stood to rules when they were loaded: the page and the metric both tell it from here."""

    notice: Notice | None
    """Of the rules that were loaded; None when it cannot be written."""
    premises: Premises | None
    words: str
    """A few; the first problem, if there is any."""
    is_true: bool
    """False when there is a problem. That none is recorded as posted is none."""
    is_posted: bool | None
    """Whether one is recorded, and says what these rules do; None when it is not to be compared."""
    unreadable: str | None = None
    """Why the premises or the record could not be read."""


def check_posted(notice: Notice | None, posted: Posted | None, file: str, problems: Problems) -> str:
    """Note as a problem each thing that the posted notice does not say as it is.

    Args:
        notice: In force; None when there are no premises to write one of.
        posted: None when none ever was: that is told, and no problem, so that rules can be tried before anything hangs.
        file: The record's name, as problems shall show it.
        problems: Gets every difference, at the line of the recorded fingerprint.

    Returns:
        How the notice stands, in a few words.
    """
    if notice is None:
        if posted is not None:
            problems.add(Mark(file, posted.line), "a notice was posted, and there is no premises.yaml any more", REMEDY)
        return "none can be written without premises.yaml"
    if posted is None:
        return 'none is recorded as posted: "hallwatch notice" writes it, "hallwatch notice --record" once it hangs'
    description = description_of(notice)
    if fingerprint_of(description) != posted.fingerprint:
        since = f"the notice posted on {posted.on.isoformat()} is no longer true"
        for change in changes(posted.description, description):
            problems.add(Mark(file, posted.line), f"{since}: {change}", REMEDY)
    return f"as posted on {posted.on.isoformat()}"
