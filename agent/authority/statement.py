"""An Authorisation <-> the JSON object that is signed, with everything that the law and the house ask of it."""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from ipaddress import ip_address
from typing import Final

from agent.authority.authorisation import (
    MAX_DAYS,
    MAX_INFORMATION_CHARACTERS,
    MAX_NAME_CHARACTERS,
    MIN_INFORMATION_CHARACTERS,
    Authorisation,
    Device,
    Ground,
    Network,
    Scope,
)

SECOND_NS: Final = 1_000_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST: Final = datetime.max.replace(tzinfo=UTC)
_IDENTIFIER: Final = re.compile(r"[0-9]{8}-[0-9a-f]{12}")
_KEYS: Final = frozenset(
    {"id", "ground", "information", "received_on", "approved_by", "scope", "written", "from", "until", "names"}
)


class StatementError(Exception):
    """What should be an authorisation is none, or lacks something; `reasons` says all of it."""

    def __init__(self, *reasons: str) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons


def canonical(document: Mapping[str, object]) -> bytes:
    """A JSON object as the bytes that are signed or hashed: sorted keys, no space, UTF-8.

    Raises:
        UnicodeEncodeError: A text holds half a surrogate pair.
    """
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def time_text(time_ns: int) -> str:
    """A time in whole seconds: "2026-11-23T15:00:00Z"."""
    return (_EPOCH + timedelta(seconds=time_ns // SECOND_NS)).strftime("%Y-%m-%dT%H:%M:%SZ")


def time_of(text: str) -> int:
    """The time, in nanoseconds since the epoch, that `time_text` wrote.

    Raises:
        ValueError: It is not of that form.
    """
    moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(seconds=1) * SECOND_NS


def lacking(authorisation: Authorisation) -> tuple[str, ...]:
    """What keeps an authorisation from being one, a sentence each; () when nothing does."""
    information, approved_by = authorisation.information.strip(), authorisation.approved_by.strip()
    found = []
    if not MIN_INFORMATION_CHARACTERS <= len(information) <= MAX_INFORMATION_CHARACTERS:
        found.append(
            f"say the specific information it rests on, in {MIN_INFORMATION_CHARACTERS} to "
            f"{MAX_INFORMATION_CHARACTERS} characters"
        )
    if not 0 < len(approved_by) <= MAX_NAME_CHARACTERS:
        found.append(f"say who approved it, in at most {MAX_NAME_CHARACTERS} characters")
    if not (information + approved_by).isprintable():
        found.append("write it on one line, without control characters: a terminal would act on them")
    try:
        received = date.fromisoformat(authorisation.received_on)
    except ValueError:
        found.append("say on which day the information was received, as in 2026-11-20")
    else:
        # A day has begun somewhere on Earth up to 14 hours before it does in UTC; a calendar ends with the year 9999.
        written = _EPOCH + timedelta(seconds=authorisation.written_ns // SECOND_NS)
        if received > (written + min(timedelta(hours=14), _LAST - written)).date():
            found.append("the information cannot have been received after the authorisation was written")
    if isinstance(authorisation.scope, Network) and not authorisation.scope.segment:
        found.append("name the device or the segment that it is for")
    if authorisation.until_ns <= authorisation.from_ns:
        found.append("it ends before it begins")
    if authorisation.until_ns - authorisation.from_ns > MAX_DAYS * 86_400 * SECOND_NS:
        found.append(f"it lasts for more than {MAX_DAYS} days; approve a shorter one, and another when it has ended")
    return tuple(found)


def document_of(authorisation: Authorisation) -> dict[str, object]:
    """The JSON object of an authorisation."""
    scope = authorisation.scope
    return {
        "id": authorisation.identifier,
        "ground": authorisation.ground.value,
        "information": authorisation.information,
        "received_on": authorisation.received_on,
        "approved_by": authorisation.approved_by,
        "scope": {"device": str(scope.address)} if isinstance(scope, Device) else {"segment": scope.segment},
        "written": time_text(authorisation.written_ns),
        "from": time_text(authorisation.from_ns),
        "until": time_text(authorisation.until_ns),
        "names": authorisation.names,
    }


def identifier_for(authorisation: Authorisation) -> str:
    """A name for a new authorisation: the day it was written, and a part of the hash over all else that it says."""
    document = {key: value for key, value in document_of(authorisation).items() if key != "id"}
    return f"{time_text(authorisation.written_ns)[:10].replace('-', '')}-{hashlib.sha256(canonical(document)).hexdigest()[:12]}"


def read_statement(document: object) -> Authorisation:
    """The authorisation in a JSON object.

    Raises:
        StatementError: It is none, or lacks something.
    """
    if not isinstance(document, dict) or document.keys() != _KEYS:
        raise StatementError(f"an authorisation has the keys {', '.join(sorted(_KEYS))}, and no others")
    texts = {key: value for key, value in document.items() if isinstance(value, str)}
    names = document["names"]
    if texts.keys() != _KEYS - {"scope", "names"} or not isinstance(names, bool):
        raise StatementError("an authorisation's values are texts, but for scope and names")
    if not _IDENTIFIER.fullmatch(texts["id"]):
        raise StatementError("its id is not one that was given to it")
    try:
        authorisation = Authorisation(
            texts["id"],
            Ground(texts["ground"]),
            texts["information"],
            texts["received_on"],
            texts["approved_by"],
            _scope(document["scope"]),
            time_of(texts["written"]),
            time_of(texts["from"]),
            time_of(texts["until"]),
            names,
        )
    except ValueError as error:
        raise StatementError(str(error)) from error
    if reasons := lacking(authorisation):
        raise StatementError(*reasons)
    return authorisation


def _scope(scope: object) -> Scope:
    match scope:
        case {"device": str(address), **others} if not others:
            return Device(ip_address(address))
        case {"segment": str(segment), **others} if not others:
            return Network(segment)
        case _:
            raise StatementError("its scope is neither one device nor one segment")
