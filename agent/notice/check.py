"""The notice in force and the one that was posted -> what a person has to do, if anything."""

from agent.notice.changes import changes
from agent.notice.notice import Notice, description_of, fingerprint_of
from agent.notice.posted import Posted
from agent.policy.problems import Mark, Problems

REMEDY = 'post the new notice, then "hallwatch notice --record"'


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
