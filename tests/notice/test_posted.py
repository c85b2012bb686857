"""The record of a posted notice: written, read back, and refused when changed by hand."""

import json
from datetime import date

import pytest

from agent.notice.notice import Notice, description_of, fingerprint_of
from agent.notice.posted import Posted, UnreadableRecordError, document_of, read_document


@pytest.fixture
def text(notice: Notice) -> str:
    """A record."""
    description = description_of(notice)
    return document_of(Posted(date(2026, 10, 1), fingerprint_of(description), ("office",), description))


def test_there_and_back(notice: Notice, text: str) -> None:
    """What was written is what is read, with the line on which the fingerprint stands."""
    description = description_of(notice)
    posted = read_document(text)

    assert Posted(date(2026, 10, 1), fingerprint_of(description), ("office",), description, 3) == posted
    assert posted.fingerprint in text.splitlines()[posted.line - 1]


def test_form_does_not_count(text: str) -> None:
    """A record that some program wrote anew in another form is the same record; its fingerprint may have no line."""
    compact = json.dumps(json.loads(text), sort_keys=True)

    assert read_document(text).description == read_document(compact).description
    assert 0 == read_document(compact).line


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("East High School", "East School", "not the one that the fingerprint is of"),
        ('"fingerprint": "', '"fingerprint": "0', "not the one that the fingerprint is of"),
        ('"posted": "2026-10-01"', '"posted": "yesterday"', "cannot be read"),
        ('"fingerprint"', '"print"', 'has no "fingerprint"'),
        ("{", "[", "not JSON"),
        ("East High School", "\\ud800", "cannot be read"),
    ],
)
def test_changed_by_hand(text: str, old: str, new: str, why: str) -> None:
    """A record that was changed is refused, and why is said."""
    with pytest.raises(UnreadableRecordError, match=why):
        read_document(text.replace(old, new, 1))


@pytest.mark.parametrize("text", ["", "1", "[]", "{}", "null", "[" * 100_000, '{"posted": 1}'])
def test_what_is_no_record(text: str) -> None:
    """Anything else is refused."""
    with pytest.raises(UnreadableRecordError):
        read_document(text)
