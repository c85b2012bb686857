"""The agent's page: well formed, escaped, whole without scripts and without the network."""

from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from agent.history import History, LastHour, Recent
from agent.now import InForce, Now
from agent.snapshot import GateTotals, Snapshot
from agent.web import page
from agent.web.picture import picture
from tests.web.hours import an_hour
from tests.web.outline import Outline, outline

NOTHING = History().last_hour()
POLICY = InForce(
    *("<Hamden>", "4118.5, Use of the District's Computer Systems", 12, 1_795_446_000.0),
    reloaded=True,
    notice="as posted on 2026-11-20",
)
OWN_ADDRESSES = {"metrics", "page.css", "page.js", "icon.svg", "./", "coverage", "notice", "#main"}


def shown(snapshot: Snapshot, *, waiting: str | None = None, policy: InForce | None = None) -> Now:
    return picture(snapshot, Recent(), waiting=waiting, policy=policy, other_limits={}, titles={})


@pytest.fixture
def busy() -> tuple[Now, LastHour]:
    """At the end of an hour."""
    snapshot, history = an_hour()
    now = picture(snapshot, history.recent(), waiting=None, policy=POLICY, other_limits={"classes": 3}, titles={})
    return now, history.last_hour()


def read(now: Now | None, hour: LastHour = NOTHING, waiting: str | None = None) -> Outline:
    return outline(page.render(now, hour, waiting))


def test_the_numbers_are_there(snapshot: Snapshot) -> None:
    """Headline, categories, applications, evidence and gate are filled from the snapshot."""
    text = read(shown(snapshot)).text
    assert "43.2 kB" in text  # 30,000 - 1,200 + 15,000 - 600 bytes unopened
    assert "96.00%" in text
    assert "Video streaming" in text
    assert "Youtube" in text
    assert "the name in a QUIC handshake" in text
    assert "Every frame seen is accounted for." in text
    assert "this process" in text


def test_everything_that_is_promised(busy: tuple[Now, LastHour]) -> None:
    """A section for each thing the page is there for, named by its heading, each with an identifier of its own."""
    found = outline(page.render(*busy, None, ZoneInfo("America/New_York")))
    sections = [attributes["aria-labelledby"] for tag, attributes in found.elements if tag == "section"]
    identifiers = [attributes["id"] for _, attributes in found.elements if "id" in attributes]

    assert [
        *("in-short", "by-verdict", "by-category", "applications", "evidence", "opened", "gate", "policy"),
    ] == sections
    assert set(sections) <= set(identifiers)
    assert len(identifiers) == len(set(identifiers))
    assert "the kernel" in found.text
    assert "4,211 of 262,144 rows, 1%" in found.text
    assert "Classes: 3" in found.text
    assert "2026-11-23 10:00:00 EST" in found.text
    assert "as posted on 2026-11-20" in found.text
    assert 3 == found.text.count("Generative AI")  # by category, in the table behind it, and beside ChatGPT


def test_everything_is_escaped(snapshot: Snapshot) -> None:
    """A name that is markup is shown, not obeyed."""
    html = page.render(shown(snapshot, policy=POLICY), NOTHING, "<b>waiting</b>")
    assert b"<script>alert" not in html
    assert b"&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert b"&lt;b&gt;waiting" in html
    assert b"&lt;Hamden&gt;" in html


def test_nothing_comes_from_elsewhere(busy: tuple[Now, LastHour]) -> None:
    """Every link is to this listener, and relative, so that the page also works behind a proxy's prefix."""
    assert OWN_ADDRESSES == set(read(*busy).links)


def test_nothing_that_the_policy_forbids(busy: tuple[Now, LastHour]) -> None:
    """The Content-Security-Policy allows no inline style and no inline script, so there is none to be dropped silently."""
    html = page.render(*busy, None)
    found = outline(html)
    assert b"style=" not in html
    assert "style" not in found.tags
    assert [{"src": "page.js", "defer": ""}] == [attributes for tag, attributes in found.elements if tag == "script"]
    assert [] == [name for _, attributes in found.elements for name in attributes if name.startswith("on")]


def test_before_and_without_traffic() -> None:
    """No snapshot, and a snapshot of nothing, are pages too."""
    text = read(None, waiting="starting").text
    assert "Nothing has been counted yet." in text
    assert "Not ready: starting" in text
    empty = read(shown(Snapshot(time_ns=0, gate=GateTotals("kernel")))).text
    assert "Nothing yet." in empty
    assert "No payload has been seen yet." in empty
    assert "100%" not in empty


def test_a_broken_law_is_shown() -> None:
    """Frames that no account explains are said to be a defect."""
    broken = Snapshot(time_ns=0, gate=GateTotals("process", seen_packets=3, settled_packets=1))
    assert "2 frames are not accounted for: this is a defect." in read(shown(broken)).text


def test_what_a_person_should_act_on(snapshot: Snapshot) -> None:
    """A refused reload, a notice that is untrue, and a table that is nearly full stand out."""
    bad = replace(POLICY, reloaded=False, notice="the notice posted is no longer true", notice_true=False)
    full = replace(snapshot, gate=replace(snapshot.gate, active_flows=95, max_flows=100))
    html = page.render(shown(full, policy=bad), NOTHING, None).decode()
    good = page.render(shown(snapshot, policy=POLICY), NOTHING, None).decode()

    for text in ("refused; the rules from before stay", "the notice posted is no longer true"):
        assert f'<span class="bad">{text}' in html
        assert text not in good
    assert '<rect class="bad"' in html
    assert '<rect class="bad"' not in good


def test_applications_beyond_the_table_are_counted(snapshot: Snapshot) -> None:
    """What has no place in the list of the largest is told by number; what is in no catalogue is not of them."""
    rows = [
        replace(row, flow_class=replace(row.flow_class, application=name))
        for row in snapshot.classes[:1]
        for name in ("unknown", *(f"app{number}" for number in range(page.TOP_APPLICATIONS + 7)))
    ]
    assert "And 7 more in the metrics." in read(shown(replace(snapshot, classes=tuple(rows)))).text
