"""What is said of a policy that was loaded: from the rules as they are, and as `hallwatch notice` says it."""

import json
import shutil
from datetime import date
from pathlib import Path

import pytest

from agent.cli.main import main
from agent.notice.files import read_standing, record_posted
from agent.notice.notice import description_of, fingerprint_of
from agent.notice.page_html import STYLE
from agent.notice.posted import Posted
from agent.policy.policy import load
from agent.shipped import shipped_rules
from agent.web.papers import NOTICE_STYLE, Papers, why_no_notice

MONDAY_NS = 1_795_446_000_000_000_000


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A copy of the shipped rules, to be changed."""
    return shutil.copytree(shipped_rules(), tmp_path / "rules")


def papers_of(rules: Path, district: str | None = None) -> Papers:
    policy = load(rules, district=district)
    return Papers(policy, 5.0, read_standing(rules, policy, district=district))


def test_in_short(rules: Path) -> None:
    """District and document are the pack's where there is one, else the premises' district."""
    plain, pack = papers_of(rules).in_force(reloaded=True), papers_of(rules, "darien").in_force(reloaded=False)

    assert ("Example Public Schools", "", 5.0, True) == (plain.district, plain.document, plain.loaded_s, plain.reloaded)
    assert ("not recorded as posted", True) == (plain.notice, plain.notice_true)
    assert plain.rules == len(papers_of(rules).policy.rulebook.rules)
    assert ("Darien Public Schools", False, True) == (pack.district, pack.reloaded, pack.notice_true)
    assert pack.document.startswith("4300, Employee Use of")
    assert "not compared" in pack.notice


def test_the_notice_is_the_commands(rules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Byte for byte what `hallwatch notice --html` prints, save for where the style stands, and its day."""
    assert 0 == main(["notice", "--rules", str(rules), "--html"])
    printed = capsys.readouterr().out
    shown = papers_of(rules).notice_page(MONDAY_NS)
    assert shown is not None
    day = printed.partition("Date: ")[2][:10]
    assert f"Date: {date(2026, 11, 23)}" in shown
    linked = printed.replace(f"<style>\n{STYLE}</style>", f'<link rel="stylesheet" href="{NOTICE_STYLE}">')

    assert linked.replace(f"Date: {day}", "Date: 2026-11-23") == shown


def test_a_notice_that_is_true(rules: Path) -> None:
    """A record of what is in force is said to be as posted; one of something else is said to be untrue."""
    first = papers_of(rules)
    assert first.standing.notice is not None
    description = description_of(first.standing.notice)
    record_posted(rules, Posted(date(2026, 11, 20), fingerprint_of(description), (), description))
    assert ("as posted on 2026-11-20", True) == (papers_of(rules).standing.words, papers_of(rules).standing.is_true)

    premises = rules / "premises.yaml"
    premises.write_text(premises.read_text("utf-8").replace("records_days: 90", "records_days: 91"), "utf-8")
    changed = papers_of(rules)
    assert not changed.standing.is_true
    assert "the notice posted on 2026-11-20 is no longer true" in changed.standing.words
    assert changed.notice_page(MONDAY_NS) is not None


def test_premises_that_are_wrong(rules: Path) -> None:
    """The first problem is told, with its place; there is no notice, and counting goes on."""
    (rules / "premises.yaml").write_text("district: [\n", "utf-8")
    papers = papers_of(rules)

    assert (None, False) == (papers.notice_page(MONDAY_NS), papers.standing.is_true)
    assert "premises.yaml:" in papers.standing.words
    assert papers.standing.words == why_no_notice(papers)


def test_a_record_that_was_changed_by_hand(rules: Path) -> None:
    """The notice can be shown; that it hangs as it should cannot be said."""
    (rules / "notice-posted.json").write_text(json.dumps({"posted": "2026-11-20"}), "utf-8")
    papers = papers_of(rules)

    assert not papers.standing.is_true
    assert papers.notice_page(MONDAY_NS) is not None


def test_without_premises(rules: Path) -> None:
    """No notice, and the reason is what is missing."""
    (rules / "premises.yaml").unlink()
    papers = papers_of(rules)

    assert (None, "") == (papers.notice_page(MONDAY_NS), papers.in_force(reloaded=True).district)
    assert "premises.yaml" in why_no_notice(papers)


def test_titles(rules: Path) -> None:
    """Applications have the catalogue's titles."""
    assert "YouTube" == papers_of(rules).titles["youtube"]
