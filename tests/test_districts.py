"""The three regulations as packs: a flow of every named system, through the gate, under each; docs/districts.md shows them."""

import re
import shutil
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from agent.flow import Evidence
from agent.lab.named_systems import NAMED_SYSTEMS, named_systems
from agent.lab.pcap import write_pcap
from agent.pipeline import FlowRecord
from agent.policy.explain import explain
from agent.policy.pack import Pack
from agent.policy.policy import Policy, load
from agent.verdict import Verdict
from tests.conserved import play

ROOT = Path(__file__).parent.parent
RULES = ROOT / "rules"
DOCUMENT = ROOT / "docs" / "districts.md"
REGULATIONS = ROOT.parent / "shared" / "regulations"

DISTRICTS = ("hamden", "wethersfield", "darien")
ZONE = ZoneInfo("America/New_York")
SCHOOL_DAY = "2026-11-23T10:15"

ELSEWHERE = ("TikTok", "Generative AI: ChatGPT", "E-mail, personal (Yahoo Mail)", "Retail site (Amazon)")
"""Systems whose rules look at segment or time."""

MOMENTS = (
    ("staff", SCHOOL_DAY),
    ("staff", "2026-11-23T17:15"),
    ("students", SCHOOL_DAY),
    ("students", "2026-11-23T17:15"),
    ("students", "2026-11-25T12:15"),  # a half day
    ("students", "2026-11-26T10:15"),  # a holiday
    ("students", "2026-11-28T10:15"),  # a Saturday
    ("guests", SCHOOL_DAY),
)

Found = Mapping[tuple[str, str], FlowRecord]
"""(segment, application) -> its flow"""


@cache
def policy(district: str) -> Policy:
    """Returns the policy of a pack, read once."""
    return load(RULES, district=district)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Found]:
    """Returns what replays the named systems at a time, by the clock of New York, under a pack."""
    folder = tmp_path_factory.mktemp("named")

    @cache
    def replayed(district: str, at: str) -> Found:
        capture = folder / f"{at.replace(':', '')}.pcap"
        if not capture.exists():
            start_ns = int(datetime.fromisoformat(at).replace(tzinfo=ZONE).timestamp()) * 1_000_000_000
            write_pcap(capture, named_systems(start_ns))
        records = play(capture, policy(district), max_flows=4096).records
        return {(record.flow_class.segment, record.flow_class.application): record for record in records}

    return replayed


def place(pack: Pack, clause: str) -> str:
    """Returns where a clause stands, short: for a cell of the table."""
    return pack.clauses[clause].number if clause in pack.clauses else clause.partition(":")[0]


def side_by_side(seen: Callable[[str, str], Found]) -> str:
    """Returns the table of all systems on the staff VLAN, a column for each district."""
    lines = ["| on the staff VLAN | Hamden 4118.5R | Wethersfield 4350 | Darien 4300 |", "|---|---|---|---|"]
    for system in NAMED_SYSTEMS:
        cells = []
        for district in DISTRICTS:
            record = seen(district, SCHOOL_DAY)["staff", system.application]
            decision = policy(district).decide(record.flow_class, record.flow.first_ns)
            cells.append(f"`{record.verdict}`, {place(policy(district).pack, decision.clause)}")
        lines.append(f"| {system.title} | {' | '.join(cells)} |")
    return "\n".join(lines)


def elsewhere(seen: Callable[[str, str], Found]) -> str:
    """Returns the table of some systems in other segments and at other times."""
    heads = [f"{segment}, {datetime.fromisoformat(at):%a %-d %b %H:%M}" for segment, at in MOMENTS]
    lines = [f"| | {' | '.join(heads)} |", f"|---|{'---|' * len(heads)}"]
    for system in NAMED_SYSTEMS:
        if system.title in ELSEWHERE:
            verdicts = [seen("wethersfield", at)[segment, system.application].verdict for segment, at in MOMENTS]
            lines.append(f"| {system.title} | {' | '.join(f'`{verdict}`' for verdict in verdicts)} |")
    return "\n".join(lines)


@pytest.mark.parametrize(("name", "table"), [("named systems", side_by_side), ("times and segments", elsewhere)])
def test_the_tables_of_the_document(
    name: str,
    table: Callable[[Callable[[str, str], Found]], str],
    seen: Callable[[str, str], Found],
    request: pytest.FixtureRequest,
) -> None:
    """What docs/districts.md shows is what the gate, the naming and the packs make of the lab's flows."""
    section = re.compile(rf"(<!-- {name}:[^\n]*-->\n)(.*?)(<!-- end -->)", re.DOTALL)
    text = DOCUMENT.read_text(encoding="utf-8")
    made = f"\n{table(seen)}\n\n"
    if request.config.getoption("--update-golden"):
        DOCUMENT.write_text(section.sub(lambda found: found[1] + made + found[3], text), encoding="utf-8")
        return
    shown = section.search(text)

    assert shown is not None
    assert made == shown[2]


@pytest.mark.parametrize("district", DISTRICTS)
def test_every_flow_is_named_for_what_it_is(district: str, seen: Callable[[str, str], Found]) -> None:
    """No verdict of the table rests on a flow that was taken for something else."""
    found = seen(district, SCHOOL_DAY)

    assert {
        (segment, system.application) for segment in ("staff", "students", "guests") for system in NAMED_SYSTEMS
    } == set(found)


def verdicts(found: Found, segment: str, *applications: str) -> list[Verdict]:
    """Returns the verdicts of some applications in a segment."""
    return [found[segment, application].verdict for application in applications]


def test_where_the_regulations_differ(seen: Callable[[str, str], Found]) -> None:
    """TikTok and generative AI are named in Wethersfield and Darien only; everything else comes out alike."""
    by_district = {
        district: {
            application: record.verdict
            for (segment, application), record in seen(district, SCHOOL_DAY).items()
            if segment == "staff"
        }
        for district in DISTRICTS
    }
    hamden, wethersfield, darien = (by_district[district] for district in DISTRICTS)

    assert wethersfield == darien
    assert {
        "tiktok": (Verdict.INCIDENTAL, Verdict.REVIEW),
        "chatgpt": (Verdict.INCIDENTAL, Verdict.REVIEW),
    } == {name: (hamden[name], wethersfield[name]) for name in hamden if hamden[name] != wethersfield[name]}


def test_what_all_three_name(seen: Callable[[str, str], Found]) -> None:
    """The five social networks of every list are for review, each under its own district's clause."""
    five = ("facebook", "twitter", "linkedin", "instagram", "youtube")
    clauses = []
    for district in DISTRICTS:
        found = seen(district, SCHOOL_DAY)
        assert [Verdict.REVIEW] * 5 == verdicts(found, "staff", *five)
        decisions = [policy(district).decide(found["staff", name].flow_class, 0) for name in five]
        clauses += sorted({decision.clause for decision in decisions})

    assert [
        "hamden-4118.5R/prohibited-uses/12",
        "wethersfield-4350/prohibited-uses/10",
        "darien-4300/prohibited-uses/10",
    ] == clauses


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-10-30T07:50", Verdict.PROHIBITED),  # the Friday before the change from daylight saving
        ("2026-10-30T07:40", Verdict.PERMITTED),
        ("2026-11-02T07:50", Verdict.PROHIBITED),  # the Monday after it: an hour later in UTC
        ("2026-11-02T07:40", Verdict.PERMITTED),
        ("2027-03-12T07:50", Verdict.PROHIBITED),  # the Friday before the change back
        ("2027-03-15T07:50", Verdict.PROHIBITED),
        ("2027-03-15T07:40", Verdict.PERMITTED),
    ],
)
def test_the_bell_follows_the_clock_on_the_wall(at: str, expected: Verdict, seen: Callable[[str, str], Found]) -> None:
    """Before and after both changes of the clock, school begins at 07:45 on the wall."""
    assert [expected] == verdicts(seen("hamden", at), "students", "tiktok")


def test_the_same_moment_of_the_day_in_utc_is_another_lesson(seen: Callable[[str, str], Found]) -> None:
    """12:00 UTC is 08:00 in New York before the change and 07:00 after it; the verdict is that of the wall."""
    before, after = seen("hamden", "2026-10-30T08:00"), seen("hamden", "2026-11-02T07:00")
    day_ns = 86_400_000_000_000

    assert 0 == (after["staff", "tiktok"].flow.first_ns - before["staff", "tiktok"].flow.first_ns) % day_ns
    assert [Verdict.PROHIBITED, Verdict.PERMITTED] == [
        *verdicts(before, "students", "tiktok"),
        *verdicts(after, "students", "tiktok"),
    ]


def clauses_with(district: str, *words: str) -> list[str]:
    """Returns the ids of the clauses whose paraphrase has all the words."""
    found = policy(district).pack.clauses.values()
    return [one.identifier for one in found if all(word in one.paraphrase for word in words)]


def test_clauses_that_not_all_have() -> None:
    """Shared logins and rearranged applications are Hamden's; generative AI is not; Darien has its networking policy."""
    shape = {
        district: (
            bool(clauses_with(district, "login")),
            bool(clauses_with(district, "rearranging applications")),
            bool(clauses_with(district, "generative artificial intelligence")),
            bool(clauses_with(district, "policy on social networking")),
            bool(clauses_with(district, "TikTok")),
            bool(clauses_with(district, "Twitter/X")),
            f"{next(iter(policy(district).pack.clauses)).partition('/')[0]}/notice" in policy(district).pack.clauses,
        )
        for district in DISTRICTS
    }

    assert {
        "hamden": (True, True, False, False, False, False, True),
        "wethersfield": (False, False, True, False, True, True, True),
        "darien": (False, False, True, True, True, True, False),
    } == shape


@pytest.mark.parametrize(("district", "items"), [("hamden", 12), ("wethersfield", 11), ("darien", 11)])
def test_no_prohibited_use_is_left_out(district: str, items: int) -> None:
    """The items of the list of prohibited uses are all there, counted as printed."""
    numbers = [name.rpartition("/")[2] for name in policy(district).pack.clauses if "/prohibited-uses/" in name]

    assert [*map(str, range(1, items + 1)), "law"] == numbers


@pytest.mark.parametrize("district", DISTRICTS)
def test_snapchat_and_signal_are_named_in_all(district: str) -> None:
    """The regulations name one product whose messages vanish, and one built for secrecy."""
    assert 1 == len(clauses_with(district, "Snapchat", "Signal"))


@pytest.mark.parametrize("district", DISTRICTS)
def test_personal_accounts_as_the_statute_has_them(district: str) -> None:
    """Of § 31-40x a paraphrase drops nothing that a board would rely on: it may not even ask, and work's accounts are out."""
    clauses = {
        name.rpartition("/")[2]: clause.paraphrase
        for name, clause in policy(district).pack.clauses.items()
        if "/personal-accounts/" in name
    }

    assert "asked or made" in clauses["protected"]
    assert "used for its business" in clauses["provided"]
    assert "used for the board's business is not" in clauses["definition"]


def words(text: str) -> list[str]:
    """Returns the words of a text, lower case, without punctuation."""
    return re.findall(r"[a-z0-9]+", text.lower())


@pytest.mark.parametrize(
    ("district", "regulation"),
    [("hamden", "hamden-4118.5R"), ("wethersfield", "wethersfield-4350"), ("darien", "darien-4300")],
)
def test_regulations_are_cited_and_not_copied(district: str, regulation: str) -> None:
    """No paraphrase shares seven words in a row with its regulation: it is short, and in words of its own."""
    source = REGULATIONS / f"{regulation}.txt"
    if not source.is_file():
        pytest.skip(f"THE REGULATIONS ARE NOT HERE: no {source}; paraphrases are not compared with them")
    known = words(source.read_text(encoding="utf-8"))
    printed = {tuple(known[at : at + 7]) for at in range(len(known) - 6)}
    copied = []
    for clause in policy(district).pack.clauses.values():
        own = words(clause.paraphrase)
        copied += [own[at : at + 7] for at in range(len(own) - 6) if tuple(own[at : at + 7]) in printed]

    assert [] == copied


def test_a_fourth_district_takes_ten_lines(tmp_path: Path) -> None:
    """The example of the document is a district: its own rule decides, and all else is the district's it extends."""
    text = re.findall(r"```yaml\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)[0]
    rules = shutil.copytree(RULES, tmp_path / "rules")
    (rules / "districts" / "newtown.yaml").write_text(text, encoding="utf-8")
    newtown = load(rules, district="newtown")
    found = {name: explain(newtown, name, "staff", 0).decision.rule for name in ("netflix", "tiktok", "chatgpt")}

    assert "Newtown Public Schools" == newtown.pack.district
    assert "4350" == (newtown.pack.policy and newtown.pack.policy.number)
    assert len(policy("wethersfield").pack.clauses) + 1 == len(newtown.pack.clauses)
    assert {
        "netflix": "no-streaming",
        "tiktok": "named-social-networking",
        "chatgpt": "generative-ai",
    } == found


def test_a_site_chooses_its_district_in_one_line(tmp_path: Path) -> None:
    """`extends:` in rules.yaml gives what --district gives."""
    rules = shutil.copytree(RULES, tmp_path / "rules")
    (rules / "rules.yaml").write_text("extends: districts/hamden.yaml\n", encoding="utf-8")
    chosen = load(rules)

    assert policy("hamden").rulebook.rules == chosen.rulebook.rules
    assert policy("hamden").pack == chosen.pack


def test_where_devices_roam(tmp_path: Path) -> None:
    """A roaming SSID's VLAN is a segment of its own: employees' rules hold there, students' do not; so is the unknown."""
    rules = shutil.copytree(RULES, tmp_path / "rules")
    segments = rules / "segments.yaml"
    roaming = "  - {id: roaming, title: Roaming SSID, role: mixed, vlans: [40]}\n"
    segments.write_text(f"{segments.read_text(encoding='utf-8')}\n{roaming}", encoding="utf-8")
    site = load(rules, district="wethersfield")
    staff_at_home = bytes([10, 10, 1, 7])  # a staff member's address does not make the VLAN a staff one
    at_ns = int(datetime.fromisoformat(SCHOOL_DAY).replace(tzinfo=ZONE).timestamp()) * 1_000_000_000

    found = {}
    for vlan in (40, 999):
        client = staff_at_home if vlan == 40 else b""
        for name in (b"www.tiktok.com", b"chatgpt.com", b"www.roblox.com"):
            flow_class = site.classify(vlan=vlan, client=client, name=name, evidence=Evidence.SNI, protocol="tls")
            found[flow_class.segment, name] = site.decide(flow_class, at_ns).verdict

    assert {
        ("roaming", b"www.tiktok.com"): Verdict.REVIEW,
        ("roaming", b"chatgpt.com"): Verdict.REVIEW,
        ("roaming", b"www.roblox.com"): Verdict.INCIDENTAL,
        ("unknown", b"www.tiktok.com"): Verdict.PERMITTED,
        ("unknown", b"chatgpt.com"): Verdict.REVIEW,
        ("unknown", b"www.roblox.com"): Verdict.PERMITTED,
    } == found


def test_what_a_board_provides_is_permitted(tmp_path: Path) -> None:
    """Once the board has declared its suite, mail and documents of it are what the systems are for."""
    rules = shutil.copytree(RULES, tmp_path / "rules")
    declared = 'board_services: [{service: G, decided: "Board, 2026-08-18", applications: [gmail, google_docs]}]\n'
    (rules / "accounts.yaml").write_text(declared, encoding="utf-8")
    site = load(rules, district="darien")

    assert ["board-provided", "board-provided", "personal-mail-and-messages"] == [
        explain(site, application, "staff", 0).decision.rule for application in ("gmail", "google_docs", "yahoo_mail")
    ]
