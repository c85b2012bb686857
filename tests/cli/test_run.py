"""hallwatch run, up to the daemon's door."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from agent import log
from agent.cli.main import main
from agent.cli.run import listen_address
from agent.shipped import shipped_rules


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """Put a daemon that only notes how it was called in place of the real one."""
    noted: list[dict[str, object]] = []

    def daemon(*, changed_settings: Callable[[], object], **arguments: object) -> int:
        assert () == changed_settings()
        noted.append(arguments)
        return 0

    monkeypatch.setitem(sys.modules, "agent.start", SimpleNamespace(run_demo=daemon, run_tap=daemon))
    monkeypatch.setattr(log, "set_up", lambda _level: None)
    return noted


def test_the_demo(calls: list[dict[str, object]]) -> None:
    """Without options: the shipped rules, on loopback."""
    assert 0 == main(["run", "--demo"])
    common = {"policy_directory": shipped_rules(), "host": "127.0.0.1", "port": 10484}
    assert [
        {**common, "seed": 1, "district": None, "state": None, "min_devices": 5, "devices": None, "web_config": None}
    ] == calls


def test_its_options(calls: list[dict[str, object]], own_rules: Path) -> None:
    """Options reach the daemon as values."""
    words = ["--rules", str(own_rules), "--web.listen-address=[::1]:0", "--seed", "7", "--district", "darien"]
    assert 0 == main(["run", "--demo", *words, "--state", "/state", "--min-devices", "9"])
    common = {"policy_directory": own_rules, "host": "::1", "port": 0}
    more = {"state": Path("/state"), "min_devices": 9, "devices": None, "web_config": None}
    assert [{**common, "seed": 7, "district": "darien", **more}] == calls


def test_a_tap(calls: list[dict[str, object]]) -> None:
    """Several interfaces are one tap; the gate and the table have their defaults."""
    assert 0 == main(["run", "-i", "eth1", "-i", "eth2"])
    common = {"policy_directory": shipped_rules(), "host": "127.0.0.1", "port": 10484}
    new = {
        "district": None,
        "state": None,
        "min_devices": 5,
        "authorisations": None,
        "devices": None,
        "web_config": None,
    }
    assert [{**common, **new, "interfaces": ["eth1", "eth2"], "gate": "auto", "max_flows": 1 << 18}] == calls


@pytest.mark.parametrize("words", [[], ["--demo", "-i", "eth1"], ["-i", "eth1", "--max-flows", "7"]])
def test_what_cannot_be_run(words: list[str], calls: list[dict[str, object]]) -> None:
    """Neither or both sources, or a table of a few flows: it says what there is, and starts nothing."""
    assert 2 == main(["run", *words])
    assert [] == calls


def test_what_a_tap_lacks(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """An interface that is not there is told in one line, with those that are."""
    monkeypatch.setattr(log, "set_up", lambda _level: None)

    assert 1 == main(["run", "-i", "no-such-if", "--gate", "process", "--web.listen-address", "127.0.0.1:0"])
    assert capsys.readouterr().err.startswith("hallwatch: no-such-if: ")


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
