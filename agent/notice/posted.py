"""Words of the record: which notice was posted, when and where, and the JSON document that keeps it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from agent.notice.notice import fingerprint_of


@dataclass(frozen=True, slots=True)
class Posted:
    """A notice that was posted."""

    on: date
    fingerprint: str
    where: tuple[str, ...]
    description: Mapping[str, object]
    """What it describes, as description_of gave it."""
    line: int = 0
    """Where its fingerprint stands in the file, counted from 1; 0 when it was not found there."""


class UnreadableRecordError(Exception):
    """The record is not one, or was changed by hand; the text says how."""


def document_of(posted: Posted) -> str:
    """The record as a JSON document, for people to read and for version control to compare."""
    document = {
        "posted": posted.on.isoformat(),
        "fingerprint": posted.fingerprint,
        "where": list(posted.where),
        "description": posted.description,
    }
    return json.dumps(document, indent=2, ensure_ascii=False, sort_keys=False) + "\n"


def read_document(text: str) -> Posted:
    """The record in a JSON document.

    Raises:
        UnreadableRecordError: It is not one, or its description is not the one that the fingerprint is of.
    """
    try:
        document: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableRecordError(f"this is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise UnreadableRecordError("this is no record of a notice")
    fingerprint, description, where = (document.get(key) for key in ("fingerprint", "description", "where"))
    if not isinstance(fingerprint, str) or not isinstance(description, dict) or not isinstance(where, list):
        raise UnreadableRecordError('this record has no "fingerprint", "description" or "where"')
    try:
        on = date.fromisoformat(str(document.get("posted")))
        actual = fingerprint_of(description)
    except (ValueError, RecursionError) as error:
        raise UnreadableRecordError(f"this record cannot be read: {error}") from error
    if actual != fingerprint:
        raise UnreadableRecordError("the description is not the one that the fingerprint is of")
    lines = enumerate(text.splitlines(), 1)
    line = next((number for number, line in lines if line.lstrip().startswith('"fingerprint":')), 0)
    return Posted(on, fingerprint, tuple(str(place) for place in where), description, line)
