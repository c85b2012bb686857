"""A directory <-> authorisations: the public key, the signed files, and the revocations in it.

    authority.pub            the public key (PEM)
    <id>.json                {"authorisation": {...}, "signature": "..."}
    <id>.revoked.json        revokes <id>, whatever it holds: to stop needs no key

The directory belongs to those who approve; the daemon only reads it. Its log is in `records/` below it.
"""

import errno
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agent.authority.authorisation import Authorisation
from agent.authority.signature import PublicKey, holds, public_key, sign
from agent.authority.statement import StatementError, canonical, document_of, read_statement

PUBLIC_KEY: Final = "authority.pub"
RECORDS: Final = "records"
_REVOKED: Final = ".revoked.json"
MAX_FILES: Final = 1_024
"""Files that are looked at, the newest of them: years of authorisations. The daemon looks whenever one changes."""
MAX_FILE_BYTES: Final = 64 * 1024
"""An authorisation with all its texts has some 10 kB at most."""


@dataclass(frozen=True, slots=True)
class Store:
    """What a directory holds."""

    authorisations: tuple[Authorisation, ...]
    """Those whose signature holds, in the order of their identifiers; expired and revoked ones too."""
    revoked: frozenset[str]
    """Identifiers."""
    refused: Mapping[str, str]
    """File -> why it is no authorisation."""
    skipped: int = 0
    """Files beyond MAX_FILES."""

    @property
    def in_force(self) -> tuple[Authorisation, ...]:
        """Those that are not revoked; whether their time has come, the flow's own time says."""
        return tuple(one for one in self.authorisations if one.identifier not in self.revoked)


def read_store(directory: Path, public_pem: bytes) -> Store:
    """Everything in the directory, each file checked against the public key.

    Raises:
        KeyFileError: The key is none.
        OSError: The directory cannot be listed.
    """
    key = public_key(public_pem)
    names = sorted(path.name for path in directory.iterdir() if path.name.endswith(".json"))
    revoked = frozenset(name.removesuffix(_REVOKED) for name in names if name.endswith(_REVOKED))
    signed = [name for name in names if not name.endswith(_REVOKED)]
    authorisations, refused = [], {}
    for name in signed[-MAX_FILES:]:
        try:
            authorisations.append(_read_one(directory / name, key))
        except StatementError as error:
            refused[name] = str(error)
        except OSError as error:
            refused[name] = f"it cannot be read: {error.strerror}"
    return Store(tuple(authorisations), revoked, refused, max(0, len(signed) - MAX_FILES))


def write_authorisation(directory: Path, authorisation: Authorisation, private_pem: bytes) -> Path:
    """Sign an authorisation and put it into the directory; the path of its file.

    Raises:
        KeyFileError: A key is none.
        StatementError: The directory's public key is not the private one's other half.
        OSError: It cannot be written; FileExistsError when it was written before.
    """
    statement = document_of(authorisation)
    signature = sign(private_pem, canonical(statement))
    if not holds(public_key(read_public_key(directory)), signature, canonical(statement)):
        raise StatementError(f"the private key is not the other half of {directory / PUBLIC_KEY}")
    path = directory / f"{authorisation.identifier}.json"
    document = {"authorisation": statement, "signature": signature}
    _write_new(path, (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode(), 0o640)
    return path


def revoke(directory: Path, identifier: str, *, by: str, at: str) -> Path:
    """Revoke an authorisation; the path of the file that does it.

    Raises:
        OSError: It cannot be written; FileExistsError when it was revoked before.
    """
    path = directory / f"{identifier}{_REVOKED}"
    _write_new(
        path, (json.dumps({"revoked": identifier, "by": by, "at": at}, ensure_ascii=False) + "\n").encode(), 0o640
    )
    return path


def write_keys(directory: Path, private_file: Path, private_pem: bytes, public_pem: bytes) -> None:
    """Put a private key, for nobody else to read, and its public key into their places.

    Raises:
        OSError: FileExistsError when there is a key already: what it signed would hold no more.
    """
    _write_new(directory / PUBLIC_KEY, public_pem, 0o644)
    try:
        _write_new(private_file, private_pem, 0o600)
    except OSError:
        (directory / PUBLIC_KEY).unlink()
        raise


def read_public_key(directory: Path) -> bytes:
    """The PEM of the directory's public key.

    Raises:
        OSError: There is none, or it cannot be read.
    """
    path = directory / PUBLIC_KEY
    if path.exists() and not path.is_file():  # a pipe by that name would never end
        raise OSError(errno.EINVAL, "this is no file", str(path))
    with path.open("rb") as file:
        return file.read(MAX_FILE_BYTES)


def _read_one(path: Path, key: PublicKey) -> Authorisation:
    """The authorisation in a file, whose signature holds.

    Raises:
        StatementError: It is none, or not the one that was signed.
        OSError: The file cannot be read.
    """
    statement, signature = _signed(path)
    authorisation = read_statement(statement)
    if not holds(key, signature, canonical(document_of(authorisation))):
        raise StatementError("the signature does not hold: it was changed, or another key made it")
    if path.name != f"{authorisation.identifier}.json":
        raise StatementError(f"it is the authorisation {authorisation.identifier} under another name")
    return authorisation


def _signed(path: Path) -> tuple[object, str]:
    """The statement and the signature in a file."""
    if not path.is_file():
        raise StatementError("this is no file")
    with path.open("rb") as file:
        data = file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise StatementError(f"it is larger than {MAX_FILE_BYTES} bytes")
    try:
        document: object = json.loads(data)
        match document:
            case {"authorisation": dict() as statement, "signature": str(signature)}:
                canonical(statement)  # half a surrogate pair has no bytes that could have been signed
                return statement, signature
    except (ValueError, RecursionError) as error:
        raise StatementError(f"this is not JSON: {error}") from error
    raise StatementError("it holds no authorisation with its signature")


def _write_new(path: Path, data: bytes, mode: int) -> None:
    """Write a file that must not be there yet, whole or not at all."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        path.unlink(missing_ok=True)
        raise
