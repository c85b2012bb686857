"""A bare Debian 12 in a folder, made by debootstrap, in whose namespaces commands run as on a machine without systemd."""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

SUITE, PYTHON = "bookworm", (3, 11)
MIRROR = "http://deb.debian.org/debian"
PIP_CERT = "etc/pip-authorities.crt"
MAKE_S, RUN_S = 400, 400
"""debootstrap takes half a minute on a good line; apt-get with a few packages as long."""


def skip_unless_possible() -> None:
    """Skips loudly where nobody asked for it, no Debian root can be made, or no package for its Python built."""
    if "HALLWATCH_ACCEPTANCE" not in os.environ:
        pytest.skip("NOT `make acceptance`: the documented installation is not tried in a bare Debian")
    if os.geteuid() != 0:
        pytest.skip("NOT ROOT: no bare Debian can be made; the documented installation is not tried")
    absent = [name for name in ("debootstrap", "dpkg-deb", "unshare", "chroot", "ip") if shutil.which(name) is None]
    if absent:
        pytest.skip(f"NO {', '.join(absent)} HERE: the documented installation is not tried")
    if sys.version_info[:2] != PYTHON:
        pytest.skip(f"NOT PYTHON {PYTHON[0]}.{PYTHON[1]}: a package built by it is not for Debian {SUITE}")
    try:
        with urlopen(f"{MIRROR}/dists/{SUITE}/InRelease", timeout=20):
            pass
    except (URLError, TimeoutError) as error:
        pytest.skip(f"NO DEBIAN MIRROR IN REACH ({error}): the documented installation is not tried")


def fresh(factory: pytest.TempPathFactory) -> Path:
    """A minimal Debian that nobody has touched; skips where none can be made. One is made a session, and copied."""
    skip_unless_possible()
    first = factory.getbasetemp() / "untouched-debian"
    if not first.exists():
        _make(first)
    root = factory.mktemp("debian") / "root"
    subprocess.run(["cp", "--archive", "--reflink=auto", first, root], check=True)
    return root


def _make(folder: Path) -> None:
    half = folder.with_name(f"{folder.name}-half")  # what was left unfinished is never taken for a Debian
    command = ["debootstrap", "--variant=minbase", SUITE, str(half), MIRROR]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=MAKE_S)
    assert 0 == done.returncode, done.stdout[-4000:] + done.stderr[-4000:]
    shutil.copy("/etc/resolv.conf", half / "etc/resolv.conf")
    half.rename(folder)


def lend_pip(root: Path) -> None:
    """Gives pip in the root this machine's way to its index: configuration, and certificates where apt overwrites none."""
    authorities = os.environ.get("PIP_CERT", "/etc/ssl/certs/ca-certificates.crt")
    for path, target in (("/etc/pip.conf", "etc/pip.conf"), (authorities, PIP_CERT)):
        if Path(path).exists():
            shutil.copy(path, root / target)


def run(root: Path, script: str, *, before: str = "", network: bool = True) -> str:
    """What a shell script prints, run by root in the Debian root; fails with all that it said when it fails.

    Args:
        root: Of the Debian.
        script: Each line of it must succeed.
        before: Run first in the same namespaces, still outside the root: makes interfaces, sends frames.
        network: Whether it has the network of this machine, else one of its own with nothing but loopback.
    """
    mounts = f"mount -t sysfs none {root}/sys; mount -t tmpfs none {root}/dev/shm"
    chroot = f"exec chroot {root} /bin/sh -euxc {shlex.quote(f'cd /root; {script}')}"
    flags = ["--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child", f"--mount-proc={root}/proc"]
    loopback = "" if network else "ip link set lo up; "
    command = ["unshare", *flags, *([] if network else ["--net"]), "sh", "-euc"]
    words = {
        "DEBIAN_FRONTEND": "noninteractive",
        "HOME": "/root",
        "PATH": os.environ["PATH"] + ":/usr/sbin:/usr/bin:/sbin:/bin",
    }
    carried = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    if (root / PIP_CERT).exists():
        carried["PIP_CERT"] = f"/{PIP_CERT}"
    with tempfile.TemporaryFile("w+") as said:  # a pipe would be held open by whatever the script leaves running
        done = subprocess.run(
            [*command, f"{loopback}{mounts}\n{before}\n{chroot}"],
            env=words | carried,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=RUN_S,
        )
        said.seek(0)
        text = said.read()
    assert 0 == done.returncode, text
    return text


def files(root: Path) -> set[str]:
    """Every path below a root that is on its disk."""
    found = subprocess.run(["find", root, "-xdev", "-printf", "/%P\\0"], capture_output=True, text=True, check=True)
    return set(found.stdout.split("\0"))
