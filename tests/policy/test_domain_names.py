"""Domains: a right one becomes bytes, a wrong one a problem that says what was probably meant."""

import pytest

from agent.policy.document import Text
from agent.policy.domain_names import wire_name
from agent.policy.problems import Mark, Problems, RulesError

PLACE = Mark("f.yaml", 4)


@pytest.mark.parametrize(
    "name", ["x.com", "a-b.example.org", "_dns.resolver.arpa", "google", "arpa", "xn--mnchen-3ya.de"]
)
def test_right_names(name: str) -> None:
    """Names as they are on the wire are taken as they stand, brand top-level domains included."""
    problems = Problems()

    assert name.encode() == wire_name(Text(name, PLACE), problems)
    assert 0 == len(problems)


@pytest.mark.parametrize(
    ("name", "what", "remedy"),
    [
        ("X.com", "is not in lower case", 'write "x.com"'),
        ("*.x.com", "wildcard or a dot", 'everything under it: "x.com"'),
        (".x.com", "wildcard or a dot", 'everything under it: "x.com"'),
        ("x.com.", "wildcard or a dot", 'everything under it: "x.com"'),
        ("https://www.X.com/home?a=b", "is not only a domain", 'leave out scheme, port and path: "www.x.com"'),
        ("x.com:443", "is not only a domain", 'path: "x.com"'),
        ("me@x.com", "is not only a domain", 'path: "x.com"'),
        ("münchen.de", "is not ASCII", 'in punycode: "xn--mnchen-3ya.de"'),
        ("a..ü", "is not ASCII", "in punycode"),
        ("ü" * 300, "is not ASCII", "as it is on the wire"),
        ("x..com", "is no domain", "labels of letters"),
        ("-x.com", "is no domain", "labels of letters"),
        ("x y.com", "is no domain", "labels of letters"),
        ("a" * 64 + ".com", "is no domain", "labels of letters"),
        ("a." * 127 + "com", "is longer than 253 bytes", "no such name"),
        ("10.1.2.3", "is an address or a number", "names only"),
        ("com", "is shared by unrelated owners", 'such as "example.com"'),
        ("co.uk", "is shared by unrelated owners", 'such as "example.co.uk"'),
        ("us", "is shared by unrelated owners", 'such as "example.us"'),
    ],
)
def test_wrong_names(name: str, what: str, remedy: str) -> None:
    """Each is one problem at its place, with the name that was probably meant."""
    problems = Problems()

    assert wire_name(Text(name, PLACE), problems) is None

    with pytest.raises(RulesError) as caught:
        problems.raise_if_any()
    (problem,) = caught.value.problems
    assert ("f.yaml", 4) == (problem.file, problem.line)
    assert what in problem.what
    assert remedy in problem.remedy
