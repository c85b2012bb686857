"""The policy as a whole: all problems of all files at once, the shipped rules in order, the answers they are meant to give."""

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from agent.flow import Evidence
from agent.naming.name import LINK_PROTOCOLS, TRANSPORTS
from agent.policy.accounts_file import read_accounts
from agent.policy.catalogue_file import read_catalogue
from agent.policy.document import Table, parse
from agent.policy.extending import read_rules
from agent.policy.policy import Policy, load
from agent.policy.problems import Problems, RulesError
from agent.policy.rules_file import Vocabulary, carriers
from agent.policy.schedules_file import read_schedules
from agent.policy.segments import Role
from agent.policy.segments_file import read_segments
from agent.wire.banner import PROTOCOLS

SHIPPED = Path(__file__).parent.parent.parent / "rules"


def at(text: str) -> int:
    """Returns a time on the clock of a wall in New York."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("America/New_York")).timestamp()) * 1_000_000_000


@pytest.fixture(scope="module")
def shipped() -> Policy:
    """Returns the shipped policy."""
    return load(SHIPPED)


def verdict(policy: Policy, vlan: int, name: bytes, time: str) -> str:
    """Returns the verdict for a name in a ClientHello."""
    flow_class = policy.classify(vlan=vlan, client=b"", name=name, evidence=Evidence.SNI, protocol="tls")
    return policy.decide(flow_class, at(time)).verdict.value


def test_cells(shipped: Policy) -> None:
    """Each segment with each category that a flow can have, and no unknown segment: nobody in it is a device."""
    cells = shipped.cells()
    categories = {entry.application.category for entry in shipped.catalogue.entries.values()}

    assert {"staff", "students", "guests"} == {segment for segment, _ in cells}
    assert categories | {"unclassified"} == {category for _, category in cells}
    assert 3 * (len(categories) + 1) == len(cells)


def test_devices(shipped: Policy) -> None:
    """A student's device is one; who connects from elsewhere into the students' VLAN is not."""
    assert shipped.is_device("students", b"\x0a\x14\x01\x01")
    assert not shipped.is_device("students", b"\xcb\x00\x71\x07")


def test_every_problem_of_every_file_is_shown(rules: Callable[..., Path]) -> None:
    """One run shows all that is wrong, whatever file it is in, and nothing twice."""
    directory = rules(
        {
            "catalogue/web.yaml": "category: wbe\ntitle: T\napplications: {}\n",
            "segments.yaml": "segments:\n  - {id: staff, title: Staff, role: staff, vlans: [5000]}\n",
            "schedules.yaml": "time_zone: Mars\nschedules: {}\n",
            "rules.yaml": "rules:\n  - {id: a, verdict: maybe, because: B, when: [b]}\ndefault: {verdict: x, because: C}\n",
        }
    )

    with pytest.raises(RulesError) as caught:
        load(directory)

    places = [(Path(problem.file).name, problem.line) for problem in caught.value.problems]
    assert [
        ("web.yaml", 1),
        ("rules.yaml", 2),
        ("rules.yaml", 2),
        ("rules.yaml", 3),
        ("schedules.yaml", 1),
        ("segments.yaml", 2),
    ] == places


def test_a_broken_file_does_not_hide_the_others(rules: Callable[..., Path]) -> None:
    """A file that is no YAML is one problem; the rules are still read, without a complaint of the words it has."""
    directory = rules({"segments.yaml": "a: [\n", "catalogue/web.yaml": "a: [\n"})
    text = (directory / "rules.yaml").read_text().replace("verdict: review", "verdict: revue")
    (directory / "rules.yaml").write_text(text.replace("bittorrent", "edonkey"))

    with pytest.raises(RulesError) as caught:
        load(directory)

    assert ["web.yaml", "rules.yaml", "segments.yaml"] == [Path(problem.file).name for problem in caught.value.problems]


def test_an_empty_directory_is_an_error_and_no_crash(tmp_path: Path) -> None:
    """Everything missing is told, as for any other problem."""
    with pytest.raises(RulesError) as caught:
        load(tmp_path)

    assert 4 == len(caught.value.problems)


def test_a_policy_answers(policy: Policy) -> None:
    """Classify, then decide: the same class before and after the bell."""
    assert ["prohibited", "permitted", "incidental"] == [
        verdict(policy, 20, b"x.com", "2026-11-23T10:00"),
        verdict(policy, 20, b"x.com", "2026-11-23T17:00"),
        verdict(policy, 10, b"x.com", "2026-11-23T10:00"),
    ]
    assert {"policy_names_remembered": 0, "policy_decisions_remembered": 0} == policy.limits()


def test_what_naming_asks(policy: Policy) -> None:
    """Accounts, outer names and telling protocols are answered from the catalogue."""
    names = (b"www.x.com", b"googleapis.com", b"www.fedex.com")
    assert [True, True, True] == [policy.holds_closed(name) for name in names]
    assert [True, False] == [policy.is_public_name(name) for name in (b"cloudflare-ech.com", b"x.com")]
    assert [True, False] == [policy.is_site(name) for name in (b"www.x.com", b"www.fedex.com")]
    assert [True, False] == [policy.is_known_protocol(protocol) for protocol in ("bittorrent", "tls")]


def test_the_shipped_rules_load(shipped: Policy) -> None:
    """What is shipped runs as it is: no problem, every role that its rules need, a bounded number of series."""
    roles = {segment.role for segment in shipped.segments.by_identifier.values()}

    assert {Role.STAFF, Role.STUDENT, Role.GUEST, Role.UNKNOWN} == roles
    assert 0 < shipped.worst_case().flows < 200_000


@pytest.mark.parametrize(
    ("vlan", "name", "time", "expected"),
    [
        (20, b"www.tiktok.com", "2026-11-23T10:00", "prohibited"),
        (20, b"www.tiktok.com", "2026-11-23T17:00", "permitted"),
        (20, b"www.tiktok.com", "2026-11-26T10:00", "permitted"),  # Thanksgiving
        (20, b"www.tiktok.com", "2026-11-25T12:00", "permitted"),  # a half day
        (10, b"www.tiktok.com", "2026-11-23T10:00", "incidental"),
        (30, b"www.tiktok.com", "2026-11-23T10:00", "permitted"),
        (10, b"chatgpt.com", "2026-11-23T10:00", "review"),
        (20, b"chatgpt.com", "2026-11-23T17:00", "review"),
        (30, b"chatgpt.com", "2026-11-23T10:00", "permitted"),
        (10, b"www.amazon.com", "2026-11-23T10:00", "incidental"),
        (10, b"mail.proton.me", "2026-11-23T10:00", "incidental"),
        (10, b"www.pornhub.com", "2026-11-23T10:00", "prohibited"),
        (30, b"www.pornhub.com", "2026-11-23T17:00", "prohibited"),
        (10, b"www.dropbox.com", "2026-11-23T10:00", "review"),
        (10, b"nordvpn.com", "2026-11-23T10:00", "review"),
        (10, b"www.fedex.com", "2026-11-23T10:00", "permitted"),
    ],
)
def test_the_shipped_verdicts(shipped: Policy, vlan: int, name: bytes, time: str, expected: str) -> None:
    """The default policy says what its comments say, by VLAN, by the bell and on days off."""
    assert expected == verdict(shipped, vlan, name, time)


def test_rules_may_name_every_protocol(shipped: Policy) -> None:
    """Whatever protocol a class can have, a rule can speak of it: reading and naming know none that rules would refuse."""
    seen = PROTOCOLS | set(TRANSPORTS.values()) | set(LINK_PROTOCOLS.values())

    assert set() == seen - carriers - shipped.catalogue.protocols


def test_peer_to_peer_is_told_by_its_banner(shipped: Policy) -> None:
    """There is no name, and none is needed."""
    found = shipped.classify(vlan=20, client=b"", name=None, evidence=Evidence.PROTOCOL, protocol="bittorrent")

    assert ("bittorrent", "prohibited", "peer-to-peer") == (
        found.application,
        shipped.decide(found, 0).verdict.value,
        shipped.decide(found, 0).rule,
    )


def blocks() -> list[str]:
    """Returns the examples of the README."""
    return re.findall(r"```yaml\n(.*?)```", (SHIPPED / "README.md").read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("block", blocks(), ids=lambda block: block.strip().splitlines()[0])
def test_the_readme_can_be_copied(block: str, shipped: Policy) -> None:
    """Every example of the README is right as it stands; names of segments and schedules are the reader's own."""
    problems = Problems()
    text = block if not block.startswith("  - id:") else f"rules:\n{block}default: {{verdict: review, because: B}}\n"
    node = parse(text.encode(), "README.md", problems)
    assert isinstance(node, Table)
    match next(iter(node.entries)):
        case "segments":
            read_segments(node, problems)
        case "time_zone":
            read_schedules(node, problems)
        case "category":
            read_catalogue([node], problems)
        case "rules":
            read_rules([node], Vocabulary(shipped.catalogue, None, None), problems)
        case "extends":
            # What is extended is not here, so nothing can be said of the rules and clauses in it.
            read_rules([node, None], Vocabulary(shipped.catalogue, None, None), problems)
        case "unknown_names":
            read_accounts(node, shipped.catalogue, problems)
        case other:
            pytest.fail(f"an example that begins with {other}")

    problems.raise_if_any()
