"""deploy/systemd: what systemd says of the unit, and what must hold between it, the other files and the program."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from agent.cli.main import COMMANDS
from agent.daemon import TICK_S
from tests.live.test_rights import ENOUGH

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "deploy" / "systemd"
UNIT = FOLDER / "hallwatch.service"
MAX_EXPOSURE = 2.0
"""Of ten; node_exporter's unit has 9.2."""


@pytest.fixture
def analyze(tmp_path: Path) -> list[str]:
    """`systemd-analyze`, and a copy of the unit that names no file of an installation: there need not be one here."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("NO systemd-analyze HERE: the unit is not checked by systemd")
    text = UNIT.read_text(encoding="utf-8").replace("/usr/bin/hallwatch", "/bin/true")
    text = re.sub("^Documentation=.*$", "", text, flags=re.MULTILINE)
    tmp_path.joinpath(UNIT.name).write_text(text, encoding="utf-8")
    return ["systemd-analyze", "--no-pager", str(tmp_path / UNIT.name)]


def ask(command: list[str], verb: str, *options: str) -> str:
    """What systemd-analyze says, errors included."""
    words = [*command[:2], verb, *options, command[2]]
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout
    return done.stdout


def values(name: str, path: Path = UNIT) -> list[str]:
    """What a file says of a directive, in its order."""
    return re.findall(rf"^{name}=(.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)


def test_verify(analyze: list[str]) -> None:
    """systemd has nothing to say about it: no unknown word, no wrong value."""
    assert "" == ask(analyze, "verify")


def test_exposure(analyze: list[str]) -> None:
    """Of what a service could do, it can do little."""
    said = ask(analyze, "security", "--offline=true", f"--threshold={int(MAX_EXPOSURE * 10)}")
    exposure = re.search(r"Overall exposure level for hallwatch\.service: ([0-9.]+)", said)
    assert exposure is not None

    assert float(exposure[1]) <= MAX_EXPOSURE
    assert json.loads(ask(analyze, "security", "--offline=true", "--json=short"))


@pytest.mark.parametrize("directive", ["AmbientCapabilities", "CapabilityBoundingSet"])
def test_capabilities(directive: str) -> None:
    """Exactly those with which the live tests start each gate as a user who is not root (tests/live/test_rights.py)."""
    enough = {f"CAP_{name.upper()}" for names in ENOUGH.values() for name in names}

    assert [enough] == [set(words.split()) for words in values(directive)]


def test_system_calls() -> None:
    """Attaching takes bpf(2), and giving up capabilities capset(2): the last word of the filter lets both through."""
    assert ["@system-service", "~@privileged @resources", "bpf capset"] == values("SystemCallFilter")


def test_it_is_told_how_it_goes() -> None:
    """The service notifies; its watchdog has time for many ticks; a core or a swapped page holds no memory of it."""
    assert ["notify"] == values("Type")
    (period,) = values("WatchdogSec")
    assert float(period.removesuffix("s")) >= 10 * TICK_S
    assert [["0"], ["0"]] == [values("LimitCORE"), values("MemorySwapMax")]


def test_command() -> None:
    """It starts a command that there is, with the words of the environment file."""
    (start,) = values("ExecStart")
    _, command, words = start.split()

    assert command in COMMANDS
    assert "$HALLWATCH_ARGS" == words
    assert ["-/etc/default/hallwatch"] == values("EnvironmentFile")
    assert 1 == len(values("HALLWATCH_ARGS", FOLDER / "hallwatch.default"))


def test_one_user() -> None:
    """Who owns the state is made by sysusers.d, and is the one that the unit and tmpfiles.d name."""
    sysusers = (FOLDER / "sysusers.d" / "hallwatch.conf").read_text(encoding="utf-8")
    tmpfiles = (FOLDER / "tmpfiles.d" / "hallwatch.conf").read_text(encoding="utf-8")
    (made,) = re.findall(r"^u (\S+) ", sysusers, re.MULTILINE)
    rows = [line.split() for line in tmpfiles.splitlines() if line[:1] == "d"]

    assert [made] == values("User") == values("Group")
    assert {"/etc/hallwatch": "root", "/etc/hallwatch/keys": "root", "/var/lib/hallwatch": made} == {
        row[1]: row[3] for row in rows
    }
    assert {"0700"} == {row[2] for row in rows if row[1] != "/etc/hallwatch"}
    assert values("StateDirectoryMode") == ["0700"]


def test_systemd_makes_the_user_and_the_folders(tmp_path: Path) -> None:
    """sysusers.d and tmpfiles.d, in an empty root."""
    if shutil.which("systemd-sysusers") is None or os.geteuid() != 0:
        pytest.skip("NO systemd-sysusers HERE, OR NOT ROOT: sysusers.d and tmpfiles.d are not tried")
    (tmp_path / "etc").mkdir()
    for program, *words in (["sysusers"], ["tmpfiles", "--create"]):
        command = [f"systemd-{program}", f"--root={tmp_path}", *words, str(FOLDER / f"{program}.d" / "hallwatch.conf")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    (line,) = re.findall("^hallwatch:.*$", (tmp_path / "etc" / "passwd").read_text(encoding="utf-8"), re.MULTILINE)
    _, _, user, group, _, home, shell = line.split(":")
    state, keys = ((tmp_path / path).stat() for path in ("var/lib/hallwatch", "etc/hallwatch/keys"))

    assert ("/var/lib/hallwatch", "/usr/sbin/nologin") == (home, shell)
    assert (int(user), int(group), 0o40700) == (state.st_uid, state.st_gid, state.st_mode)
    assert (0, 0, 0o40700) == (keys.st_uid, keys.st_gid, keys.st_mode)


def test_keys() -> None:
    """The drop-in reads from the directory that tmpfiles.d keeps for root."""
    for credential in values("LoadCredential", FOLDER / "keys.conf"):
        name, path = credential.split(":")
        assert f"/etc/hallwatch/keys/{name}" == path


def test_every_line_is_explained() -> None:
    """docs/service.md has each directive of the unit in its table, and with the unit's own value where it gives one."""
    unit = dict(re.findall(r"^([A-Za-z]+)=(.*)$", UNIT.read_text(encoding="utf-8"), re.MULTILINE))
    text = (ROOT / "docs" / "service.md").read_text(encoding="utf-8").partition("## The unit, line by line")[2]
    table = "\n".join(line.split("|")[1] for line in text.partition("Left out")[0].splitlines() if line[:1] == "|")
    told = dict(re.findall(r"`([A-Za-z]+)=([^`]*)`", table))

    assert set(unit) - {"Description", "Documentation"} == set(told)
    assert {name: unit[name] for name, value in told.items() if value} == {
        name: told[name] for name in told if told[name]
    }
