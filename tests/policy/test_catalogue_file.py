"""Catalogue files: read together into one catalogue; every conflict between them is told with both places."""

import pytest

from agent.policy import catalogue_file
from agent.policy.catalogue import Accounts, Application, Catalogue, Entry
from agent.policy.catalogue_file import read_catalogue
from agent.policy.document import parse
from agent.policy.problems import Problems, RulesError

X = """\
category: social_networking
title: Social networking
applications:
  x: {title: X, account: personal, domains: [x.com], hosts: [abs.twimg.com]}
"""


def read(*files: str) -> tuple[Catalogue, list[str]]:
    """Returns the catalogue of files a.yaml, b.yaml, ... and the problems."""
    problems = Problems()
    nodes = [parse(text.encode(), f"{name}.yaml", problems) for name, text in zip("abcdef", files, strict=False)]
    catalogue = read_catalogue([node for node in nodes if node is not None], problems)
    try:
        problems.raise_if_any()
    except RulesError as error:
        return catalogue, [str(problem) for problem in error.problems]
    return catalogue, []


def application(fields: str, name: str = "app", category: str = "web") -> str:
    """Returns a file with one application."""
    return f"category: {category}\ntitle: T\napplications:\n  {name}: {{title: T, account: none, {fields}}}\n"


def test_an_entry_is_read() -> None:
    """All that a file says of an application is in its entry."""
    catalogue, problems = read(X)

    assert [] == problems
    assert (
        Entry(
            Application("x", "X", "social_networking", Accounts.PERSONAL),
            domains=(b"x.com",),
            hosts=(b"abs.twimg.com",),
        )
        == catalogue.entries["x"]
    )


def test_two_files_may_share_a_category() -> None:
    """A site adds its own applications beside the shipped file, without editing it."""
    catalogue, problems = read(X, application("domains: [our-club.org]", category="social_networking"))

    assert ({"x", "app"}, []) == (set(catalogue.entries), problems)


def test_a_host_may_be_taken_out_of_anothers_domain() -> None:
    """One application's exact host below, or equal to, another's domain is no conflict: the host wins."""
    catalogue, problems = read(X, application("hosts: [x.com, help.x.com]"))
    found = catalogue.lookup(b"help.x.com")

    assert [] == problems
    assert found is not None
    assert "app" == found.application.identifier


@pytest.mark.parametrize(
    ("second", "problem"),
    [
        (
            application("domains: [x.com]"),
            'b.yaml:4: the domain "x.com" stands here for app and in a.yaml:4 for x; keep',
        ),
        (
            application("hosts: [abs.twimg.com]"),
            'b.yaml:4: the host "abs.twimg.com" stands here for app and in a.yaml:4',
        ),
        (application("domains: [y.com]", name="x"), 'b.yaml:4: the application "x" stands here for x and in a.yaml:4'),
        (application("domains: [y.com, y.com]"), 'b.yaml:4: the domain "y.com" stands here for app and in b.yaml:4'),
        (application("domains: [y.com]", category="socail_networking"), 'did you mean "social_networking"?'),
        (application("domains: [y.com]", category="unclassified"), 'b.yaml:1: "category": "unclassified" is not known'),
        (application("domains: [y.com]", name="unknown"), "choose another identifier"),
        (application("domains: [y.com]", name="Y.com"), 'b.yaml:4: "Y.com" is no identifier; lower-case letters'),
        (application("domain: [y.com]"), 'b.yaml:4: "domain" is no key of this application; did you mean "domains"?'),
        (application("domains: [münchen.de]"), 'write it as it is on the wire, in punycode: "xn--mnchen-3ya.de"'),
        (application("domains: [y.com], protocols: ['a b']"), 'b.yaml:4: "a b" is no identifier'),
        (application("title: again, domains: [y.com]"), 'b.yaml:4: the key "title" stands here a second time'),
        ("category: web\ntitle: T\napplications: []\n", 'b.yaml:3: "applications" holds a list where named entries'),
        ("category: web\ntitle: T\n", 'b.yaml:1: this catalogue file has no "applications"; add "applications:"'),
    ],
)
def test_one_fault_is_one_problem(second: str, problem: str) -> None:
    """Each fault is told once, with file, line and remedy; the file that is right is not mentioned otherwise."""
    _, problems = read(X, second)
    matching = [found for found in problems if problem in found]

    assert 1 == len(matching), problems


def test_account_must_be_known() -> None:
    """Whose accounts an application has is never guessed."""
    _, problems = read(X.replace("personal", "privat"))

    assert ['a.yaml:4: "account": "privat" is not known; one of: none, personal, suite'] == problems


def test_an_application_that_nothing_leads_to() -> None:
    """An entry without names and protocols is a mistake."""
    _, problems = read("category: web\ntitle: T\napplications:\n  app: {title: T, account: none}\n")

    assert [
        'a.yaml:4: nothing can ever be found to be "app"; give it "domains:", "hosts:", "protocols:" or "public_names:"'
    ] == problems


def test_protocols_and_public_names_are_unique() -> None:
    """What a banner or an outer name means cannot depend on the order of files."""
    first = application("protocols: [ssh], public_names: [ech.example.org]", name="one")
    second = application("protocols: [ssh], public_names: [ech.example.org]", name="two")

    _, problems = read(first, second)

    assert ['the protocol "ssh"', 'the public name "ech.example.org"'] == sorted(
        problem.removeprefix("b.yaml:4: ").partition(" stands")[0] for problem in problems
    )


def test_the_number_of_applications_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is a label value of metrics, so their number is bounded, and the one too many is named."""
    monkeypatch.setattr(catalogue_file, "max_applications", 1)

    catalogue, problems = read(X, application("domains: [y.com]"))

    assert {"x"} == set(catalogue.entries)
    assert ["b.yaml:4: more than 1 applications; put sites that no rule tells apart into one application"] == problems
