"""The self-test as a whole, on this machine: passes, fails when the gate opens too much, and leaves nothing behind."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from agent.cli.main import main
from agent.selftest import CannotRunError
from agent.selftest.namespaces import PREFIX, existing
from agent.selftest.run import run_selftest

ROOT = Path(__file__).parent.parent.parent
FEW = "--visits=150"


def result(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Returns what was printed as JSON."""
    parsed: dict[str, Any] = json.loads(capsys.readouterr().out)
    return parsed


@pytest.mark.usefixtures("kernel_gate")
def test_it_passes(capsys: pytest.CaptureFixture[str]) -> None:
    """No marked byte enters the program through the kernel's gate, and every packet and byte is counted."""
    code = main(["selftest", "--gate", "kernel", FEW, "--json"])
    told = result(capsys)

    assert [] == [check for check in told["checks"] if not check["passed"]]
    assert 0 == code
    assert ("kernel", 0) == (told["gate"], told["packet_ring_bytes"])
    assert told["made"]["packets"] == told["seen"]["packets"] > 5000
    assert told["search"]["searched_bytes"] > 64 << 20  # the ring of opened bytes, mapped twice, and the flow table
    assert {"[vvar]", "[vvar_vclock]", "[vsyscall]"} >= set(told["search"]["left_out"])


@pytest.mark.usefixtures("root")
def test_it_passes_in_the_process(capsys: pytest.CaptureFixture[str]) -> None:
    """The weaker gate passes without its ring, and says so: the ring's size, and that it was left out."""
    assert 0 == main(["selftest", "--gate", "process", FEW])
    shown = " ".join(capsys.readouterr().out.split())

    assert "The self-test passed, with the weaker promise." in shown
    assert "a ring of 64 MiB in the program's own memory" in shown
    assert "socket:[" in shown


@pytest.mark.parametrize("gate", ["kernel", "process"])
@pytest.mark.usefixtures("root")
def test_a_gate_that_opens_too_much_fails(
    gate: str, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    """With every window widened on purpose, marks are found in memory."""
    if gate == "kernel":
        request.getfixturevalue("kernel_gate")
    assert 1 == main(["selftest", "--gate", gate, "--widen", "512", FEW, "--json"])
    told = result(capsys)

    failed = {check["name"] for check in told["checks"] if not check["passed"]}
    assert {"promise", "limits"} == failed
    assert told["search"]["whole"] > 100
    assert told["search"]["flows"] > 10


@pytest.mark.usefixtures("root")
def test_the_control_finds_every_mark(capsys: pytest.CaptureFixture[str]) -> None:
    """With the gate left off the search finds the marks of every connection that has some."""
    assert 0 == main(["selftest", "--control", FEW, "--json"])
    told = result(capsys)

    assert told["made"]["marked_flows"] == told["search"]["flows"] > 150
    assert told["search"]["whole"] * 16 >= told["made"]["marked_bytes"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.usefixtures("root")
def test_nothing_is_left_when_it_is_stopped(number: signal.Signals, tmp_path: Path) -> None:
    """Ctrl-C or SIGTERM in the middle: namespaces, processes and files are gone, and the exit code tells."""
    process = subprocess.Popen(
        [sys.executable, "-m", "agent", "selftest", "--visits=600"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stderr is not None
        assert any("sending" in line for line in iter(process.stderr.readline, ""))
        time.sleep(0.5)
        assert len([name for name in existing() if name.startswith(f"{PREFIX}{process.pid}-")]) == 2
        process.send_signal(number)
        assert 130 == process.wait(30)

    assert [] == [name for name in existing() if name.startswith(f"{PREFIX}{process.pid}-")]
    assert [] == list(tmp_path.iterdir())
    assert [] == [path for path in Path("/proc").glob("[0-9]*/cmdline") if str(tmp_path).encode() in _read(path)]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""  # it has ended in between


def test_it_takes_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Anyone else is told what it takes, before anything was made."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    steps: list[str] = []
    with pytest.raises(CannotRunError, match="sudo hallwatch selftest"):
        run_selftest(gate="auto", control=False, widen_bytes=0, seed=1, visits=1, on_step=steps.append)

    assert [] == steps
