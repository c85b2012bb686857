"""A file -> the secret in it. What is wrong with the file is told without a word of what it holds."""

import os
import stat
from pathlib import Path
from typing import Final

from agent.devices.daily import MIN_SECRET_BYTES

MAX_SECRET_BYTES: Final = 4096
"""A file that is longer is no secret but another file."""

CREDENTIALS: Final = "CREDENTIALS_DIRECTORY"
"""Where systemd puts what LoadCredential= names (systemd.exec(5)); only the service can read it."""


class SecretError(Exception):
    """The file cannot be used; str() says why, and what would be right."""


def credential(name: str) -> Path | None:
    """The file that systemd's LoadCredential= made under this name; None when there is none."""
    directory = os.environ.get(CREDENTIALS)
    path = Path(directory, name) if directory else None
    return path if path is not None and path.exists() else None


def read_secret(path: Path, *, least_bytes: int = MIN_SECRET_BYTES) -> bytes:
    """The file's bytes without the end of its last line, so that an editor that adds one changes nothing.

    Raises:
        SecretError: it is missing, open to everyone, too short or too long.
    """
    try:
        # Without O_NONBLOCK a pipe by that name would be waited for without end (fifo(7)).
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise SecretError(f"{path}: this is no file")
            data = file.read(MAX_SECRET_BYTES + 1)
    except OSError as error:
        remedy = "make one: openssl rand -hex 32" if isinstance(error, FileNotFoundError) else "let the daemon read it"
        raise SecretError(f"{path}: cannot be read ({error.strerror}); {remedy}") from error
    if status.st_mode & stat.S_IROTH:
        raise SecretError(f"{path}: everyone can read it; chmod 600, or 640 with a group of its own")
    secret = data.rstrip(b"\r\n")
    if len(secret) < least_bytes:
        remedy = "make it anew: openssl rand -hex 32" if secret else "it is empty"
        raise SecretError(f"{path}: {len(secret)} bytes are too few, {least_bytes} are the least; {remedy}")
    if len(data) > MAX_SECRET_BYTES:
        raise SecretError(f"{path}: more than {MAX_SECRET_BYTES} bytes; is it the right file?")
    return secret
