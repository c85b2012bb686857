"""What a board declared: whose account a name, an application or an address is, and what is held closed."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from ipaddress import ip_network
from pathlib import Path

import pytest

from agent.flow import Account, Evidence
from agent.policy.accounts import BoardService, BoardServices
from agent.policy.catalogue import Accounts, Application, Entry
from agent.policy.policy import load
from agent.policy.problems import Mark

PERSONAL = Application("x", "X", "social_networking", Accounts.PERSONAL)
SUITE = Application("gmail", "Gmail", "email", Accounts.SUITE)
NONE = Application("ntp", "NTP", "infrastructure", Accounts.NONE)

MAIL = BoardService(
    "Mail",
    "Board of Education, 2026-08-18",
    date(2027, 8, 31),
    Mark("accounts.yaml", 2),
    applications=frozenset({"gmail"}),
    domains=(b"schools.example.org",),
    hosts=(b"sso.example.net",),
    prefixes=(ip_network("192.0.2.0/24"), ip_network("2001:db8:7::/48")),
)
DECLARED = BoardServices([MAIL])


@pytest.mark.parametrize(
    ("application", "undeclared", "declared"),
    [
        (PERSONAL, Account.PERSONAL, Account.PERSONAL),
        (SUITE, Account.UNKNOWN, Account.BOARD),
        (NONE, Account.UNKNOWN, Account.UNKNOWN),
        (None, Account.UNKNOWN, Account.UNKNOWN),
    ],
)
def test_nothing_is_the_boards_before_it_says_so(
    application: Application | None, undeclared: Account, declared: Account
) -> None:
    """A suite is unknown until a board declares it; to declare one says nothing of the others."""
    assert undeclared is BoardServices().account(application, None)
    assert declared is DECLARED.account(application, None)
    assert undeclared is DECLARED.undeclared(application)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        (b"schools.example.org", True),
        (b"www.schools.example.org", True),
        (b"WWW.Schools.Example.ORG.", True),
        (b"myschools.example.org", False),
        (b"example.org", False),
        (b"sso.example.net", True),
        (b"a.sso.example.net", False),
        (b"", False),
        (b".", False),
    ],
)
def test_names(name: bytes, found: bool) -> None:
    """A domain holds everything under it by whole labels, a host itself alone; nothing declared claims nothing."""
    assert (MAIL if found else None) is DECLARED.by_name(name)
    assert None is BoardServices().by_name(name)


@pytest.mark.parametrize(
    ("server", "found"),
    [
        (bytes([192, 0, 2, 9]), True),
        (bytes([192, 0, 3, 9]), False),
        (bytes.fromhex("20010db80007") + bytes(10), True),
        (bytes.fromhex("20010db80008") + bytes(10), False),
        (b"", False),
        (b"\xc0\0\2", False),
    ],
)
def test_addresses(server: bytes, found: bool) -> None:
    """A server within a declared prefix is the board's; what is no address is nobody's."""
    assert (MAIL if found else None) is DECLARED.at_address(server)


@pytest.mark.parametrize(("today", "holds"), [(None, True), (date(2027, 8, 31), True), (date(2027, 9, 1), False)])
def test_a_decision_holds_through_its_last_day(today: date | None, holds: bool) -> None:
    """Afterwards what it declared is held as personal again, by name, by application and by address."""
    services = BoardServices([MAIL], today=today)

    assert ((MAIL,), ()) == ((services.declared, services.lapsed) if holds else (services.lapsed, services.declared))
    assert holds is (services.by_name(b"schools.example.org") is MAIL)
    assert holds is (services.at_address(bytes([192, 0, 2, 9])) is MAIL)
    assert holds is not services.holds_closed(SUITE, None)


def test_decisions_run_out_while_they_are_in_force() -> None:
    """Nothing is new until the day after the last one; then what ran out is, and it does not come back with the clock."""
    endless = BoardService("Other", "Board, 2026-09-01", None, Mark("accounts.yaml", 9), frozenset({"outlook"}))
    services = BoardServices([MAIL, endless], unknown_names_open=True)
    over = services.as_of(date(2027, 9, 1))

    assert services is services.as_of(date(2027, 8, 31))
    assert ((endless,), (MAIL,), True) == (over.declared, over.lapsed, over.unknown_names_open)
    assert over.by_application("gmail") is None
    assert over is over.as_of(date(2028, 1, 1))
    assert over is over.as_of(date(2027, 8, 30))


def test_of_two_declarations_the_first_is_named() -> None:
    """Both are the board's; an explanation names the one that was written first."""
    other = BoardService("Other", "Board, 2026-09-01", None, Mark("accounts.yaml", 9), frozenset({"gmail"}))

    assert MAIL is BoardServices([MAIL, other]).by_application("gmail")


@pytest.mark.parametrize(
    ("application", "service", "closed", "closed_when_unknown_is_open"),
    [
        (PERSONAL, None, True, True),
        (SUITE, None, True, True),  # a board may provide it, and none has said so
        (NONE, None, False, False),  # it has no accounts
        (None, None, True, False),  # in no catalogue
        (PERSONAL, MAIL, False, False),
        (SUITE, MAIL, False, False),
        (None, MAIL, False, False),
    ],
)
def test_what_is_held_closed(
    application: Application | None, service: BoardService | None, closed: bool, closed_when_unknown_is_open: bool
) -> None:
    """Closed is the default; open is what the board declared, what has no accounts, and names that it opened as a whole."""
    assert closed is BoardServices().holds_closed(application, service)
    assert closed_when_unknown_is_open is BoardServices(unknown_names_open=True).holds_closed(application, service)


def test_possible_accounts() -> None:
    """What a declaration can touch may be the board's; the bound of series counts it."""
    mail, x = Entry(SUITE, domains=(b"mail.google.com",)), Entry(PERSONAL, domains=(b"x.com",))
    ours = Entry(PERSONAL, domains=(b"forum.schools.example.org",))
    banner = Entry(NONE, protocols=("ntp",))
    by_name = BoardServices([BoardService("S", "B, 2026-08-18", None, Mark("a", 1), domains=(b"schools.example.org",))])
    both = {Account.PERSONAL, Account.BOARD}

    assert {Account.BOARD} == DECLARED.possible(mail)
    assert both == DECLARED.possible(x)  # any server may stand in a declared prefix
    assert [{Account.PERSONAL}, both, {Account.UNKNOWN, Account.BOARD}, {Account.UNKNOWN, Account.BOARD}] == [
        by_name.possible(entry) for entry in (x, ours, banner, None)
    ]
    assert {Account.UNKNOWN} == BoardServices().possible(None)


ACCOUNTS = """\
board_services:
  - service: Google
    decided: "Board of Education, 2026-08-18"
    until: 2027-08-31
    applications: [google_apis]
    domains: [schools.example.org]
    prefixes: [192.0.2.0/24]
"""


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000_000


def test_a_policy_with_declarations(rules: Callable[..., Path]) -> None:
    """From the file to what the pipeline asks: accounts and what is held closed, before and after the last day."""
    directory = rules({"accounts.yaml": ACCOUNTS})
    before, after = (load(directory, now_ns=at(day)) for day in ("2027-08-31T12:00", "2027-09-02T12:00"))
    names = (b"storage.googleapis.com", b"x.com", b"www.schools.example.org", b"www.cloudflare.com", b"www.fedex.com")

    assert [False, True, False, False, True] == [before.holds_closed(name) for name in names]
    assert [True, True, True, False, True] == [after.holds_closed(name) for name in names]
    assert [True, True, True, True, False] == [before.is_site(name) for name in names]
    assert [True, True, False, True, False] == [after.is_site(name) for name in names]
    assert not before.holds_closed(b"www.fedex.com", bytes([192, 0, 2, 1]))
    assert before.holds_closed(b"www.fedex.com", bytes([192, 0, 3, 1]))


def test_a_policy_in_force_at_the_end_of_a_decision(rules: Callable[..., Path]) -> None:
    """Midnight is that of the schedules' zone; what is remembered of names goes with the decision."""
    policy = load(rules({"accounts.yaml": ACCOUNTS}), now_ns=at("2026-11-22T12:00"))
    midnight = datetime(2027, 9, 1, tzinfo=policy.zone)
    midnight_ns = int(midnight.timestamp()) * 1_000_000_000
    assert not policy.holds_closed(b"www.schools.example.org")
    after = policy.as_of(midnight_ns)

    assert policy is policy.as_of(midnight_ns - 1)
    assert after.holds_closed(b"www.schools.example.org")
    assert (
        Account.UNKNOWN
        is after.classify(
            vlan=None, client=b"", name=b"www.schools.example.org", evidence=Evidence.SNI, protocol="tls"
        ).account
    )
    assert (policy.rulebook, policy.segments, policy.pack) == (after.rulebook, after.segments, after.pack)


def test_without_the_file_nothing_is_declared(rules: Callable[..., Path]) -> None:
    """A directory from before there were declarations is right, and closed."""
    policy = load(rules())

    assert ((), True) == (policy.services.declared, policy.holds_closed(b"storage.googleapis.com"))
