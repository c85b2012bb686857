"""hallwatch run, up to the daemon's door."""

import argparse
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from agent import log
from agent.cli.main import main
from agent.cli.run import listen_address
from agent.rules_location import shipped_rules


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """Put a daemon that only notes how it was called in place of the real one."""
    noted: list[dict[str, object]] = []

    def run_demo(**arguments: object) -> int:
        noted.append(arguments)
        return 0

    monkeypatch.setitem(sys.modules, "agent.daemon", SimpleNamespace(run_demo=run_demo))
    monkeypatch.setattr(log, "set_up", lambda _level: None)
    return noted


def test_the_demo(calls: list[dict[str, object]]) -> None:
    """Without options: the shipped rules, on loopback."""
    assert 0 == main(["run", "--demo"])
    assert [{"policy_directory": shipped_rules(), "host": "127.0.0.1", "port": 10484, "seed": 1}] == calls


def test_its_options(calls: list[dict[str, object]], own_rules: Path) -> None:
    """Options reach the daemon as values."""
    assert 0 == main(["run", "--demo", "--rules", str(own_rules), "--web.listen-address=[::1]:0", "--seed", "7"])
    assert [{"policy_directory": own_rules, "host": "::1", "port": 0, "seed": 7}] == calls


def test_only_the_demo_yet(calls: list[dict[str, object]], capsys: pytest.CaptureFixture[str]) -> None:
    """Without --demo it says what there is, and starts nothing."""
    assert 2 == main(["run"])
    assert "hallwatch run --demo" in capsys.readouterr().err
    assert [] == calls


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:10484", ("127.0.0.1", 10484)),
        ("localhost:0", ("localhost", 0)),
        ("[::]:65535", ("::", 65535)),
        ("[fe80::1]:80", ("fe80::1", 80)),
    ],
)
def test_listen_addresses(text: str, expected: tuple[str, int]) -> None:
    """HOST:PORT, with IPv6 in brackets."""
    assert expected == listen_address(text)


@pytest.mark.parametrize("text", ["", "10484", ":10484", "::1:80", "[::1]", "host:", "host:65536", "host:-1", "a b:1"])
def test_other_addresses_are_refused(text: str) -> None:
    """Anything else is refused with an example of what would be right."""
    with pytest.raises(argparse.ArgumentTypeError, match=r"such as 127\.0\.0\.1:10484"):
        listen_address(text)
