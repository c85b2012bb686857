"""A flow of a capture file, by number or by its ends."""

from pathlib import Path
from typing import Any

import pytest

from agent.cli.captured_flow import captured_flow, wanted
from agent.cli.outcome import FailedError, UsageError
from tests.conserved import shipped_policy

CLIENT, SERVER = bytes([10, 20, 1, 7]), bytes([192, 0, 2, 80])


@pytest.mark.parametrize(
    ("text", "number", "ends"),
    [
        ("12", 12, set()),
        ("10.20.1.7:40000-192.0.2.80:80", None, {(CLIENT, 40_000), (SERVER, 80)}),
        (
            "[::1]:1-[2001:db8::2]:65535",
            None,
            {(bytes(15) + b"\1", 1), (b"\x20\1\x0d\xb8" + bytes(11) + b"\2", 65_535)},
        ),
        ("10.20.1.7:0-192.0.2.80:0", None, {(CLIENT, 0), (SERVER, 0)}),
    ],
)
def test_what_can_be_asked_for(text: str, number: int | None, ends: set[tuple[bytes, int]]) -> None:
    """A number from 1, or two ends with their ports, IPv6 in brackets."""
    found = wanted(text)

    assert (number, frozenset(ends)) == (found.number, found.ends)


@pytest.mark.parametrize(
    "text", ["0", "-1", "", "one", "10.20.1.7:1", "1.2.3.4:1-5", "300.1.1.1:1-1.1.1.1:1", "::1:1-::2:2"]
)
def test_what_cannot(text: str) -> None:
    """The message shows both forms."""
    with pytest.raises(UsageError) as caught:
        wanted(text)

    assert "such as 12 or 10.20.1.7:40000-192.0.2.80:443" in str(caught.value)


def test_flows_by_number_and_by_ends(capture: Any) -> None:
    """Numbers are those of the lines that replay writes; ends may be given in either order."""
    path: Path = capture("a.pcap", "www.tiktok.com", "example.org")
    first, second = (captured_flow(path, wanted(text), shipped_policy()) for text in ("1", "2"))
    same = [
        captured_flow(path, wanted(text), shipped_policy())
        for text in ("10.20.1.7:40001-192.0.2.80:80", "192.0.2.80:80-10.20.1.7:40001")
    ]

    assert {("www.tiktok.com",), ("example.org",)} == {first.hostnames, second.hostnames}
    assert [("example.org",)] * 2 == [record.hostnames for record in same]


def test_a_flow_that_is_not_there(capture: Any) -> None:
    """How many there are is told, and what lists them."""
    with pytest.raises(FailedError) as caught:
        captured_flow(capture("a.pcap", "www.tiktok.com"), wanted("7"), shipped_policy())

    assert "there is no flow 7 among its 1; replay --flows lists them" in str(caught.value)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """The reason is passed on."""
    with pytest.raises(FailedError) as caught:
        captured_flow(tmp_path / "absent.pcap", wanted("1"), shipped_policy())

    assert "No such file" in str(caught.value)
