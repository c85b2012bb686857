"""Classes: the name speaks first, the protocol where the name is of no help, and evidence says which of them it was."""

from ipaddress import ip_network

import pytest

from agent.flow import Account, Evidence, FlowClass
from agent.policy import classify as classify_module
from agent.policy.accounts import BoardService, BoardServices
from agent.policy.classify import Classifier
from agent.policy.policy import Policy
from agent.policy.problems import Mark

STUDENT = bytes([10, 1, 2, 3])


@pytest.mark.parametrize(
    ("name", "evidence", "protocol", "expected"),
    [
        (
            b"api.x.com",
            Evidence.SNI,
            "tls",
            FlowClass("students", "x", "social_networking", "tls", Evidence.SNI, Account.PERSONAL),
        ),
        (
            b"drive.googleapis.com",
            Evidence.QUIC,
            "quic",
            FlowClass("students", "google_apis", "cloud_collaboration", "quic", Evidence.QUIC, Account.UNKNOWN),
        ),
        (
            b"youtubei.googleapis.com",
            Evidence.DNS,
            "tcp",
            FlowClass("students", "youtube", "social_networking", "tcp", Evidence.DNS, Account.PERSONAL),
        ),
        (
            b"www.fedex.com",
            Evidence.SNI,
            "tls",
            FlowClass("students", "unknown", "unclassified", "tls", Evidence.SNI, Account.UNKNOWN),
        ),
        (
            None,
            Evidence.PROTOCOL,
            "bittorrent",
            FlowClass("students", "bittorrent", "file_sharing", "bittorrent", Evidence.PROTOCOL, Account.UNKNOWN),
        ),
        # The address book had a name that is in no catalogue: what is known rests on the banner.
        (
            b"peer.example.net",
            Evidence.DNS,
            "bittorrent",
            FlowClass("students", "bittorrent", "file_sharing", "bittorrent", Evidence.PROTOCOL, Account.UNKNOWN),
        ),
        (
            None,
            Evidence.NONE,
            "udp",
            FlowClass("students", "unknown", "unclassified", "udp", Evidence.NONE, Account.UNKNOWN),
        ),
        (
            b"cloudflare-ech.com",
            Evidence.ECH,
            "tls",
            FlowClass("students", "behind_cloudflare", "infrastructure", "tls", Evidence.ECH, Account.UNKNOWN),
        ),
        # An outer name that is no public one of the catalogue still says whose server it is.
        (
            b"www.x.com",
            Evidence.ECH,
            "tls",
            FlowClass("students", "x", "social_networking", "tls", Evidence.ECH, Account.PERSONAL),
        ),
        # Asked for in clear, the outer name is Cloudflare's own.
        (
            b"cloudflare-ech.com",
            Evidence.DNS,
            "tcp",
            FlowClass("students", "cloudflare", "infrastructure", "tcp", Evidence.DNS, Account.UNKNOWN),
        ),
    ],
)
def test_classes(policy: Policy, name: bytes | None, evidence: Evidence, protocol: str, expected: FlowClass) -> None:
    """Application, category and account follow from the name, or else from the protocol."""
    for _ in range(2):  # the second answer comes from memory
        assert expected == policy.classify(vlan=None, client=STUDENT, name=name, evidence=evidence, protocol=protocol)


def test_the_segment_is_part_of_the_class(policy: Policy) -> None:
    """The same name on another VLAN is another class."""
    found = [
        policy.classify(vlan=vlan, client=bytes(4), name=b"x.com", evidence=Evidence.SNI, protocol="tls").segment
        for vlan in (10, 202, 7)
    ]

    assert ["staff", "students", "unknown"] == found


def test_equal_classes_are_one_object(policy: Policy) -> None:
    """Thousands of names make few classes, so they share one object each."""
    first, second = (
        policy.classify(vlan=10, client=b"", name=name, evidence=Evidence.SNI, protocol="tls")
        for name in (b"a.x.com", b"b.x.com")
    )

    assert first is second


def test_memory_is_bounded_and_counted(policy: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Made-up names cannot fill the memory; the oldest are forgotten, counted, and answered alike when they return."""
    monkeypatch.setattr(classify_module, "max_names_remembered", 4)
    classifier = Classifier(policy.catalogue, policy.segments, BoardServices())

    found = {
        classifier.classify(vlan=10, client=b"", name=b"%d.x.com" % number, evidence=Evidence.SNI, protocol="tls")
        for number in [*range(10), 0]
    }

    assert (1, 7) == (len(found), classifier.forgotten)


DECLARED = BoardService(
    "District",
    "Board of Education, 2026-08-18",
    None,
    Mark("accounts.yaml", 3),
    applications=frozenset({"google_apis"}),
    domains=(b"schools.example.org",),
    prefixes=(ip_network("192.0.2.0/24"),),
)


@pytest.mark.parametrize(
    ("name", "evidence", "server", "expected"),
    [
        (b"drive.googleapis.com", Evidence.SNI, b"", Account.BOARD),
        (b"youtubei.googleapis.com", Evidence.SNI, b"", Account.PERSONAL),  # an application of its own
        (b"mail.schools.example.org", Evidence.SNI, b"", Account.BOARD),
        (b"mail.schools.example.org", Evidence.DNS, b"", Account.BOARD),
        (b"schools.example.org", Evidence.ECH, b"", Account.UNKNOWN),  # an outer name says nothing of the inner one
        (b"x.com", Evidence.SNI, b"\xc0\0\2\7", Account.BOARD),
        (b"x.com", Evidence.SNI, b"\xc0\0\3\7", Account.PERSONAL),
        (None, Evidence.NONE, b"\xc0\0\2\7", Account.BOARD),
        (None, Evidence.NONE, b"", Account.UNKNOWN),
    ],
)
def test_what_the_board_declared(
    policy: Policy, name: bytes | None, evidence: Evidence, server: bytes, expected: Account
) -> None:
    """Applications, names and servers that the board declared are its own; what it did not declare is not."""
    classifier = Classifier(policy.catalogue, policy.segments, BoardServices([DECLARED]))

    for _ in range(2):  # the second answer comes from memory
        found = classifier.classify(vlan=10, client=b"", name=name, evidence=evidence, protocol="tls", server=server)
        assert expected is found.account


def test_addresses_do_not_fill_the_memory(policy: Policy) -> None:
    """A name at a thousand of its own addresses is remembered once, and once more for the board's."""
    classifier = Classifier(policy.catalogue, policy.segments, BoardServices([DECLARED]))
    for number in range(1_000):
        server = b"\xc0\0" + number.to_bytes(2, "big")
        classifier.classify(vlan=10, client=b"", name=b"x.com", evidence=Evidence.SNI, protocol="tls", server=server)

    assert 2 == classifier.in_segment.cache_info().currsize


def test_names_that_are_remembered_can_be_forgotten(policy: Policy) -> None:
    """None is held then; the answer is the same, and what had to be forgotten for want of room stays counted."""
    classifier = Classifier(policy.catalogue, policy.segments, policy.services)
    before = [
        classifier.in_segment("students", b"api.x.com", Evidence.SNI, "tls", None),
        classifier.closed(b"x.com", None),
    ]
    assert (1, 1) == (classifier.in_segment.cache_info().currsize, classifier.closed.cache_info().currsize)

    classifier.forget_names()

    assert (0, 0) == (classifier.in_segment.cache_info().currsize, classifier.closed.cache_info().currsize)
    assert 0 == classifier.forgotten
    again = [
        classifier.in_segment("students", b"api.x.com", Evidence.SNI, "tls", None),
        classifier.closed(b"x.com", None),
    ]
    assert before == again
