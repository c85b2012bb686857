"""A directory of rules -> its premises, its notice and its record of the posted one, and that record back to it."""

import os
from collections.abc import Collection
from pathlib import Path
from typing import Final

from agent.notice.check import Standing, check_posted
from agent.notice.describe import describe
from agent.notice.notice import Notice
from agent.notice.posted import Posted, UnreadableRecordError, document_of, read_document
from agent.notice.premises import Premises
from agent.notice.premises_file import read_premises
from agent.policy.document import max_file_bytes, parse
from agent.policy.policy import Policy
from agent.policy.problems import Mark, Problems, RulesError
from agent.policy.segments import unknown_segment

PREMISES: Final = "premises.yaml"
POSTED: Final = "notice-posted.json"
DEFAULT_RECORDS_DAYS: Final = 90
"""How long records made under an authorisation are kept where no premises.yaml says it."""


def load_premises(directory: Path, segments: Collection[str] | None) -> Premises | None:
    """The premises of a directory of rules, or None when it has no such file.

    Raises:
        RulesError: With everything that is wrong in the file.
    """
    path, problems = directory / PREMISES, Problems()
    data = _read(path, problems)
    problems.raise_if_any()
    if data is None:
        return None
    document = parse(data, str(path), problems)
    premises = None if document is None else read_premises(document, segments, problems)
    problems.raise_if_any()
    return premises


def notice_of(directory: Path, policy: Policy) -> tuple[Notice | None, Premises | None]:
    """The notice for a directory of rules, and its premises; nothing when it has no premises.yaml.

    Raises:
        RulesError: With everything that is wrong in premises.yaml.
    """
    premises = load_premises(directory, policy.segments.by_identifier.keys() - {unknown_segment})
    return (None, None) if premises is None else (describe(policy, premises), premises)


def read_standing(directory: Path, policy: Policy, *, district: str | None) -> Standing:
    """How the posted notice stands to a policy that was just loaded. What is wrong with it is told, and never raised.

    Args:
        directory: Of the rules, with premises.yaml and the record of what was posted.
        policy: As loaded.
        district: The pack that stands in place of rules.yaml; then the posted notice is not compared, since it is that
            of rules.yaml.
    """
    is_posted = None if district is not None else False
    notice, premises, problems = None, None, Problems()
    try:
        notice, premises = notice_of(directory, policy)
        if district is not None:
            words = "not compared with what is posted: that is the notice of rules.yaml"
            return Standing(notice, premises, words, is_true=True, is_posted=is_posted)
        posted = load_posted(directory)
    except RulesError as error:
        first = str(error.problems[0])
        return Standing(notice, premises, first, is_true=False, is_posted=is_posted, unreadable=first)
    words = check_posted(notice, posted, POSTED, problems)
    if notice is not None and posted is None:
        words = "not recorded as posted"  # what to do about it, `hallwatch check` says at length
    try:
        problems.raise_if_any()
    except RulesError as error:
        return Standing(notice, premises, str(error.problems[0]), is_true=False, is_posted=is_posted)
    return Standing(notice, premises, words, is_true=True, is_posted=notice is not None and posted is not None)


def records_days(directory: Path) -> int:
    """How long the daemon keeps records, by the premises of a directory of rules: what the notice says, it does.

    Raises:
        RulesError: With everything that is wrong in the file.
    """
    premises = load_premises(directory, None)
    return DEFAULT_RECORDS_DAYS if premises is None else premises.retention.records_days


def check_told(directory: Path) -> None:
    """Whoever counts distinct devices in a store asks this of the premises, at the start and at each reload.

    Raises:
        RulesError: The premises cannot be read, or do not say where the store stands, so that no notice would tell of it.
    """
    premises = load_premises(directory, None)
    if premises is not None and not premises.distinct_devices:
        problems = Problems()
        what = "the notice would not tell that devices are counted in a store"
        remedy = 'say where it stands, as in "distinct_devices: {where: network room}", and post the new notice'
        problems.add(Mark(str(directory / PREMISES), 0), what, remedy)
        problems.raise_if_any()


def load_posted(directory: Path) -> Posted | None:
    """The record of the notice that was posted, or None when none ever was.

    Raises:
        RulesError: The record cannot be read, or was changed by hand.
    """
    path, problems = directory / POSTED, Problems()
    data = _read(path, problems)
    posted = None
    if data is not None:
        try:
            posted = read_document(data.decode("utf-8"))
        except (UnicodeDecodeError, UnreadableRecordError) as error:
            remedy = 'post the notice of today and record it anew: "hallwatch notice --record"'
            problems.add(Mark(str(path), 0), str(error), remedy)
    problems.raise_if_any()
    return posted


def record_posted(directory: Path, posted: Posted) -> Path:
    """Keep the record of a notice in place of the one before, in one step; the path of the file.

    Raises:
        OSError: It cannot be written; then the one before is still there.
    """
    path = directory / POSTED
    scratch = directory / f".{POSTED}.{os.getpid()}"
    try:
        scratch.write_text(document_of(posted), encoding="utf-8")
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)
    return path


def _read(path: Path, problems: Problems) -> bytes | None:
    """The file's bytes; None when there is no such file, or a problem was noted."""
    mark = Mark(str(path), 0)
    try:
        if path.exists() and not path.is_file():  # a pipe or a device by that name would never end
            problems.add(mark, "this is no file", "put a plain file here")
            return None
        with path.open("rb") as file:
            data = file.read(max_file_bytes + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        problems.add(mark, f"the file cannot be read: {error.strerror}", "let the daemon's user read it")
        return None
    if len(data) > max_file_bytes:
        problems.add(mark, f"the file is larger than {max_file_bytes} bytes", "shorten it")
        return None
    return data
