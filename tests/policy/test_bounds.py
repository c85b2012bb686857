"""The worst case: what every name, protocol and time can bring is within it, and it is counted exactly."""

from dataclasses import replace
from datetime import UTC
from ipaddress import ip_network

from hypothesis import given
from hypothesis import strategies as st

from agent.flow import Evidence, FlowClass
from agent.policy.accounts import BoardService, BoardServices
from agent.policy.bounds import label_sets, worst_case
from agent.policy.catalogue import Accounts, Application, Catalogue, Entry
from agent.policy.classify import Classifier
from agent.policy.policy import Policy
from agent.policy.problems import Mark
from agent.policy.rules import Rule, Rulebook
from agent.policy.schedules import Calendar, Schedules
from agent.policy.segments import Role, Segment, Segments
from agent.verdict import Allowance, Verdict


def test_a_small_case_by_hand(policy: Policy) -> None:
    """Two segments, two applications, one rule for one of them at some times."""
    catalogue = Catalogue(
        [
            Entry(Application("x", "X", "social_networking", Accounts.PERSONAL), domains=(b"x.com",)),
            Entry(Application("ssh", "SSH", "remote_access", Accounts.NONE), protocols=("ssh",)),
        ]
    )
    segments = Segments([Segment("staff", "Staff", Role.STAFF, (10,))])
    rules = [
        Rule("r", Verdict.INCIDENTAL, "", segments=frozenset({"staff"}), applications=frozenset({"x"}), when=("a",))
    ]
    rulebook = Rulebook(rules, Rule("default", Verdict.PERMITTED, ""), policy.schedules)

    services = BoardServices()

    # unknown application: 8 kinds of evidence; x: 6 that name it, and 2 verdicts for staff; ssh: its banner
    staff, unknown = 8 + 6 * 2 + 1, 8 + 6 + 1
    found = worst_case(catalogue, segments, services, rulebook)
    assert staff + unknown == found.flows
    # each evidence away: unknown, x with 2 verdicts for staff, ssh
    assert (1 + 2 + 1) + (1 + 1 + 1) == found.traffic
    assert (2, 2, 3, 0) == (found.matches, found.rules, found.categories, found.cells)


def test_an_allowance_adds_its_own(policy: Policy) -> None:
    """What goes beyond it is for review, under the same rule; and each segment and category that has it is a cell."""
    catalogue = Catalogue(
        [Entry(Application("x", "X", "social_networking", Accounts.PERSONAL), domains=(b"x.com",))],
    )
    segments = Segments([Segment("staff", "Staff", Role.STAFF, (10,))])
    rule = Rule("r", Verdict.INCIDENTAL, "", applications=frozenset({"x"}), allowance=Allowance(minutes=5))
    rulebook = Rulebook([rule], Rule("default", Verdict.PERMITTED, ""), policy.schedules)

    found = worst_case(catalogue, segments, BoardServices(), rulebook)

    assert 2 * (8 + 6 * 2) == found.flows  # staff and unknown; incidental and review
    assert (3, 2, 2, 1) == (found.matches, found.rules, found.cells, found.segments)


_DECIDED = ("D", "Board of Education, 2026-08-18", None, Mark("accounts.yaml", 1))
DECLARATIONS = (
    BoardService(*_DECIDED, applications=frozenset({"x"})),
    BoardService(*_DECIDED, domains=(b"fedex.com",)),
    BoardService(*_DECIDED, hosts=(b"a.x.com",)),
    BoardService(*_DECIDED, prefixes=(ip_network("192.0.2.0/24"),)),
)

names = st.sampled_from(
    [b"x.com", b"a.x.com", b"www.fedex.com", b"cloudflare-ech.com", b"cloudflare.com", b"m.youtube.com"]
)
by_name = st.sampled_from([Evidence.SNI, Evidence.QUIC, Evidence.HOST, Evidence.DNS, Evidence.ECH, Evidence.ADDRESS])
without = st.sampled_from([Evidence.PROTOCOL, Evidence.NONE])


@given(
    seen=st.lists(
        st.tuples(
            st.sampled_from([10, 20, 99]),
            st.tuples(names, by_name) | st.tuples(st.none(), without),
            st.sampled_from(["tls", "bittorrent", "tcp"]),
            st.integers(0, 2**61),
            st.sampled_from([b"", b"\xc0\0\2\7"]),
        ),
        max_size=60,
    ),
    declared=st.sets(st.sampled_from(DECLARATIONS)),
)
def test_traffic_stays_within(
    seen: list[tuple[int, tuple[bytes | None, Evidence], str, int, bytes]], declared: set[BoardService]
) -> None:
    """Whatever is seen, no label set occurs that the bound has not counted."""
    catalogue = Catalogue(
        [
            Entry(Application("x", "X", "social_networking", Accounts.PERSONAL), domains=(b"x.com",)),
            Entry(Application("hidden", "H", "infrastructure", Accounts.NONE), public_names=(b"cloudflare-ech.com",)),
            Entry(Application("torrent", "T", "file_sharing", Accounts.NONE), protocols=("bittorrent",)),
        ]
    )
    segments = Segments([Segment("staff", "Staff", Role.STAFF, (10,))])
    rules = [Rule("r", Verdict.REVIEW, "", protocols=frozenset({"bittorrent"}))]
    rulebook = Rulebook(rules, Rule("default", Verdict.PERMITTED, ""), Schedules((), Calendar(UTC)))
    services = BoardServices(declared)
    classifier = Classifier(catalogue, segments, services)

    label_sets_seen: set[tuple[FlowClass, Verdict]] = set()
    for vlan, (name, evidence), protocol, now_ns, server in seen:
        found = classifier.classify(
            vlan=vlan, client=b"", name=name, evidence=evidence, protocol=protocol, server=server
        )
        label_sets_seen.add((replace(found, protocol=""), rulebook.decide(found, now_ns).verdict))

    possible = list(label_sets(catalogue, segments, services, rulebook))
    assert set() == label_sets_seen - set(possible)
    assert len(set(possible)) == len(possible) == worst_case(catalogue, segments, services, rulebook).flows
