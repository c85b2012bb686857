"""Passwords against bcrypt: right, wrong, remembered, and too many at once."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

import bcrypt
import pytest

from agent.web import passwords
from agent.web.passwords import MAX_PASSWORD_BYTES, MAX_WAITING, Passwords, TooManyChecksError, hashed

QUICK = 4
"""The least cost that bcrypt has."""


def checking(story: Callable[[Passwords, Counter[str]], Awaitable[None]]) -> None:
    """Run a story on a loop, with passwords to check."""

    async def run() -> None:
        met: Counter[str] = Counter()
        made = Passwords(met)
        try:
            await story(made, met)
        finally:
            await made.close()

    asyncio.run(run())


async def settled(answer: bool | asyncio.Task[bool]) -> bool:
    """The answer, waited for where it has to be."""
    return answer if isinstance(answer, bool) else await answer


def test_right_and_wrong() -> None:
    """A right password is remembered, a wrong one is checked each time, and nobody is nobody."""
    users = {"prometheus": hashed(b"correct horse", QUICK)}

    async def story(made: Passwords, _met: Counter[str]) -> None:
        first = made.check(users, "prometheus", b"correct horse")
        assert not isinstance(first, bool)
        assert await first
        assert True is made.check(users, "prometheus", b"correct horse")
        for _ in range(2):
            wrong = made.check(users, "prometheus", b"battery staple")
            assert not isinstance(wrong, bool)
            assert not await wrong
        assert not await settled(made.check(users, "nobody", b"correct horse"))

    checking(story)


def test_a_name_that_is_none_costs_a_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names that are there and names that are not are each compared with a hash, of a cost that some user has."""
    users = {name: hashed(name.encode(), cost) for name, cost in (("a", QUICK), ("b", QUICK + 1))}
    compared: list[bytes] = []

    def checkpw(password: bytes, expected: bytes) -> bool:
        compared.append(expected)
        return real(password, expected)

    real = bcrypt.checkpw
    monkeypatch.setattr(bcrypt, "checkpw", checkpw)

    async def story(made: Passwords, _met: Counter[str]) -> None:
        for number in range(64):
            assert not await settled(made.check(users, f"nobody-{number}", b"x"))
        assert set(users.values()) == {expected.decode() for expected in compared}
        compared.clear()
        for _ in range(2):  # the same name always takes the same time
            await settled(made.check(users, "nobody-1", b"x"))
        assert 1 == len(set(compared))

    checking(story)


def test_a_name_that_is_gone_is_not_remembered() -> None:
    """Neither a removed user nor a changed password lives on in what was remembered, not even if hashes were copied."""
    shared = hashed(b"shared secret", QUICK)
    users = {"alice": shared, "bob": shared}

    async def story(made: Passwords, _met: Counter[str]) -> None:
        assert await settled(made.check(users, "bob", b"shared secret"))
        assert not await settled(made.check({"alice": shared}, "bob", b"shared secret"))
        assert not await settled(made.check({"bob": hashed(b"another", QUICK)}, "bob", b"shared secret"))

    checking(story)


def test_the_same_question_is_asked_once() -> None:
    """Several connections with the same password share one check."""
    users = {"prometheus": hashed(b"correct horse", QUICK)}

    async def story(made: Passwords, met: Counter[str]) -> None:
        checks = [made.check(users, "prometheus", b"correct horse") for _ in range(MAX_WAITING * 3)]
        assert 1 == len(set(checks))
        assert await settled(checks[0])
        assert 0 == met["web_password_checks"]

    checking(story)


def test_too_many_at_once() -> None:
    """Beyond the limit others are told to come back; afterwards there is room again, and it was counted."""
    users = {"prometheus": hashed(b"correct horse", QUICK)}

    async def story(made: Passwords, met: Counter[str]) -> None:
        under_way = [made.check(users, "prometheus", bytes([65 + number])) for number in range(MAX_WAITING)]
        with pytest.raises(TooManyChecksError):
            made.check(users, "prometheus", b"correct horse")
        assert not any([await settled(check) for check in under_way])
        assert await settled(made.check(users, "prometheus", b"correct horse"))
        assert 1 == met["web_password_checks"]

    checking(story)


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest is forgotten, and has to be checked again."""
    monkeypatch.setattr(passwords, "MAX_REMEMBERED", 2)
    users = {name: hashed(name.encode(), QUICK) for name in ("a", "b", "c")}

    async def story(made: Passwords, met: Counter[str]) -> None:
        for name in users:
            assert await settled(made.check(users, name, name.encode()))
        assert [False, True, True] == [made.check(users, name, name.encode()) is True for name in users]
        assert 1 <= met["web_remembered_passwords"]

    checking(story)


def test_the_loop_goes_on_meanwhile() -> None:
    """While a password is checked the loop does other things."""
    users = {"prometheus": hashed(b"correct horse", 12)}

    async def story(made: Passwords, _met: Counter[str]) -> None:
        check = made.check(users, "prometheus", b"correct horse")
        assert not isinstance(check, bool)
        turns = 0
        while not check.done():
            await asyncio.sleep(0)
            turns += 1
        assert await check
        assert 10 < turns

    checking(story)


def test_long_passwords_are_cut_as_elsewhere() -> None:
    """bcrypt looks at 72 bytes; what htpasswd made of more still holds."""
    users = {"prometheus": hashed(b"x" * MAX_PASSWORD_BYTES, QUICK)}

    async def story(made: Passwords, _met: Counter[str]) -> None:
        assert await settled(made.check(users, "prometheus", b"x" * 80))
        assert not await settled(made.check(users, "prometheus", b"x" * 71))
        assert not await settled(made.check(users, "prometheus", b""))

    checking(story)


def test_the_end_gives_up_checks() -> None:
    """Who waits is told at once that nothing comes of it."""
    users = {"dear": hashed(b"x", 14)}

    async def story(made: Passwords, _met: Counter[str]) -> None:
        checks = [made.check(users, "dear", b"%d" % number) for number in range(3)]
        await asyncio.sleep(0.05)
        await made.close()
        assert all(isinstance(check, asyncio.Task) and check.cancelled() for check in checks)

    checking(story)
