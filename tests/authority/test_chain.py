"""The chain: nothing can be done to a line without a line showing it."""

import hashlib
import json

import pytest

from agent.authority.chain import START, Follower, Link, line_after
from agent.authority.statement import canonical


def lines(count: int) -> list[bytes]:
    """A chain of so many lines."""
    last, made = Link(), []
    for number in range(count):
        line, last = line_after(last, {"kind": "flow", "n": number})
        made.append(line)
    return made


def findings(chain: list[bytes], after: Link | None = None) -> list[tuple[int, str]]:
    """(line, what) of everything that is wrong."""
    follower = Follower(after or Link())
    return [(number, what) for number, line in enumerate(chain, 1) for what in follower.feed(line)]


def test_a_line() -> None:
    """A line is canonical JSON with its place, the hash before, and SHA-256 over all else; the link is to it."""
    line, link = line_after(Link(), {"b": 1, "a": "é"})
    document = json.loads(line)
    digest = document.pop("hash")

    assert {"a": "é", "b": 1, "sequence": 1, "previous": START} == document
    assert hashlib.sha256(canonical(document)).hexdigest() == digest
    assert Link(1, digest) == link
    assert line.endswith(b"}\n")
    assert 1 == line.count(b"\n")


def test_an_untouched_chain() -> None:
    """Nothing is found in a chain as it was written; it can be read from the start, or from a known line on."""
    chain = lines(20)
    follower = Follower(None)
    for line in chain[:10]:
        assert () == follower.feed(line)

    assert [] == findings(chain)
    assert [] == findings(chain[10:], follower.last)
    assert 10 == follower.last.sequence


@pytest.mark.parametrize("number", [0, 4, 9])
def test_every_changed_byte_shows(number: int) -> None:
    """Whichever byte of a line is another one, that line is found; the ones before are not."""
    chain = lines(10)
    for position in range(len(chain[number]) - 1):
        changed = bytearray(chain[number])
        changed[position] ^= 1
        found = findings([*chain[:number], bytes(changed), *chain[number + 1 :]])

        assert found, position
        assert number + 1 == found[0][0]


def test_a_changed_line_with_its_hash_made_anew() -> None:
    """Who also makes the hash anew is found by the next line."""
    chain = lines(5)
    document = json.loads(chain[2]) | {"n": 99}
    document.pop("hash")
    document["hash"] = hashlib.sha256(canonical(document)).hexdigest()

    assert [(4, "the line does not follow the one before, which was changed or replaced")] == findings(
        [*chain[:2], canonical(document) + b"\n", *chain[3:]]
    )


def test_a_reformatted_line_shows() -> None:
    """The same object in other bytes is a change too."""
    chain = lines(3)
    spaced = json.dumps(json.loads(chain[1]), sort_keys=True).encode() + b"\n"

    assert [(2, "the line was changed: it does not have its own hash")] == findings([chain[0], spaced, chain[2]])


@pytest.mark.parametrize(
    ("order", "found"),
    [
        ([1, 2, 3], [(1, "line 1 of the log missing before this one (2)")]),
        ([0, 1, 4], [(3, "lines 3 to 4 of the log missing before this one (5)")]),
        ([0, 2, 1, 3], [(2, "line 2 of the log missing before this one (3)"), (3, "the line is out of order: it is 2 of the log where 4 belongs"), (4, "line 3 of the log missing before this one (4)")]),
        ([0, 1, 1, 2], [(3, "the line is out of order: it is 2 of the log where 3 belongs")]),
    ],
)  # fmt: skip
def test_removed_moved_and_repeated(order: list[int], found: list[tuple[int, str]]) -> None:
    """A line that is missing, out of place or there twice is found where it should be."""
    chain = lines(5)

    assert found == findings([chain[number] for number in order])


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"{}\n",
        b"[]\n",
        b"null\n",
        b"{" * 60_000 + b"\n",
        b"[" * 60_000 + b"\n",
        b"\xff\n",
        b'{"sequence":1}\n',
        b'{"sequence":"1","previous":"","hash":""}\n',
        b'{"a":"\\ud800","hash":"","previous":"","sequence":1}\n',
        b"9" * 10_000 + b"\n",
    ],
)
def test_noise(line: bytes) -> None:
    """A line that is no record is found, and never an exception; the chain goes on behind it."""
    chain = lines(3)

    assert 1 == len([number for number, _ in findings([*chain[:1], line, *chain[1:]]) if number == 2])
    assert [] == [number for number, _ in findings([*chain[:1], line, *chain[1:]]) if number > 2]


def test_every_cut_shows() -> None:
    """A last line that is cut anywhere is cut off."""
    chain = lines(2)
    for length in range(1, len(chain[1])):
        assert [(2, "the line is cut off")] == findings([chain[0], chain[1][:length]])
