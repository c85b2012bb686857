"""hallwatch.service under a real systemd: started, asked, reloaded, killed, stopped, and tried from inside.

Skipped unless a root was made for it (machine.py says how): a machine is booted for these tests.
"""

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.boot.machine import CONTAINER_TIMEOUT_S, QEMU_TIMEOUT_S, boot_container, boot_qemu, refresh

HOW = os.environ.get("HALLWATCH_BOOT_WITH", "nspawn")

pytestmark = pytest.mark.timeout(CONTAINER_TIMEOUT_S + QEMU_TIMEOUT_S)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What was found on the machine."""
    root = os.environ.get("HALLWATCH_BOOT_ROOT")
    if root is None:
        pytest.skip("NO HALLWATCH_BOOT_ROOT: no machine is booted, and the unit is not tried under a real systemd")
    refresh(Path(root))
    boot = {"nspawn": boot_container, "qemu": boot_qemu}[HOW]
    said: dict[str, Any] = json.loads(boot(Path(root), tmp_path_factory.mktemp("machine")))
    assert "failure" not in said, f"{said['failure']}\n{said['journal']}"
    return said


def test_it_starts(found: dict[str, Any]) -> None:
    """systemd holds it to be started when it says so itself."""
    assert "" == found["start"]
    expected = {"ActiveState": "active", "SubState": "running", "Result": "success", "Type": "notify", "NRestarts": "0"}
    assert expected == found["started"]


def test_it_has_no_rights(found: dict[str, Any]) -> None:
    """Its own user; in no thread a capability, nor a way to one; a filter of system calls."""
    rights = found["rights"]

    assert {name: ["0000000000000000"] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {
        name: rights[name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")
    }
    assert [[found["user"]] * 4] == [line.split() for line in rights["Uid"]]
    assert (["1"], ["2"]) == (rights["NoNewPrivs"], rights["Seccomp"])


def test_its_limits(found: dict[str, Any]) -> None:
    """Files, cores and memory; systemd knows of them, and so does the kernel."""
    limits = {line[:25].strip(): line[26:46].strip() for line in found["limits"].splitlines()}

    assert ("0", "4096", "0") == tuple(
        limits[name] for name in ("Max core file size", "Max open files", "Max locked memory")
    )
    assert (str(1 << 30), "0", "32") == tuple(
        found["memory"][name] for name in ("MemoryMax", "MemorySwapMax", "TasksMax")
    )
    assert found["memory_max"] in ({str(1 << 30)} if HOW == "qemu" else {str(1 << 30), None})
    assert "hallwatch 700" == found["state"]


def test_it_counts(found: dict[str, Any]) -> None:
    """With the kernel's gate; and systemctl status says how it goes."""
    assert ['hallwatch_gate_info{gate="kernel"}'] == found["gate"]
    assert found["flows"] >= 1
    assert found["status"].startswith("kernel gate on tap0: ")


def test_it_reloads(found: dict[str, Any]) -> None:
    """In the same process; what is wrong is refused, and said."""
    assert "" == found["reload"]
    assert "refused" in found["refused"]
    assert found["reloaded_process"]


def test_it_comes_back(found: dict[str, Any]) -> None:
    """After kill -9; and after it stood still for the watchdog's time, when it says where. A healthy one is let be."""
    assert found["restart_s"] < found["watchdog_s"]
    assert found["watchdog_s"] > 30
    assert any("timeout" in line for line in found["watchdog"])
    assert "Fatal Python error: Aborted" in found["journal"]
    assert {"NRestarts": "2", "ActiveState": "active", "SubState": "running"} == found["left_alone"]


def test_its_journal(found: dict[str, Any]) -> None:
    """Each event is an entry with fields, of its own unit and user."""
    ours = [entry for entry in found["entries"] if "HALLWATCH_EVENT" in entry]
    events = Counter(entry["HALLWATCH_EVENT"] for entry in ours)

    assert {"attached": 3, "ready": 3, "reloaded": 2, "reload_refused": 1, "stopping": 1} == events
    ready = next(entry for entry in ours if entry["HALLWATCH_EVENT"] == "ready")
    assert {
        "HALLWATCH_GATE": "kernel",
        "HALLWATCH_URL": "http://127.0.0.1:10484/",
        "PRIORITY": "6",
        "SYSLOG_IDENTIFIER": "hallwatch",
        "_TRANSPORT": "journal",
        "_SYSTEMD_UNIT": "hallwatch.service",
        "_UID": found["user"],
    }.items() <= ready.items()


def test_it_stops(found: dict[str, Any]) -> None:
    """Cleanly; no packet socket, and so no gate, is left in the kernel."""
    expected = {"ActiveState": "inactive", "SubState": "dead", "Result": "success", "ExecMainStatus": "0"}
    assert ("", expected) == (found["stop"], found["stopped"])
    assert 0 == found["packet_sockets"]


def test_a_signal_that_comes_too_early(found: dict[str, Any]) -> None:
    """Whoever sends SIGHUP while it starts has it started again: to end before it was ready is a failure to systemd."""
    assert "activating" == found["hung_up"]
    assert {"NRestarts": "1", "ActiveState": "active", "SubState": "running"} == found["after_hanging_up"]


def test_a_wrong_option(found: dict[str, Any]) -> None:
    """It fails once, and not again and again."""
    assert {"ActiveState": "failed", "Result": "exit-code", "ExecMainStatus": "2", "NRestarts": "0"} == found["usage"]


def test_what_a_program_in_its_place_can_do(found: dict[str, Any]) -> None:
    """Attach, answer this machine, write its state, and read the key that keys.conf hands to it: nothing else."""
    tried = found["probe"]
    done = {name for name, answer in tried.items() if answer == "done"}
    if HOW == "nspawn":  # an address filter takes control groups of version 2, which a container may not have
        done.discard("to elsewhere")

    assert {"own state", "handed key", "packet socket", "bpf", "to loopback"} == done, tried
