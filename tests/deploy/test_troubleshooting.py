"""What docs/troubleshooting.md names against what there is: limits, events of the log, messages."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
TROUBLESHOOTING = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
SOURCES = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "agent").rglob("*.py")))
OF_THE_SYSTEM = {"address already in use"}
"""Messages of the C library, as the event loop writes them."""


def test_limits_that_are_named_exist() -> None:
    """An operator who looks for a value of `limit` finds it."""
    named = set(re.findall(r'limit="([a-z_]+)"', TROUBLESHOOTING))

    assert {"flow_table", "lost_slices", "waiting_slices"} <= named
    assert [] == [name for name in sorted(named) if not re.search(rf'"{name}"', SOURCES)]


def test_messages_that_are_quoted_are_said() -> None:
    """The first table quotes what the log says; each quote stands in the code, word for word."""
    table = TROUBLESHOOTING.partition("| the log says |")[2].partition("\n\n")[0]
    quotes = re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)

    assert len(quotes) > 5
    # The message of main.py is put together from two words.
    said = SOURCES.replace("the {what} cannot be used", "the settings cannot be used the rules cannot be used")
    assert [] == [quote for quote in quotes if quote not in said and quote not in OF_THE_SYSTEM]


@pytest.mark.parametrize(
    "event",
    ["attached", "degraded", "recovered", "reload_refused", "restart_needed", "state_not_written", "state_refused"],
)
def test_events_that_are_named_are_logged(event: str) -> None:
    """And stand on the page."""
    assert f"`{event}`" in TROUBLESHOOTING
    assert re.search(rf'log\.[a-z]+\(\s*"{event}"', SOURCES)


def test_every_symptom_has_something_to_look_at() -> None:
    """Below each heading stands a command, a metric or a message."""
    sections = re.split(r"^## ", TROUBLESHOOTING, flags=re.MULTILINE)[1:]

    assert [] == [section.splitlines()[0] for section in sections if "`" not in section]
