"""The parts of the Debian package that need no build: its control files, scripts, launcher and manual page."""

import email
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from deploy.debian.build_deb import CONTROL, conffiles, debian_changelog, packed
from deploy.debian.man_page import man_page

ROOT = Path(__file__).parent.parent.parent
DEBIAN = ROOT / "deploy" / "debian"


def test_control_names_the_python_that_built_it() -> None:
    """The compiled packages inside fit one Python; what else is there is libc and its kind."""
    text = CONTROL.format(version="1.2", architecture="amd64", size=7, python="3.11", next_python="3.12")
    control = email.message_from_string(text)

    assert ("hallwatch", "1.2", "amd64") == (control["Package"], control["Version"], control["Architecture"])
    assert {"python3 (>= 3.11)", "python3 (<< 3.12)", "libc6 (>= 2.28)", "libgcc-s1", "libstdc++6", "passwd"} == set(
        control["Depends"].split(", ")
    )
    assert re.match(r"[^\n]{1,79}\n", control["Description"])


def test_what_is_below_etc_is_a_conffile(tmp_path: Path) -> None:
    """And nothing else is."""
    names = ("etc/hallwatch/hallwatch.yaml", "etc/default/hallwatch", "usr/etc/x", "usr/bin/hallwatch")

    assert ["/etc/hallwatch/hallwatch.yaml", "/etc/default/hallwatch"] == conffiles(
        tmp_path, [tmp_path / name for name in names]
    )


def test_what_is_packed_has_no_time_in_it() -> None:
    """The same bytes give the same bytes (RFC 1952: MTIME 0), so that a build can be compared with another."""
    assert bytes(4) == packed(b"x")[4:8]


@pytest.mark.skipif(shutil.which("dpkg-parsechangelog") is None, reason="NO dpkg-dev: the changelog is not parsed")
def test_the_changelog_is_debians(tmp_path: Path) -> None:
    """dpkg-parsechangelog reads version and day."""
    (tmp_path / "changelog").write_text(debian_changelog("1.2", 1_800_000_000), encoding="utf-8")
    done = subprocess.run(
        ["dpkg-parsechangelog", "-l", str(tmp_path / "changelog")], capture_output=True, text=True, check=True
    )

    assert "" == done.stderr
    assert "\nVersion: 1.2\n" in done.stdout
    assert "\nDate: Fri, 15 Jan 2027 08:00:00 +0000\n" in done.stdout


@pytest.mark.parametrize("script", ["postinst", "prerm", "postrm"])
def test_maintainer_scripts_are_shell(script: str) -> None:
    """They are read without an error, stop at the first failure, and name no command by its path (Debian Policy 6.1)."""
    text = (DEBIAN / script).read_text(encoding="utf-8")

    assert "\nset -e\n" in text
    assert [] == re.findall(r"(?<![\w/])/usr/s?bin/\S+", text.replace("/usr/sbin/nologin", "").partition("\n")[2])
    subprocess.run(["sh", "-n", str(DEBIAN / script)], check=True)


def test_the_user_is_the_one_of_sysusers() -> None:
    """Where systemd makes users it makes the same one: name, home and shell."""
    sysusers = (ROOT / "deploy" / "systemd" / "sysusers.d" / "hallwatch.conf").read_text(encoding="utf-8")
    _, name, _, _, home, shell = re.findall(r'^(u) (\S+) (\S+) "([^"]*)" (\S+) (\S+)$', sysusers, re.MULTILINE)[0]
    postinst = (DEBIAN / "postinst").read_text(encoding="utf-8")

    assert f"--home-dir {home} " in postinst
    assert f"--shell {shell} {name}\n" in postinst.replace("\\\n        ", "")


def test_the_launcher_looks_at_nothing_else() -> None:
    """Isolated (python -I): neither PYTHONPATH nor the user's own packages get in before the package's."""
    lines = (DEBIAN / "hallwatch").read_text(encoding="utf-8").splitlines()

    assert "#!/usr/bin/python3 -I" == lines[0]
    assert 'sys.path.insert(0, "/usr/lib/hallwatch")' in lines


@pytest.mark.skipif(shutil.which("man") is None, reason="NO man: the manual page is not rendered")
def test_the_manual_page(tmp_path: Path) -> None:
    """man(1) renders it without a warning, with every command's help in it."""
    page = tmp_path / "hallwatch.8"
    page.write_text(man_page("1.2", "today"), encoding="utf-8")
    done = subprocess.run(
        ["man", "--warnings", "--local-file", str(page)],
        env={"MANROFFSEQ": "", "MANWIDTH": "200", "LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert "" == done.stderr
    assert "--config.check" in done.stdout
    assert "hallwatch selftest" in done.stdout
