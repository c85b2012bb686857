"""rules/accounts.yaml: what is declared is read, and each fault told once, with its line and remedy."""

from datetime import date
from ipaddress import ip_network

import pytest

from agent.policy import accounts_file
from agent.policy.accounts import BoardServices
from agent.policy.accounts_file import read_accounts
from agent.policy.catalogue import Accounts, Application, Catalogue, Entry
from agent.policy.document import parse
from agent.policy.problems import Problems, RulesError

CATALOGUE = Catalogue([Entry(Application("gmail", "Gmail", "email", Accounts.SUITE), domains=(b"mail.google.com",))])


def read(text: str, catalogue: Catalogue | None = CATALOGUE) -> tuple[BoardServices, list[str]]:
    """Returns the declarations, and the problems."""
    problems = Problems()
    node = parse(text.encode(), "a.yaml", problems)
    assert node is not None
    services = read_accounts(node, catalogue, problems, today=date(2026, 11, 21))
    try:
        problems.raise_if_any()
    except RulesError as error:
        return services, [str(problem) for problem in error.problems]
    return services, []


def one(fields: str) -> str:
    """Returns a file with a right declaration in line 2 and another in line 3."""
    return (
        "board_services:\n"
        "  - {service: First, decided: 'Board, 2026-08-18', domains: [first.example]}\n"
        f"  - {{{fields}}}\n"
    )


def test_a_whole_declaration_is_read() -> None:
    """Every key ends in the service, with the place where it stands."""
    services, problems = read(
        """\
unknown_names: open
board_services:
  - service: Google Workspace
    decided: "Board of Education, 2026-08-18"
    until: 2027-08-31
    applications: [gmail]
    domains: [schools.example.org]
    hosts: [sso.example.net]
    prefixes: [192.0.2.0/24, "2001:db8::/32"]
"""
    )
    (service,) = services.declared

    assert [] == problems
    assert services.unknown_names_open
    assert ("Google Workspace", "Board of Education, 2026-08-18", date(2027, 8, 31)) == (
        service.service,
        service.decided,
        service.until,
    )
    assert (frozenset({"gmail"}), (b"schools.example.org",), (b"sso.example.net",)) == (
        service.applications,
        service.domains,
        service.hosts,
    )
    assert (ip_network("192.0.2.0/24"), ip_network("2001:db8::/32")) == service.prefixes
    assert "a.yaml:3" == str(service.mark)


def test_an_empty_list_declares_nothing() -> None:
    """As shipped: only the board can say what it provides."""
    services, problems = read("unknown_names: closed\nboard_services: []\n")

    assert ([], (), False) == (problems, services.declared, services.unknown_names_open)


def test_a_lapsed_decision_is_no_fault_of_the_file() -> None:
    """It is kept apart, for check to tell."""
    services, problems = read(one("service: S, decided: 'Board, 2025-08-18', until: 2026-11-20, domains: [s.example]"))

    assert [] == problems
    assert (["First"], ["S"]) == (
        [service.service for service in services.declared],
        [service.service for service in services.lapsed],
    )


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ("decided: 'Board, 2026-08-18', domains: [a.example]", 'this board service has no "service"; add "service:"'),
        ("service: S, domains: [a.example]", 'this board service has no "decided"; add "decided:"'),
        ("service: S, decided: Board, domains: [a.example]", '"Board" has no date; say by whom and when, such as'),
        ("service: S, decided: 'Board, 2026-13-40', domains: [a.example]", '"Board, 2026-13-40" has no date'),
        ("service: S, decided: 'B, 2026-08-18'", "nothing can ever be found to be this service; give it one of: appl"),
        (
            "service: S, decided: 'B, 2026-08-18', applications: [gmial]",
            'application: "gmial" is not known; did you mean "gmail"?',
        ),
        ("service: S, decided: 'B, 2026-08-18', domains: [com]", '"com" is shared by unrelated owners'),
        ("service: S, decided: 'B, 2026-08-18', hosts: [A.example]", '"A.example" is not in lower case'),
        ("service: S, decided: 'B, 2026-08-18', prefixes: [192.0.2.1/24]", '"192.0.2.1/24" is no prefix'),
        ("service: S, decided: 'B, 2026-08-18', prefixes: [0.0.0.0/0]", "0.0.0.0/0 is wider than any board's network"),
        ("service: S, decided: 'B, 2026-08-18', prefixes: ['::/0']", "::/0 is wider than any board's network"),
        ("service: S, decided: 'B, 2026-08-18', domains: [a.example], until: soon", '"soon" is no date'),
        ("service: S, decided: 'B, 2026-08-18', domain: [a.example], hosts: [b.example]", 'did you mean "domains"?'),
    ],
)
def test_one_fault_is_one_problem(fields: str, problem: str) -> None:
    """Each fault is told once, in line 3, with its remedy."""
    _, problems = read(one(fields))

    assert 1 == len(problems), problems
    assert problems[0].startswith("a.yaml:3: ")
    assert problem in problems[0]


def test_words_of_an_unread_catalogue_are_not_complained_of() -> None:
    """When the catalogue is broken, that is one problem, and not one for each application."""
    services, problems = read(one("service: S, decided: 'B, 2026-08-18', applications: [anything]"), None)

    assert ([], frozenset({"anything"})) == (problems, services.declared[1].applications)


def test_limits_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """More services, or more names, than any board has are refused at the first too many."""
    text = one("service: S, decided: 'B, 2026-08-18', domains: [a.example], hosts: [b.example]")
    monkeypatch.setattr(accounts_file, "max_names", 2)
    remedy = "declare the domain that holds them, or the whole application"
    assert [f"a.yaml:3: more than 2 domains, hosts and prefixes; {remedy}"] == read(text)[1]
    monkeypatch.setattr(accounts_file, "max_services", 1)
    assert ["a.yaml:3: more than 1 services; join those of one decision"] == read(text)[1]
