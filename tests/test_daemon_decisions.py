"""A board's decision runs out while the daemon runs."""

import logging
import shutil
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from agent.cli.main import main
from agent.daemon import Daemon
from agent.log import EventLog
from agent.shipped import shipped_rules
from agent.web.site import ReloadRefusedError
from tests.quiet_tap import QuietTap


def test_a_decision_that_runs_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the board declared is held as personal from the midnight after its last day on, without a reload. The posted
    notice, which names it, is then another one; nothing else changes, and the log has one line.
    """
    rules = shutil.copytree(shipped_rules(), tmp_path / "rules")
    (rules / "accounts.yaml").write_text(
        "board_services:\n"
        "  - {service: Mail, decided: 'Board, 2026-08-18', until: 2027-08-31, applications: [gmail]}\n",
        encoding="utf-8",
    )
    last_day = datetime(2027, 8, 31, 23, 59, 59, tzinfo=ZoneInfo("America/New_York"))
    now_ns = int(last_day.timestamp()) * 1_000_000_000
    monkeypatch.setattr(time, "time_ns", lambda: now_ns)
    assert 0 == main(["notice", "--rules", str(rules), "--record"])
    caplog.set_level(logging.INFO, "hallwatch")
    tap = QuietTap(max_flows=64)
    daemon = Daemon(tap, rules, EventLog())
    (rules / "rules.yaml").write_text("rules: nonsense\n", encoding="utf-8")  # a reload could not do it
    with pytest.raises(ReloadRefusedError):
        daemon.reload()
    daemon._tick()
    before, loaded_s = daemon._reloaded, daemon._papers.loaded_s
    assert (True, False) == (before.notice_is_posted, daemon._pipeline._policy.holds_closed(b"mail.google.com"))

    now_ns += 1_000_000_000
    for _ in range(3):
        daemon._tick()

    assert daemon._pipeline._policy.holds_closed(b"mail.google.com")
    assert replace(before, notice_is_posted=False) == daemon._reloaded
    assert (daemon._pipeline._policy, loaded_s) == (daemon._papers.policy, daemon._papers.loaded_s)
    assert ["reload_refused", "decision_ran_out"] == [record.getMessage() for record in caplog.records]
    tap.close()
