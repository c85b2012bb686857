"""Lab captures -> the ledgers kept beside this file. After a change that is meant: `pytest tests/golden --update-golden`."""

import difflib
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import pytest

from agent.lab import crafted, envelopes
from agent.lab.day import school_day
from agent.lab.frames import Frame
from tests.conserved import play_frames, shipped_policy
from tests.golden.ledger_text import ledger_text

KEPT = Path(__file__).parent
SECOND_NS = 1_000_000_000
TEN_MINUTES_NS = 600 * SECOND_NS


def day(seed: int, flows: int, start_s: int) -> Iterable[Frame]:
    """Ten minutes of a school day."""
    return school_day(seed=seed, flows=flows, start_ns=start_s * SECOND_NS, duration_ns=TEN_MINUTES_NS).frames()


DAYS: dict[str, Callable[[], Iterable[Frame]]] = {
    "morning": partial(day, 1, 150, 1_795_442_400),  # Monday, 23 November 2026, 09:00 in Connecticut
    "last-bell": partial(day, 2, 120, 1_795_463_100),  # the same day, 14:45: school ends at 14:50
    "holiday": partial(day, 3, 60, 1_795_701_600),  # Thanksgiving, 09:00
}

CAPTURES: dict[str, tuple[Callable[[], Iterable[Frame]], int]] = {
    **{f"day/{name}": (frames, 1) for name, frames in DAYS.items()},
    **{f"crafted/{name}": (frames, 1) for name, frames in crafted.CASES.items()},
    **{
        f"envelope/{name}": (partial(envelopes.enclosed, crafted.tls(1), envelope), 1)
        for name, envelope in envelopes.ENVELOPES.items()
    },
    **{
        f"link/{number}": (partial(envelopes.enclosed, crafted.tls(1), envelope), number)
        for number, envelope in envelopes.LINKS.items()
    },
}
"""Name -> the frames of a capture, made anew for each test, and their link type."""


@pytest.mark.parametrize("name", CAPTURES)
def test_golden(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """The shipped rules make of this capture, to the byte, what is kept of it."""
    frames, link = CAPTURES[name]
    played = play_frames(tmp_path, frames(), shipped_policy(), link=link)
    text = ledger_text(played, flows=not name.startswith("day/"))
    path = KEPT / f"{name}.txt"
    if request.config.getoption("--update-golden"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.is_file(), f"nothing is kept of {name}; look at this, then run with --update-golden:\n{text}"
    kept = path.read_text(encoding="utf-8")

    changes = difflib.unified_diff(kept.splitlines(), text.splitlines(), "kept", "now", lineterm="", n=1)
    assert kept == text, "\n".join(("if this is meant, run with --update-golden", *changes))


def test_nothing_else_is_kept() -> None:
    """Every text beside this file belongs to a capture that is still made."""
    assert set(CAPTURES) == {path.relative_to(KEPT).with_suffix("").as_posix() for path in KEPT.rglob("*.txt")}
