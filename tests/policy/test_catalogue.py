"""The catalogue: exact hosts, then the longest suffix of whole labels; the same as asking every entry in turn."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.policy.catalogue import Accounts, Application, Catalogue, Entry, Matched
from agent.policy.domain_names import max_name_bytes


def application(identifier: str) -> Application:
    """Returns an application of that name."""
    return Application(identifier, identifier.title(), "web", Accounts.NONE)


CATALOGUE = Catalogue(
    [
        Entry(application("x"), domains=(b"x.com", b"t.co")),
        Entry(application("google"), domains=(b"google.com", b"googleapis.com"), protocols=("gquic",)),
        Entry(application("mail"), domains=(b"mail.google.com",)),
        Entry(application("youtube"), domains=(b"youtube.com",), hosts=(b"youtubei.googleapis.com",)),
        Entry(application("hidden"), public_names=(b"cloudflare-ech.com",)),
    ]
)


@pytest.mark.parametrize(
    ("name", "expected", "matched", "key"),
    [
        (b"x.com", "x", Matched.SUFFIX, "x.com"),
        (b"api.x.com", "x", Matched.SUFFIX, "x.com"),
        (b"API.X.COM.", "x", Matched.SUFFIX, "x.com"),
        ("api.x.com", "x", Matched.SUFFIX, "x.com"),
        (b"docs.google.com", "google", Matched.SUFFIX, "google.com"),
        (b"mail.google.com", "mail", Matched.SUFFIX, "mail.google.com"),
        (b"a.b.mail.google.com", "mail", Matched.SUFFIX, "mail.google.com"),
        (b"youtubei.googleapis.com", "youtube", Matched.HOST, "youtubei.googleapis.com"),
        (b"a.youtubei.googleapis.com", "google", Matched.SUFFIX, "googleapis.com"),
    ],
)
def test_the_longest_suffix_wins(name: bytes | str, expected: str, matched: Matched, key: str) -> None:
    """A host beats any suffix, and covers nothing under it; of suffixes the longest wins."""
    found = CATALOGUE.lookup(name)

    assert found is not None
    assert (expected, matched, key) == (found.application.identifier, found.matched, found.key)


@pytest.mark.parametrize(
    "name",
    [
        *(
            b"www.fedex.com",
            b"fedex.com",
            b"com",
            b"x.co",
            b"x.com.example.org",
            b"",
            b".",
            b"..",
            b"xxcom",
            b"-x.com."[:5],
        ),
        *(b"\xff\x00", "", "ü.example", "ü" * 100_000, "a..ü", b"a" * 100_000 + b".x.com", b"a." * 130 + b"x.com"),
    ],
)
def test_what_is_no_known_name(name: bytes | str) -> None:
    """fedex.com ends in "x.com" and is not X: only whole labels count. What cannot be a name is in no catalogue."""
    assert CATALOGUE.lookup(name) is None
    assert CATALOGUE.lookup_public_name(name) is None


def test_the_longest_possible_name_is_found() -> None:
    """A name of 253 bytes, the most there can be, is looked up, also with its final dot."""
    name = b"a." * 124 + b"x.com"

    assert max_name_bytes == len(name)
    found = CATALOGUE.lookup(name)

    assert found is not None
    assert found == CATALOGUE.lookup(name + b".")


def test_names_beyond_ascii_are_asked_in_punycode() -> None:
    """A person may type a name as the browser shows it."""
    catalogue = Catalogue([Entry(application("city"), domains=(b"xn--mnchen-3ya.de",))])

    found = catalogue.lookup("www.münchen.de")

    assert found is not None
    assert "city" == found.application.identifier


def test_public_names_say_nothing_of_the_site() -> None:
    """The outer name of Encrypted ClientHello is known as such, and is no domain of the catalogue."""
    found = CATALOGUE.lookup_public_name(b"Cloudflare-ECH.com")

    assert found is not None
    assert ("hidden", Matched.PUBLIC_NAME) == (found.application.identifier, found.matched)
    assert (True, False) == (CATALOGUE.public_name("cloudflare-ech.com."), CATALOGUE.public_name(b"www.x.com"))
    assert CATALOGUE.lookup(b"cloudflare-ech.com") is None


def test_a_protocol_may_tell() -> None:
    """A protocol is looked up as it is, and most tell nothing."""
    found = CATALOGUE.by_protocol("gquic")

    assert found is not None
    assert ("google", Matched.PROTOCOL, "gquic") == (found.application.identifier, found.matched, found.key)
    assert CATALOGUE.by_protocol("tls") is None
    assert frozenset({"gquic"}) == CATALOGUE.protocols


labels = st.sampled_from(["a", "b", "x", "ax", "com", "co", "b-a"])
names = st.lists(labels, min_size=1, max_size=5).map(".".join)


def naive(domains: list[str], hosts: list[str], name: str) -> str | None:
    """Returns the key that should match, by asking every one."""
    if name in hosts:
        return name
    fitting = [domain for domain in domains if name == domain or name.endswith("." + domain)]
    return max(fitting, key=len, default=None)


@given(domains=st.lists(names, max_size=12, unique=True), hosts=st.lists(names, max_size=6, unique=True), name=names)
def test_lookup_equals_asking_every_entry(domains: list[str], hosts: list[str], name: str) -> None:
    """For any catalogue and name, the walk over labels finds what the naive search over all entries finds."""
    entries = [Entry(application(f"d{number}"), domains=(domain.encode(),)) for number, domain in enumerate(domains)]
    entries += [Entry(application(f"h{number}"), hosts=(host.encode(),)) for number, host in enumerate(hosts)]

    found = Catalogue(entries).lookup(name.encode())

    assert naive(domains, hosts, name) == (None if found is None else found.key)
