"""What is told of rules that were loaded: their clauses, how old the catalogue is, and whether the notice still holds."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from agent.in_force import NO_CLAUSE, in_force
from agent.metrics import ReloadState
from agent.notice.files import notice_of, read_standing, record_posted
from agent.notice.notice import description_of, fingerprint_of
from agent.notice.posted import Posted
from agent.policy.policy import load
from agent.shipped import shipped_rules

NOW_S = 1_795_300_000.0


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A copy of the shipped rules, to be changed."""
    return shutil.copytree(shipped_rules(), tmp_path / "rules")


def loaded(rules: Path, *, district: str | None = None) -> ReloadState:
    policy = load(rules, district=district)
    return in_force(policy, read_standing(rules, policy, district=district), now_s=NOW_S)


def post(rules: Path) -> None:
    """Records the notice of these rules as posted."""
    notice, _ = notice_of(rules, load(rules))
    assert notice is not None
    description = description_of(notice)
    record_posted(rules, Posted(date(2026, 11, 21), fingerprint_of(description), (), description))


def test_the_notice(rules: Path) -> None:
    """None recorded is not posted; recorded it is, until the rules do something else; a pack is not compared."""
    assert loaded(rules).notice_is_posted is False
    post(rules)
    assert loaded(rules).notice_is_posted is True
    assert loaded(rules, district="darien").notice_is_posted is None

    segments = rules / "segments.yaml"
    segments.write_text(segments.read_text().replace("vlans: [10]", "vlans: [11]"))
    assert loaded(rules).notice_is_posted is False


def test_premises_that_cannot_be_read(rules: Path) -> None:
    """They are no reason to stop counting: the notice does not count as posted."""
    post(rules)
    (rules / "premises.yaml").write_text("buildings: 7\n")

    assert loaded(rules).notice_is_posted is False
    assert loaded(rules, district="darien").notice_is_posted is None


def test_the_catalogue(rules: Path) -> None:
    """Its age is that of the file that was reviewed longest ago; files without a date do not count."""
    for file in (rules / "catalogue").iterdir():
        file.write_text(file.read_text().replace("reviewed: 2026-11-21\n", ""))
    assert loaded(rules).catalogue_reviewed_s is None

    for name, day in (("voice", "2026-09-01"), ("web", "2026-08-31")):
        file = rules / "catalogue" / f"{name}.yaml"
        file.write_text(file.read_text().replace("title:", f"reviewed: {day}\ntitle:", 1))
    assert 1_788_134_400 == loaded(rules).catalogue_reviewed_s  # date -u -d 2026-08-31 +%s


def test_clauses(rules: Path) -> None:
    """Each rule has its clause, the default and rules without one say so, and a pack's are its identifiers."""
    state = loaded(rules)
    assert (True, NOW_S) == (state.successful, state.last_success_s)
    assert state.clauses["adult"].startswith("Prohibited uses: ")
    assert NO_CLAUSE == state.clauses["default"]
    assert "hamden-4118.5R/introduction/incidental-use" in loaded(rules, district="hamden").clauses.values()
