"""What is asked for: a name as in a ClientHello, an application as it is mostly met, and whatever else is typed."""

import pytest

from agent.flow import Account, Evidence
from agent.policy.accounts import BoardService, BoardServices
from agent.policy.classify import Classifier
from agent.policy.policy import Policy
from agent.policy.problems import Mark
from agent.policy.typical import typical


@pytest.mark.parametrize(
    ("asked", "application", "evidence", "protocol", "by_identifier"),
    [
        ("x.com", "x", Evidence.SNI, "tls", False),
        ("x", "x", Evidence.SNI, "tls", True),
        ("bittorrent", "bittorrent", Evidence.PROTOCOL, "bittorrent", True),
        ("behind_cloudflare", "behind_cloudflare", Evidence.ECH, "tls", True),
        ("cloudflare-ech.com", "behind_cloudflare", Evidence.ECH, "tls", False),
        ("nothing.example", "unknown", Evidence.SNI, "tls", False),
        ("", "unknown", Evidence.SNI, "tls", False),
        ("ü" * 300, "unknown", Evidence.SNI, "tls", False),
    ],
)
def test_names_and_applications(
    policy: Policy, asked: str, application: str, evidence: Evidence, protocol: str, by_identifier: bool
) -> None:
    """Anything has a class, and it is the one that such a flow would get."""
    flow = typical(asked, policy.catalogue, policy.classifier)
    found = flow.class_in("staff", policy.classifier)

    assert (application, evidence, protocol) == (found.application, found.evidence, found.protocol)
    assert by_identifier is flow.by_identifier


def test_a_name_of_the_board(policy: Policy) -> None:
    """A declared domain makes the account the board's, also for an application that is mostly met under it."""
    ours = BoardService("S", "B, 2026-08-18", None, Mark("a", 1), domains=(b"x.com", b"ours.example"))
    classifier = Classifier(policy.catalogue, policy.segments, BoardServices([ours]))

    assert [Account.BOARD] * 3 == [
        typical(asked, policy.catalogue, classifier).class_in("staff", classifier).account
        for asked in ("x", "www.x.com", "www.ours.example")
    ]
