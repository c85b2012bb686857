"""What an authorisation must say, and the JSON object that says it."""

import json
from dataclasses import replace
from ipaddress import ip_address

import pytest

from agent.authority.authorisation import MAX_DAYS, Authorisation, Device, Network
from agent.authority.statement import (
    StatementError,
    canonical,
    document_of,
    identifier_for,
    lacking,
    read_statement,
    time_of,
    time_text,
)
from tests.authority.examples import DAY, NOON, SECOND, authorisation


@pytest.mark.parametrize("scope", [Device(ip_address("10.1.2.3")), Device(ip_address("2001:db8::7")), Network("staff")])
@pytest.mark.parametrize("names", [True, False])
def test_there_and_back(scope: Device | Network, names: bool) -> None:
    """What was written as JSON is what is read from it."""
    made = replace(authorisation(scope), names=names)

    assert made == read_statement(json.loads(canonical(document_of(made))))


def test_times() -> None:
    """Times are whole seconds in UTC, and the same there and back."""
    assert "2026-11-23T12:00:00Z" == time_text(NOON + SECOND - 1)
    assert NOON == time_of(time_text(NOON))


def test_identifier_tells_all_apart() -> None:
    """Two authorisations that differ in anything have different names, which begin with the day of writing."""
    one, other = authorisation(), authorisation(names=True)

    assert one.identifier.startswith("20261123-")
    assert one.identifier != other.identifier
    assert one.identifier == identifier_for(replace(one, identifier="anything"))


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        (replace(authorisation(), information="misconduct"), "specific information"),
        (replace(authorisation(), information=" " * 100), "specific information"),
        (replace(authorisation(), information="x" * 2_001), "specific information"),
        (replace(authorisation(), approved_by=" "), "who approved"),
        (replace(authorisation(), received_on="yesterday"), "on which day"),
        (replace(authorisation(), received_on="2026-11-25"), "after the authorisation was written"),
        (replace(authorisation(), scope=Network("")), "the device or the segment"),
        (authorisation(begin=NOON, end=NOON), "ends before it begins"),
        (authorisation(end=NOON + MAX_DAYS * DAY + SECOND), "more than 30 days"),
    ],
)
def test_what_lacks_something_is_none(changed: Authorisation, why: str) -> None:
    """Each thing that is missing or too much is said, and such a statement is not read, even if it was signed."""
    assert [True] == [why in reason for reason in lacking(changed)]
    with pytest.raises(StatementError, match=why):
        read_statement(document_of(changed))


def test_the_longest_is_allowed() -> None:
    """MAX_DAYS to the second are not too long."""
    assert () == lacking(authorisation(end=NOON + MAX_DAYS * DAY))


def test_everything_that_is_missing_at_once() -> None:
    """All reasons are told together."""
    assert 3 == len(lacking(replace(authorisation(), information="", approved_by="", received_on="")))


@pytest.mark.parametrize("key", sorted(document_of(authorisation())))
@pytest.mark.parametrize("value", [None, 7, "", "\x00", [], {}, True, {"device": "10.0.0.1", "segment": "staff"}])
def test_wrong_values(key: str, value: object) -> None:
    """A value of another kind makes it no authorisation; nothing else is ever raised."""
    document = document_of(authorisation()) | {key: value}
    if key == "names" and value is True:
        assert read_statement(document).names
        return
    with pytest.raises(StatementError):
        read_statement(document)


@pytest.mark.parametrize("document", [None, [], {}, "x", document_of(authorisation()) | {"further": 1}])
def test_what_is_no_statement(document: object) -> None:
    """Other objects, and keys that nobody knows, are refused."""
    with pytest.raises(StatementError, match="has the keys"):
        read_statement(document)
