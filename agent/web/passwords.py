"""A user's name and password, and bcrypt hashes -> whether they are right, without holding up the loop.

A check takes 70 ms of CPU and more, on purpose. It runs in one thread (bcrypt lets go of the interpreter's lock), so
that the capture goes on beside it, and what was right once is remembered.
"""

import asyncio
import hashlib
import os
from collections import Counter, OrderedDict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import bcrypt

MAX_WAITING = 8
"""Checks that run or wait: at a cost of 12 the last one waits some 2 s, and a scraper gives up after 10 s."""
MAX_REMEMBERED = 256
"""Passwords that were right: more than there are users, since some may have been changed."""
MAX_PASSWORD_BYTES = 72
"""What bcrypt looks at (bcrypt(3)); htpasswd and Go cut longer ones as well."""
LIMIT_NAMES = ("web_password_checks", "web_remembered_passwords")


class TooManyChecksError(Exception):
    """MAX_WAITING others are being checked; ask again."""


class Passwords:
    """Checks passwords on the running loop."""

    def __init__(self, met: Counter[str]) -> None:
        """`met` counts limits met, under LIMIT_NAMES."""
        self._met = met
        self._loop = asyncio.get_running_loop()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="bcrypt")
        self._secret = os.urandom(32)
        """Of this process: what is remembered would otherwise be a quick way to try passwords on a memory image."""
        self._under_way: dict[bytes, asyncio.Task[bool]] = {}
        self._right: OrderedDict[bytes, None] = OrderedDict()

    def check(self, users: Mapping[str, str], user: str, password: bytes) -> bool | asyncio.Task[bool]:
        """Whether this is the user's password: at once where it was right before, else as soon as that is known.

        A name that is not there takes as long as one that is: it is compared with the hash of some user that is.

        Args:
            users: Name -> bcrypt hash; not empty.
            user: The name that was given.
            password: The password that was given, as bytes.

        Raises:
            TooManyChecksError: Come back later.
        """
        known = user in users
        expected = users[user] if known else self._somebody(users, user)
        key = self._digest(bytes([known]), user.encode(), expected.encode(), password)
        if key in self._right:
            self._right.move_to_end(key)
            return True
        if key in self._under_way:
            return self._under_way[key]
        if len(self._under_way) >= MAX_WAITING:
            self._met["web_password_checks"] += 1
            raise TooManyChecksError
        task = self._loop.create_task(self._checked(key, expected, password, known=known))
        self._under_way[key] = task
        return task

    async def close(self) -> None:
        """Give up all checks; the one that runs in the thread ends by itself, within the time that its cost takes."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        given_up = tuple(self._under_way.values())
        for task in given_up:
            task.cancel()
        await asyncio.gather(*given_up, return_exceptions=True)

    async def _checked(self, key: bytes, expected: str, password: bytes, *, known: bool) -> bool:
        cut = password[:MAX_PASSWORD_BYTES]
        try:
            matches = await self._loop.run_in_executor(self._thread, bcrypt.checkpw, cut, expected.encode())
        finally:
            del self._under_way[key]
        if not (matches and known):
            return False
        if len(self._right) >= MAX_REMEMBERED:
            self._met["web_remembered_passwords"] += 1
            self._right.popitem(last=False)
        self._right[key] = None
        return True

    def _somebody(self, users: Mapping[str, str], user: str) -> str:
        """The hash of a user, always the same one for a name: hashes of several costs tell nothing either."""
        hashes = sorted(users.values())
        return hashes[int.from_bytes(self._digest(user.encode())) % len(hashes)]

    def _digest(self, *parts: bytes) -> bytes:
        return hashlib.blake2b(b"".join(len(part).to_bytes(4) + part for part in parts), key=self._secret).digest()


def hashed(password: bytes, cost: int) -> str:
    """A bcrypt hash, as a web configuration holds it.

    Args:
        password: At most MAX_PASSWORD_BYTES.
        cost: Base-2 logarithm of the rounds.
    """
    return bcrypt.hashpw(password, bcrypt.gensalt(cost)).decode("ascii")
