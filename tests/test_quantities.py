"""Numbers for people."""

import pytest

from agent.quantities import duration, rate, share, size, title


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (0, "0 B"),
        (-1, "0 B"),
        (999, "999 B"),
        (1_000, "1.00 kB"),
        (9_994, "9.99 kB"),
        (9_996, "10.0 kB"),
        (43_210, "43.2 kB"),
        (99_960, "100 kB"),
        (999_499, "999 kB"),
        (999_500, "1.00 MB"),
        (1_234_567_890, "1.23 GB"),
        (10**18, "1.00 EB"),
        (10**22, "10,000 EB"),
    ],
)
def test_size(amount: int, shown: str) -> None:
    """Three digits, decimal prefixes, and never 1000 of a unit that has a larger one."""
    assert shown == size(amount)


def test_rate() -> None:
    """Bytes in, bits out."""
    assert ("2.76 Mbit/s", "0 bit/s") == (rate(345_600), rate(0))


@pytest.mark.parametrize(
    ("part", "whole", "digits", "shown"),
    [
        (0, 0, 2, "100%"),
        (5, 5, 2, "100%"),
        (0, 5, 2, "0%"),
        (999_999, 1_000_000, 2, "99.99%"),
        (1, 1_000_000, 2, "<0.01%"),
        (1, 1_000, 0, "<1%"),
        (2, 3, 0, "66%"),
        (2, 3, 2, "66.66%"),
    ],
)
def test_share(part: float, whole: float, digits: int, shown: str) -> None:
    """All and none are said only of all and none."""
    assert shown == share(part, whole, digits)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(-3, "0 s"), (59.9, "59 s"), (61, "1 min 1 s"), (7_500, "2 h 5 min"), (200_000, "2 d 7 h")],
)
def test_duration(seconds: float, shown: str) -> None:
    """Two units at most."""
    assert shown == duration(seconds)


@pytest.mark.parametrize(
    ("identifier", "shown"),
    [("social_networking", "Social networking"), ("generative_ai", "Generative AI"), ("dns_tcp", "DNS TCP"), ("", "")],
)
def test_title(identifier: str, shown: str) -> None:
    """An identifier becomes words, acronyms in capitals."""
    assert shown == title(identifier)
