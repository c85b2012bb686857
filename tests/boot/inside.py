"""Run as root on a machine of its own that systemd booted: the service is put through its life -> findings as JSON.

Started by the machine's own systemd, see machine.py; not a test by itself. Only what Debian's Python has, and the
installed package for its traffic. What is found is judged outside, by test_service.py.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.request import urlopen

PACKAGE: Final = "/usr/lib/hallwatch"
UNIT: Final = "hallwatch.service"
PORT: Final = 10484
PATIENCE_S: Final = 300.0
"""A processor that is emulated in software takes its time."""
FIELDS: Final = ("MESSAGE", "PRIORITY", "SYSLOG_IDENTIFIER", "_TRANSPORT", "_SYSTEMD_UNIT", "_UID")
NAME: Final = "www.example.com"

Found = dict[str, object]


def run(*command: str) -> str:
    """What a command prints; with its errors, and whatever its code."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.stdout.strip()


def show(*names: str, unit: str = UNIT) -> dict[str, str]:
    """Properties of the unit as systemd knows them."""
    lines = run("systemctl", "show", unit, f"--property={','.join(names)}").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def shown(name: str, unit: str = UNIT) -> str:
    """One of them."""
    return show(name, unit=unit).get(name, "")


def until(condition: Callable[[], bool]) -> float:
    """Waits; how long it took, in seconds.

    Raises:
        TimeoutError: it did not become true within PATIENCE_S.
    """
    start_s = time.monotonic()
    while not condition():
        if time.monotonic() - start_s > PATIENCE_S:
            raise TimeoutError(run("systemctl", "status", "--no-pager", "-l", UNIT) + run("journalctl", "-n30"))
        time.sleep(0.2)
    return round(time.monotonic() - start_s, 1)


def running() -> bool:
    """Whether the unit is up and its process has said that it is ready."""
    return show("ActiveState", "SubState") == {"ActiveState": "active", "SubState": "running"}


def scrape() -> dict[str, float]:
    """Series of /metrics, each with its labels."""
    with urlopen(f"http://127.0.0.1:{PORT}/metrics", timeout=30) as answer:
        lines = answer.read().decode().splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line[:1] != "#")}


def journal(*words: str) -> str:
    """What the journal holds, up to now."""
    run("journalctl", "--sync")
    return run("journalctl", "--no-pager", *words)


def entries(**fields: str) -> list[dict[str, str]]:
    """The service's entries in the journal that have these fields."""
    matched = [f"{name}={value}" for name, value in fields.items()]
    lines = journal("-o", "json", "-u", UNIT, *matched).splitlines()
    found = [json.loads(line) for line in lines if line.startswith("{")]
    return [{key: one[key] for key in one if key in FIELDS or key.startswith("HALLWATCH_")} for one in found]


def status_of(process: int) -> dict[str, list[str]]:
    """What /proc says of the rights of each of a process' threads, without repeating itself."""
    found: dict[str, set[str]] = {}
    for task in Path("/proc", str(process), "task").iterdir():
        for line in (task / "status").read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.startswith("Cap") or name in ("NoNewPrivs", "Seccomp", "Uid", "Gid"):
                found.setdefault(name, set()).add(value.strip())
    return {name: sorted(values) for name, values in found.items()}


def send() -> int:
    """Sends a TLS handshake into the switch's end of the cable; how many frames."""
    sys.path.insert(0, PACKAGE)
    from agent.lab import crafted

    frames = crafted.CASES["tls"]()
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as cable:
        cable.bind(("switch0", 0))
        for frame in frames:
            cable.send(frame.data)
    return len(frames)


# ---- The stations of its life, in this order


def start(found: Found) -> None:
    """It starts as its own user, and says when it is ready."""
    found["systemd"] = run("systemctl", "--version").splitlines()[0]
    found["kernel"] = os.uname().release
    found["start"] = run("systemctl", "start", UNIT)
    found["started"] = show("ActiveState", "SubState", "Result", "Type", "NRestarts")
    process = int(shown("MainPID"))
    found["rights"] = status_of(process)
    found["user"] = run("id", "-u", "hallwatch")
    found["limits"] = Path(f"/proc/{process}/limits").read_text(encoding="utf-8")
    found["state"] = run("stat", "-c", "%U %a", "/var/lib/hallwatch")
    found["memory"] = show("MemoryMax", "MemorySwapMax", "MemoryCurrent", "TasksMax", "TasksCurrent")
    group = Path(f"/sys/fs/cgroup{shown('ControlGroup')}/memory.max")
    found["memory_max"] = group.read_text(encoding="ascii").strip() if group.exists() else None


def count(found: Found) -> None:
    """It counts what arrives, and its status line tells of it."""
    before = scrape()["hallwatch_gate_seen_packets_total"]
    sent = send()
    until(lambda: scrape()["hallwatch_gate_seen_packets_total"] >= before + sent)
    series = scrape()
    found["gate"] = [name for name, value in series.items() if name.startswith("hallwatch_gate_info") and value]
    found["flows"] = sum(value for name, value in series.items() if name.startswith("hallwatch_flows_total"))
    until(lambda: "packets/s" in shown("StatusText"))
    found["status"] = shown("StatusText")


def reload(found: Found) -> None:
    """It reloads, refuses what is wrong, and stays up."""
    process = shown("MainPID")
    found["reload"] = run("systemctl", "reload", UNIT)
    until(lambda: len(entries(HALLWATCH_EVENT="reloaded")) == 1 and running())
    rules = Path("/etc/hallwatch/rules/rules.yaml")
    good = rules.read_bytes()
    rules.write_text("rules: nonsense\n", encoding="utf-8")
    run("systemctl", "reload", UNIT)
    until(lambda: len(entries(HALLWATCH_EVENT="reload_refused")) == 1 and running())
    until(lambda: "refused" in shown("StatusText"))
    found["refused"] = shown("StatusText")
    rules.write_bytes(good)
    run("systemctl", "reload", UNIT)
    until(lambda: len(entries(HALLWATCH_EVENT="reloaded")) == 2 and running())
    found["reloaded_process"] = process == shown("MainPID")


def crash(found: Found) -> None:
    """It is started again after kill -9, and after it stood still."""
    os.kill(int(shown("MainPID")), signal.SIGKILL)
    found["restart_s"] = until(lambda: shown("NRestarts") == "1" and running())
    os.kill(int(shown("MainPID")), signal.SIGSTOP)
    found["watchdog_s"] = until(lambda: shown("NRestarts") == "2" and running())
    lines = journal("-o", "cat", "-u", UNIT).splitlines()
    found["watchdog"] = [line for line in lines if "atchdog" in line]
    until(lambda: scrape()["hallwatch_gate_seen_packets_total"] >= 0)
    time.sleep(45)  # longer than the watchdog's time: a service that works is left alone
    found["left_alone"] = show("NRestarts", "ActiveState", "SubState")


def stop(found: Found) -> None:
    """It ends cleanly, and leaves nothing behind."""
    found["stop"] = run("systemctl", "stop", UNIT)
    found["stopped"] = show("ActiveState", "SubState", "Result", "ExecMainStatus")
    found["entries"] = entries()
    found["packet_sockets"] = len(Path("/proc/net/packet").read_text(encoding="ascii").splitlines()) - 1
    found["journal"] = journal("-o", "cat", "-u", UNIT)


def hang_up(found: Found) -> None:
    """SIGHUP before it is ready, which nobody has yet asked to be told of: it ends, and is started again."""
    run("systemctl", "start", "--no-block", UNIT)
    until(lambda: shown("MainPID") != "0")
    found["hung_up"] = shown("ActiveState")
    os.kill(int(shown("MainPID")), signal.SIGHUP)
    until(lambda: shown("NRestarts") == "1" and running())
    found["after_hanging_up"] = show("NRestarts", "ActiveState", "SubState")
    run("systemctl", "stop", UNIT)


def refuse(found: Found) -> None:
    """With an option that there is not it stays down, and does not try again."""
    default = Path("/etc/default/hallwatch")
    good = default.read_text(encoding="utf-8")
    default.write_text("HALLWATCH_ARGS=--no-such-option\n", encoding="utf-8")
    run("systemctl", "reset-failed", UNIT)
    run("systemctl", "start", UNIT)
    time.sleep(10)  # twice RestartSec
    found["usage"] = show("ActiveState", "Result", "ExecMainStatus", "NRestarts")
    default.write_text(good, encoding="utf-8")
    run("systemctl", "reset-failed", UNIT)


def probe(found: Found) -> None:
    """What another program can do in its place, under the same unit: see probe.py."""
    Path.home().chmod(0o755)  # so that it is the unit that hides it
    Path.home().joinpath("marker").touch()
    unit = Path("/usr/lib/systemd/system", UNIT).read_text(encoding="utf-8")
    kept = [line for line in unit.splitlines() if not line.startswith(("Exec", "Type=", "Restart", "Watchdog"))]
    at = kept.index("[Service]") + 1
    kept[at:at] = ["Type=oneshot", "ExecStart=/usr/bin/python3 -I /checks/probe.py"]
    Path("/run/systemd/system/hallwatch-probe.service").write_text("\n".join(kept), encoding="utf-8")
    key = Path("/etc/hallwatch/keys/tls.key")
    key.touch(mode=0o600)
    key.write_text("a private key", encoding="ascii")
    drop_in = Path("/run/systemd/system/hallwatch-probe.service.d/keys.conf")
    drop_in.parent.mkdir()
    drop_in.write_bytes(Path("/checks/keys.conf").read_bytes())
    run("systemctl", "daemon-reload")
    run("systemctl", "start", "hallwatch-probe.service")
    said = journal("-o", "cat", "-u", "hallwatch-probe.service").splitlines()
    found["probe"] = next((json.loads(line) for line in said if line.startswith("{")), said)


def prepare() -> None:
    """A cable, and a configuration; what an administrator would have done."""
    run("ip", "link", "set", "lo", "up")
    run("ip", "link", "add", "tap0", "type", "veth", "peer", "name", "switch0")
    for name in ("tap0", "switch0"):
        run("ip", "link", "set", name, "up")
    run("ip", "link", "add", "office0", "type", "dummy")
    run("ip", "link", "set", "office0", "up")
    run("ip", "address", "add", "192.0.2.1/24", "dev", "office0")
    run("cp", "-r", f"{PACKAGE}/agent/_rules", "/etc/hallwatch/rules")
    words = f"--interface tap0 --rules /etc/hallwatch/rules --web.listen-address 127.0.0.1:{PORT}"
    Path("/etc/default/hallwatch").write_text(f'HALLWATCH_ARGS="{words}"\n', encoding="utf-8")


def main() -> None:
    """Everything, in order; what goes wrong is a finding too."""
    found: Found = {}
    try:
        prepare()
        for station in (start, count, reload, crash, stop, hang_up, refuse, probe):
            station(found)
    except Exception:  # noqa: BLE001 - this machine has no other way to tell of it
        found["failure"] = traceback.format_exc()
        found["journal"] = journal("-n", "200")
    Path("/found/found.json").write_text(json.dumps(found, indent=1), encoding="utf-8")
    run("systemctl", "poweroff")


main()
