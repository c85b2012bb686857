"""The tables of `hallwatch top`."""

from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from agent.cli.now_screen import BAR_WIDTH, LEAST_LINES, WIDE, screen
from agent.now import Now
from agent.snapshot import GateTotals
from agent.verdict import Verdict
from tests.now_example import NOW, POLICY, line


def shown(now: Now, *, width: int = 120, height: int | None = None, trouble: str = "") -> list[str]:
    """The lines of the screen, without colours."""
    stream = StringIO()
    Console(file=stream, width=width, markup=False).print(screen(now, width=width, height=height, trouble=trouble))
    return stream.getvalue().splitlines()


def test_the_headline() -> None:
    """Opened against unopened first, then rates by verdict."""
    text = "\n".join(shown(NOW))

    assert "99.00% of payload left unopened: 9.90 kB. Opened, to name 12 flows: 100 B, now 12 bit/s." in text
    assert "Now 40.0 kbit/s   ■ permitted 10.0 kbit/s" in text
    assert "Hallwatch 1.2.3  Hamden  counting" in text


@pytest.mark.parametrize("amount", [2.0**62, -(2.0**62)])
def test_rates_that_do_not_add_up(amount: float) -> None:
    """A bar is as wide as there is room for, whatever an agent says."""
    split = dict.fromkeys(Verdict, amount)
    hostile = replace(NOW, categories=tuple(replace(each, verdicts_per_s=split) for each in NOW.categories))

    assert all(text.count("━") <= BAR_WIDTH for text in shown(hostile, width=WIDE))


def test_the_busiest_come_first() -> None:
    """By rate, not by what was large once; in bits a second, as networks are measured."""
    lines = shown(NOW)
    mail, video = (next(number for number, text in enumerate(lines) if name in text) for name in ("Mail", "Video"))

    assert mail < video
    assert ["Mail", "720", "bit/s"] == lines[mail].split()[:3]
    assert lines[mail].rstrip().endswith("review 100%")


def test_the_gate_and_the_policy() -> None:
    """Where it stands, how full, what was lost, which limits were met, since when the rules are in force."""
    text = "\n".join(shown(NOW))

    for part in (
        "Gate in the kernel",
        "table 5 of 64 rows",
        "lost before the gate 2",
        "Classes 2",
        "loaded 1 min 1 s ago",
    ):
        assert part in text
    assert "defect" not in text
    assert "unaccounted for 60: a defect" in " ".join(shown(replace(NOW, gate=GateTotals("process", seen_packets=60))))


@pytest.mark.parametrize("width", [60, 80, WIDE - 1, WIDE, 200])
def test_any_width(width: int) -> None:
    """No line is wider than the terminal; the numbers stay when there is no room for bars."""
    lines = shown(NOW, width=width)

    assert max(map(len, lines)) <= width
    assert any("720 bit/s" in text for text in lines)
    assert any("━" in text for text in lines) == (width >= WIDE)


def test_a_low_terminal() -> None:
    """The tables are cut to what fits, down to a few lines; without a terminal all is shown."""
    many = tuple(line(f"app{number}", "web", float(number), 10) for number in range(40))
    now = replace(NOW, categories=many[:20], applications=many)

    assert len(shown(now, height=40)) <= 40
    assert 2 * LEAST_LINES == sum("App" in text and "bit/s" in text for text in shown(now, height=5))
    assert 20 + 15 == sum("App" in text and "bit/s" in text for text in shown(now))


def test_what_is_wrong_is_said() -> None:
    """In the first line: no answer, not ready, a reload that was refused."""
    assert "no answer since 10:00" in shown(NOW, trouble="no answer since 10:00")[0]
    assert "counting" not in shown(NOW, trouble="no answer since 10:00")[0]
    assert "not ready: tap0 is down" in " ".join(shown(replace(NOW, waiting="tap0 is down")))
    assert "the newest reload was refused" in " ".join(shown(replace(NOW, policy=replace(POLICY, reloaded=False))))


def test_nothing_yet() -> None:
    """An agent that has only begun."""
    empty = replace(
        NOW, categories=(), applications=(), verdicts_per_s=dict.fromkeys(Verdict, 0.0), policy=None, limits={}
    )
    text = "\n".join(shown(empty))

    assert 2 == text.count("Nothing yet.")
    assert "unopened" in text
    silent = "\n".join(shown(replace(empty, opened_bytes=0, unopened_bytes=0)))
    assert ("No payload has been seen yet." in silent, "100%" in silent) == (True, False)
    assert "Now 0 bit/s" in text


def test_names_are_not_markup() -> None:
    """What looks like a style of rich's is shown as it is."""
    odd = replace(NOW, categories=(replace(NOW.categories[0], title="[red]x[/red]"),))

    assert any(text.startswith("[red]x[/red]") for text in shown(odd))
