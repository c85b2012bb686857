"""The document of /now.json: written, read back, and refused where it is none."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.now import Now
from agent.now_document import MAX_APPLICATIONS, MAX_TEXT, NotADocumentError, read, write
from tests.now_example import NOW, line


def test_there_and_back() -> None:
    """What was written is read as it was, with a policy and a reason to wait, and without."""
    assert read(write(NOW)) == NOW
    bare = replace(NOW, policy=None, waiting="tap0 is down", categories=(), applications=())
    assert read(write(bare)) == bare


def test_it_is_json_with_the_promised_keys() -> None:
    """Names carry their units; a verdict's name is its key."""
    document = json.loads(write(NOW))

    assert {"time_s", "span_s", "unopened_bytes", "unopened_bytes_per_s", "gate", "applications"} <= document.keys()
    assert {"permitted", "incidental", "prohibited", "review"} == document["verdicts_per_s"].keys()
    assert {"name", "title", "category", "flows", "sent_bytes", "received_bytes", "bytes_per_s"} <= document[
        "applications"
    ][0].keys()


def test_only_the_busiest_applications() -> None:
    """A long list is cut to what is busy now, then to what is large; how many are missing is told."""
    lines = [line(f"quiet{number}", "web", 0.0, number) for number in range(MAX_APPLICATIONS)]
    busy = line("busy", "web", 1.0, 0)
    found = read(write(replace(NOW, applications=(*lines, busy))))

    assert (MAX_APPLICATIONS, 1) == (len(found.applications), found.applications_left_out)
    assert ["busy", f"quiet{MAX_APPLICATIONS - 1}"] == [each.name for each in found.applications[:2]]
    assert "quiet0" not in {each.name for each in found.applications}


def changed(**changes: Any) -> bytes:
    document = json.loads(write(NOW))
    return json.dumps({**document, **changes}).encode()


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (b"", "not JSON"),
        (b"<html>", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "the document is not an object"),
        (b"{}", '"gate" is not an object'),
        (changed(version=3), '"version" of the document is not text'),
        (changed(flows="many"), '"flows" of the document is not a number'),
        (changed(flows=True), '"flows" of the document is not a number'),
        (changed(flows=10**30), '"flows" of the document is not a number'),
        (changed(time_s=float("nan")), '"time_s" of the document is not a number'),
        (changed(time_s=10**12), '"time_s" of the document is not a time'),
        (changed(time_s=-1), '"time_s" of the document is not a time'),
        (changed(span_s=float("inf")), '"span_s" of the document is not a number'),
        (changed(applications={}), '"applications" of the document is not a list'),
        (changed(applications=[1]), 'an item of "applications" is not an object'),
        (
            changed(policy={**json.loads(write(NOW))["policy"], "reloaded": 1}),
            '"reloaded" of "policy" is not true or false',
        ),
    ],
)
def test_what_is_no_document(document: bytes, why: str) -> None:
    """Each mistake is named, with its place."""
    with pytest.raises(NotADocumentError) as caught:
        read(document)
    assert why in str(caught.value)


def test_documents_of_other_versions() -> None:
    """Keys, verdicts and gates' numbers that are not known are passed over; a number that is missing is 0."""
    document = json.loads(write(NOW))
    document["news"] = [1]
    document["verdicts"]["tolerated"] = 5
    document["gate"]["news"] = 1
    del document["gate"]["max_flows"]
    found = read(json.dumps(document).encode())

    assert replace(NOW, gate=replace(NOW.gate, max_flows=0)) == found


def test_nothing_for_a_terminal_to_act_on() -> None:
    """Control characters of a document do not reach the screen, and a text ends somewhere."""
    hostile = changed(version="\x1b]0;owned\x07\u202e1" + "x" * 1000, limits={"\x1b[2Jclasses": 1})
    found = read(hostile)

    assert "]0;owned1" == found.version.rstrip("x")
    assert len(found.version) <= MAX_TEXT
    assert {"[2Jclasses": 1} == found.limits


@given(
    st.binary(max_size=60)
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(list(json.loads(write(NOW)))), inner)
        ),
    ).map(lambda value: json.dumps(value).encode())
)
def test_any_bytes_at_all(document: bytes) -> None:
    """The answer is a value or the one error."""
    try:
        found = read(document)
    except NotADocumentError:
        return
    assert isinstance(found, Now)
