"""What the notice says to people."""

import re
from dataclasses import replace
from datetime import date

from agent.authority.recorder import entry_of
from agent.notice.describe import describe
from agent.notice.notice import Collected, Network, Notice
from agent.notice.opening import LIMITS
from agent.notice.page import Bullets, Page, Paragraph, Table
from agent.notice.page_text import as_text
from agent.notice.premises import Premises
from agent.notice.wording import COLLECTED, KEPT, OPENED, page_of
from agent.policy.policy import Policy
from tests.authority.examples import authorisation, flow


def page(notice: Notice) -> Page:
    """The page, dated."""
    return page_of(notice, "f" * 64, date(2026, 11, 21), ["the main office"])


def said(notice: Notice) -> str:
    """All of it, on one line."""
    return " ".join(as_text(page(notice)).split())


def test_says_what_the_law_asks_for(notice: Notice) -> None:
    """Both buildings, each tap's place and networks, whom to ask, date, fingerprint, the statutes, and who decides."""
    text = said(notice)
    for words in (
        "East High School, 1 East Street",
        "West Middle School",
        "network room (tap core)",
        "closet 2 B (tap west)",
        "Staff (VLAN 10, 10.10.0.0/16); Students (VLAN 20, 10.20.0.0/16)",
        "Questions about electronic monitoring: the Superintendent.",
        "Date: 2026-11-21.",
        "f" * 64,
        "Posted at: the main office.",
        "§ 31-48d, as amended by Public Act 26-73",
        "§ 31-48b",
        "§ 31-40x",
        "counsel decides",
        "400 days",
        "90 days",
    ):
        assert words in text


def test_every_limit_of_the_gate_is_said(notice: Notice) -> None:
    """The rows of what is opened name each limit of the gate once, and the page shows its value."""
    named = re.findall(r"\{(GATE_\w+)", " ".join(text for _, text in OPENED))
    text = said(notice)

    assert sorted(LIMITS) == sorted(named)
    assert [] == [name for name, value in LIMITS.items() if f"{value:,}" not in text]


def test_says_all_that_a_record_holds(notice: Notice) -> None:
    """Each key of a record but those of its log has its word on the page, and so has what an allowance adds up."""
    words = {
        ("started", "ended"): "time",
        ("segment",): "network",
        ("application",): "application",
        ("category",): "category",
        ("account",): "whether the account is personal or the district's",
        ("verdict",): "verdict",
        ("sent_packets", "received_packets", "sent_bytes", "received_bytes"): "size",
        ("names",): "names of sites only where the authorisation says so",
    }
    text = said(replace(notice, collected=tuple(Collected)))
    sentence = text[text.index("They hold") : text.index("They end with it")]
    ended = flow()
    entry = entry_of(ended, authorisation(names=True), 0, 0)

    assert entry.keys() - {"kind", "authorisation"} == {key for keys in words for key in keys}
    assert [] == [word for word in words.values() if word not in sentence]
    assert "minutes and bytes of use for each device" in text


def test_what_is_held_to_be_personal_is_said_in_one_way(notice: Notice) -> None:
    """Where a board has opened names that no catalogue knows, no sentence says that they are held to be personal."""
    closed, opened = said(notice), said(replace(notice, unknown_names_open=True))
    held = "is held to be personal, unless it is a service without accounts"

    assert f"{held}." in closed
    assert f"{held}, or no catalogue knows it." in opened
    assert "Services that no catalogue knows are not held to be personal." in opened


def test_every_fact_has_its_words(notice: Notice) -> None:
    """Each type of monitoring and each thing that is kept has a sentence; only types that occur are named."""
    assert set(Collected) == set(COLLECTED)
    assert {kept.id for kept in notice.kept} == set(KEPT) - {"distinct_devices"}
    assert "sketch" not in said(notice)
    less = replace(notice, collected=(Collected.COUNTS,))
    bullets = [part.items for part in page(less).sections[0].parts if isinstance(part, Bullets)]
    assert [(COLLECTED[Collected.COUNTS],)] == bullets


def test_a_store_of_devices(policy: Policy, premises: Premises) -> None:
    """Where devices are counted together, the page says how, in which place, for how long, and what is possible with it."""
    text = said(describe(policy, replace(premises, distinct_devices="the {network} room")))

    assert "Counting distinct devices across taps" in text
    assert "The sketches are kept here: the {network} room." in text
    assert "Who has the sketch and the key could try whether an address was among the day's." in text
    assert "Sketches of distinct devices, at most" in text
    assert "2 days" in text


def test_buildings_that_a_tap_elsewhere_covers(notice: Notice) -> None:
    """A building whose traffic passes at another's tap stands beside that tap."""
    core, west = notice.taps
    table = page(replace(notice, taps=(replace(core, covers=("high", "middle")), west))).sections[2].parts[0]

    assert isinstance(table, Table)
    assert "East High School; West Middle School" == table.rows[0][-1]


def test_networks_elsewhere(notice: Notice) -> None:
    """A network that no tap names is told apart; nothing is said when there is none."""
    assert "Counted at whichever of these places they pass: Guests" in said(replace(notice, elsewhere=("guests",)))
    assert "whichever" not in said(notice)


def test_vlans_as_people_write_them(notice: Notice) -> None:
    """Runs of VLANs are ranges; a network without any has its prefixes, and one with neither its title alone."""
    networks = (
        Network("guests", "Guests", (), ()),
        Network("staff", "Staff", (10, 200, 201, 202), ()),
        Network("students", "Students", (), ("10.20.0.0/16",)),
    )
    text = said(replace(notice, networks=networks))

    assert "Staff (VLAN 10, 200-202); Students (10.20.0.0/16)" in text
    assert "Networks that pass there: Guests Traffic of" in text


def test_board_services(notice: Notice) -> None:
    """What the board provides is named, and whether unknown names are held to be personal."""
    assert "own services: none. Services that no catalogue knows are held to be personal." in said(notice)
    other = replace(notice, services=("Google Workspace",), unknown_names_open=True)
    assert "own services: Google Workspace. Services that no catalogue knows are not held" in said(other)


def test_sentences_end(notice: Notice) -> None:
    """Every paragraph and bullet is a sentence."""
    made = page(notice)
    parts = [*made.opening, *(part for section in made.sections for part in section.parts), *made.closing]
    texts = [part.text for part in parts if isinstance(part, Paragraph)]
    texts += [item for part in parts if isinstance(part, Bullets) for item in part.items]

    assert [] == [text for text in texts if text[-1] not in ".:"]
