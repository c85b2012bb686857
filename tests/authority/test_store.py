"""The directory of authorisations: only what was signed there counts."""

import json
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from agent.authority.signature import KeyFileError, new_key
from agent.authority.statement import StatementError, canonical
from agent.authority.store import (
    MAX_FILE_BYTES,
    Store,
    read_public_key,
    read_store,
    revoke,
    write_authorisation,
    write_keys,
)
from tests.authority import examples
from tests.authority.examples import Office, authorisation, network


def read(office: Office) -> Store:
    """What is in the directory, by the key in it."""
    return read_store(office.directory, read_public_key(office.directory))


def test_there_and_back(office: Office) -> None:
    """What was written is in force; its file is for the owner and group alone, the private key for the owner."""
    made = authorisation(), network("staff", names=True)
    paths = [office.write(one) for one in made]
    store = read(office)

    assert (set(made), {}, frozenset()) == (set(store.in_force), store.refused, store.revoked)
    assert {0o640} == {stat.S_IMODE(path.stat().st_mode) for path in paths}
    assert 0o600 == stat.S_IMODE(office.directory.with_suffix(".key").stat().st_mode)


@pytest.mark.parametrize(
    "key", ["ground", "information", "received_on", "approved_by", "scope", "until", "from", "names"]
)
def test_an_edited_one_is_refused(office: Office, key: str) -> None:
    """Whatever is changed in a signed file, its signature holds no more."""
    path = office.write(authorisation())
    document = json.loads(path.read_text())
    other = {
        "ground": "A",
        "scope": {"device": "10.10.4.8"},
        "until": "2026-11-25T12:00:00Z",
        "from": "2026-11-22T12:00:00Z",
        "received_on": "2026-11-19",
        "names": True,
    }
    document["authorisation"][key] = other.get(key, "another text that is long enough")
    path.write_text(json.dumps(document))
    store = read(office)

    assert () == store.authorisations
    assert "the signature does not hold" in store.refused[path.name]


def test_a_forged_one_is_refused(office: Office) -> None:
    """What another key signed does not hold, nor does what nobody signed."""
    private, public = new_key()
    other = office.directory.parent / "other"
    other.mkdir()
    write_keys(other, other / "key", private, public)
    path = write_authorisation(other, authorisation(), private)
    path.rename(office.directory / path.name)
    assert () == read(office).authorisations

    document = json.loads((office.directory / path.name).read_text())
    (office.directory / path.name).write_text(json.dumps(document | {"signature": ""}))
    store = read(office)
    assert (1, ()) == (len(store.refused), store.authorisations)


def test_a_renamed_one_is_refused(office: Office) -> None:
    """A revoked authorisation does not come back under another name."""
    path = office.write(authorisation())
    path.rename(path.with_name("20261123-000000000000.json"))

    assert ["under another name"] == [why[-18:] for why in read(office).refused.values()]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[" * 50_000,
        b'{"authorisation": {}, "signature": 1}',
        b'{"authorisation": {}, "signature": ""}',
        b'{"authorisation": {"id": "\\ud800"}, "signature": ""}',
        b"\xff\xfe",
        b" " * (MAX_FILE_BYTES + 1),
    ],
)
def test_noise_is_refused(office: Office, data: bytes) -> None:
    """A file that is no authorisation is refused with its reason, and takes no other with it."""
    made = authorisation()
    office.write(made)
    (office.directory / "noise.json").write_bytes(data)
    store = read(office)

    assert ((made,), ["noise.json"]) == (store.authorisations, list(store.refused))


@pytest.mark.parametrize("key", ["written", "from", "until"])
@pytest.mark.parametrize("time", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_times_at_the_ends_of_the_calendar(office: Office, key: str, time: str) -> None:
    """Nobody need sign a file for it to be read; so it is refused, whatever it claims, and ends no daemon."""
    path = office.write(authorisation())
    document = json.loads(path.read_text(encoding="utf-8"))
    document["authorisation"][key] = time
    path.write_text(json.dumps(document), encoding="utf-8")

    assert [path.name] == list(read(office).refused)


def test_a_pipe_does_not_hang(office: Office) -> None:
    """What is no file is refused."""
    os.mkfifo(office.directory / "pipe.json")

    assert {"pipe.json": "this is no file"} == read(office).refused


def test_signed_but_too_much(office: Office) -> None:
    """The key alone does not make an authorisation: one that says too little is refused though its signature holds."""
    path = office.write(replace(authorisation(), approved_by=""))

    assert "who approved" in read(office).refused[path.name]


def test_revoked(office: Office) -> None:
    """A revoked one is in force no more, and who revoked it is kept; to revoke twice is refused."""
    made = authorisation()
    office.write(made)
    path = revoke(office.directory, made.identifier, by="K. Roe", at="2026-11-23T13:00:00Z")

    assert ((), (made,)) == (read(office).in_force, read(office).authorisations)
    assert "K. Roe" == json.loads(path.read_text())["by"]
    with pytest.raises(FileExistsError):
        revoke(office.directory, made.identifier, by="K. Roe", at="2026-11-23T13:00:00Z")


def test_revoked_whatever_the_file_holds(office: Office) -> None:
    """An empty file of that name revokes: to stop needs nothing."""
    made = authorisation()
    office.write(made)
    (office.directory / f"{made.identifier}.revoked.json").touch()

    assert () == read(office).in_force


def test_wrong_key(office: Office) -> None:
    """To sign with a key that is not the directory's other half is an error, and writes nothing."""
    with pytest.raises(StatementError, match="not the other half"):
        write_authorisation(office.directory, authorisation(), new_key()[0])
    with pytest.raises(KeyFileError):
        write_authorisation(office.directory, authorisation(), b"noise")
    assert ["authority.pub"] == [path.name for path in office.directory.iterdir()]


def test_nothing_is_written_twice(office: Office) -> None:
    """Neither an authorisation nor a key takes the place of another; a half-made pair of keys is taken back."""
    office.write(authorisation())
    with pytest.raises(FileExistsError):
        office.write(authorisation())
    with pytest.raises(FileExistsError):
        write_keys(office.directory, office.directory.parent / "new.key", b"", b"")
    empty = office.directory.parent / "empty"
    empty.mkdir()
    with pytest.raises(FileExistsError):
        write_keys(empty, office.directory.with_suffix(".key"), b"", b"")
    assert [] == list(empty.iterdir())


def test_the_newest_are_looked_at(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond MAX_FILES the oldest are left out, and counted."""
    monkeypatch.setattr("agent.authority.store.MAX_FILES", 2)
    for number in range(3):
        office.write(authorisation(approved_by=f"J. Doe {number}"))
    every = sorted(path.name for path in office.directory.glob("*.json"))
    store = read(office)

    assert 1 == store.skipped
    assert [name.removesuffix(".json") for name in every[1:]] == [one.identifier for one in store.authorisations]


def test_other_files_are_none_of_its_business(office: Office) -> None:
    """The log, keys and notes of people beside the authorisations are not read."""
    (office.directory / "records").mkdir()
    (office.directory / "README.txt").write_text("words")

    assert Store((), frozenset(), {}) == read(office)


def test_canonical_bytes_are_signed(office: Office) -> None:
    """The form of the file does not count: written anew by some program, the same statement holds."""
    made = authorisation()
    path: Path = office.write(made)
    document = json.loads(path.read_text())
    path.write_bytes(canonical(document))

    assert (made,) == read(office).authorisations
    assert examples.DEVICE == made.scope
