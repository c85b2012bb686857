"""Tables for people."""

import io

from agent.cli.console import VERDICT_STYLES, console_for, table
from agent.verdict import Verdict


def test_text_is_shown_as_it_is() -> None:
    """What looks like markup or an emoji code in a name is neither, and a pipe gets no colours."""
    stream = io.StringIO()
    made = table("[bold]Title[/bold]", "name", "bytes", numbers_from=1)
    made.add_row("[red]a[/red] :smile:", "1")
    console_for(stream).print(made)
    assert "[red]a[/red] :smile:" in stream.getvalue()
    assert "[bold]Title[/bold]" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


def test_a_stream_without_utf_8() -> None:
    """What its encoding does not have is a question mark, and no crash."""
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, encoding="ascii")
    console_for(stream).print("■ 5 µs")
    stream.flush()
    assert b"? 5 ?s\n" == written.getvalue()


def test_every_verdict_has_its_colour() -> None:
    """No two verdicts look the same."""
    assert set(Verdict) == set(VERDICT_STYLES)
    assert len(Verdict) == len(set(VERDICT_STYLES.values()))
