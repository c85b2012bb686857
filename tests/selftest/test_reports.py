"""What the processes of a self-test tell each other."""

import pytest

from agent.selftest import BrokenOffError, CannotRunError
from agent.selftest.reports import Made, Ready, Refused, Seen, Sent, from_line, to_line


def test_there_and_back() -> None:
    """A report is the same after it was a line."""
    made = Made(3, 300, 16, [1, 70])
    sent = Sent(3, 300, 1, 0)
    ready = Ready(7, "kernel", "packets stay in the kernel")
    seen = Seen(3, 300, 0, 20, kept_all=True, opened={"tls": 20}, received={"tls": 20})

    assert (made, sent) == (from_line(to_line(made), Made), from_line(to_line(sent), Sent))
    assert (ready, seen) == (from_line(to_line(ready), Ready), from_line(to_line(seen), Seen))


def test_one_line_each() -> None:
    """A report is one line, whatever its text holds."""
    assert 1 == to_line(Refused("two\nlines")).count("\n")


def test_a_refusal_is_raised() -> None:
    """A refusal is not taken for a report, and keeps its reason."""
    with pytest.raises(CannotRunError, match="too old"):
        from_line(to_line(Refused("too old")), Seen)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "\n",
        "Traceback",
        "[]",
        "7",
        "{}",
        '{"report": "Seen"}',
        '{"report": "Other"}',
        '{"report": []}',
        '{"report": "Sent", "x": 1}',
    ],
)
def test_anything_else_is_refused(line: str) -> None:
    """What is no report, or lacks a field, is an error that quotes it."""
    with pytest.raises(BrokenOffError, match="instead of Sent"):
        from_line(line, Sent)
