"""hallwatch run --config.check and --config.file, as a person meets them; and a reload of a daemon with a file."""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.cli.main import main
from agent.shipped import shipped_rules

ROOT = Path(__file__).parent.parent.parent
TIMEOUT_S = 60.0


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Settings that are in order."""
    path = tmp_path / "hallwatch.yaml"
    path.write_text("interface: [tap0, tap1]\nweb:\n  listen-address: 127.0.0.1:0\ndistrict: darien\n", "utf-8")
    return path


def test_what_is_in_force_and_from_where(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every option, its value and its source; an interface need not be there, and none is opened."""
    assert 0 == main(["run", "--config.file", str(file), "--config.check", "--max-flows", "4096"])
    lines = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()[1:]]
    told = {name: " ".join(rest.split()) for name, rest in lines}

    assert {
        "demo": "false default",
        "interface": f"tap0, tap1 {file}:1",
        "gate": "auto default",
        "max-flows": "4096 command line",
        "rules": f"{shipped_rules()} default",
        "district": f"darien {file}:4",
        "web.listen-address": f"127.0.0.1:0 {file}:3",
        "authorisations": "- default",
    }.items() <= told.items()


def test_everything_that_is_wrong(file: Path, own_rules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Settings and rules at once; exit 2."""
    (own_rules / "rules.yaml").write_text("rules: [{}]\n", encoding="utf-8")
    file.write_text(f"interface: tap0\ngates: auto\nmax-flows: 1\nrules: {own_rules}\n", encoding="utf-8")

    assert 2 == main(["run", "--config.file", str(file), "--config.check"])
    said = capsys.readouterr()
    assert "" == said.out
    assert f'{file}:2: "gates" is no setting' in said.err
    assert f'{file}:3: "max-flows"' in said.err
    assert f"{own_rules}/rules.yaml:1: " in said.err
    assert "this would not start" in said.err


@pytest.mark.parametrize("words", [["--config.check"], []])
def test_nothing_to_watch(tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A file with nothing in force, as a package lays it down: what is to be done is said, checked or run."""
    path = tmp_path / "hallwatch.yaml"
    path.write_text("# interface: eth1\n", encoding="utf-8")

    assert 2 == main(["run", "--config.file", str(path), *words])
    assert 'write "interface: NAME" into the settings file' in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["--config.check"]])
def test_an_interface_that_is_named_twice(file: Path, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """It would be two sockets, and each packet would count twice; it is refused before one is opened."""
    said = "an interface stands here twice, and each of its packets would count twice; name it once"
    assert 2 == main(["run", "-i", "tap0", "-i", "tap1", "-i", "tap0", *words])
    assert f"command line: {said}" in capsys.readouterr().err
    file.write_text("district: darien\ninterface: [tap0, tap0]\n", "utf-8")
    assert 2 == main(["run", "--config.file", str(file), *words])
    assert f"{file}:2: {said}" in capsys.readouterr().err


def test_bad_settings_start_nothing(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without --config.check too: what is wrong, and that it is the settings."""
    file.write_text("interfaces: eth1\n", encoding="utf-8")

    assert 2 == main(["run", "--config.file", str(file)])
    assert "hallwatch: the settings cannot be used: 1 problem(s), listed above" in capsys.readouterr().err


@pytest.fixture
def daemon(file: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """The demo, by a settings file, with its log on a pipe."""
    file.write_text("demo: true\nweb: {listen-address: 127.0.0.1:0}\n", encoding="utf-8")
    command = [sys.executable, "-m", "agent", "run", "--config.file", str(file)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def logged(process: "subprocess.Popen[bytes]", event: str) -> str:
    """The first line from here on that tells of an event."""
    assert process.stderr is not None
    end, kept = time.monotonic() + TIMEOUT_S, b""
    while time.monotonic() < end:
        if select.select([process.stderr], [], [], 0.1)[0]:
            kept += os.read(process.stderr.fileno(), 1 << 16)
            for line in kept.decode().splitlines():
                if f" {event} " in line and kept.endswith(b"\n"):
                    return line
    pytest.fail(f"no {event} within {TIMEOUT_S} s, but: {kept!r}")


def test_what_a_reload_does_with_settings(daemon: "subprocess.Popen[bytes]", file: Path) -> None:
    """A changed key waits for a restart and is named; a file with mistakes is a refused reload; it runs on."""
    logged(daemon, "ready")
    file.write_text("demo: true\nseed: 2\nweb: {listen-address: 127.0.0.1:1}\n", encoding="utf-8")
    daemon.send_signal(signal.SIGHUP)
    assert logged(daemon, "restart_needed").endswith("settings=web.listen-address,seed")

    file.write_text("demos: true\n", encoding="utf-8")
    daemon.send_signal(signal.SIGHUP)
    assert "did you mean" in logged(daemon, "reload_refused")
    daemon.send_signal(signal.SIGTERM)
    assert 0 == daemon.wait(TIMEOUT_S)
