"""A folder -> a Debian root with Hallwatch under its unit, and that root booted by its own systemd.

    python -m tests.boot.machine FOLDER [RELEASE]                                  makes the root (debootstrap, pip; root)
    HALLWATCH_BOOT_ROOT=FOLDER python -m pytest tests/boot                         boots it in a container
    HALLWATCH_BOOT_ROOT=FOLDER HALLWATCH_BOOT_WITH=qemu python -m pytest tests/boot   boots its own kernel, emulated

A container (systemd-nspawn) takes two minutes and shares this kernel. An emulated machine (qemu) takes longer, needs
nothing of this kernel, and has control groups of version 2, with which limits of memory and of addresses really hold.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent.parent
DEPLOY: Final = ROOT / "deploy" / "systemd"
PACKAGE: Final = "usr/lib/hallwatch"
PACKAGES: Final = "systemd-sysv,dbus,python3,iproute2,procps,kmod,linux-image-cloud-amd64,initramfs-tools"
PYTHONS: Final = {"bookworm": "3.11", "trixie": "3.13"}
PLATFORMS: Final = ("manylinux2014_x86_64", "manylinux_2_28_x86_64", "linux_x86_64")
IMAGE_BYTES: Final = 3 << 30
"""Sparse; a root takes a quarter of it."""
CONTAINER_TIMEOUT_S: Final = 600
QEMU_TIMEOUT_S: Final = 1800

LAUNCHER: Final = f"""\
#!/usr/bin/python3 -I
import sys
sys.path.insert(0, "/{PACKAGE}")
from agent.cli.main import main
sys.exit(main())
"""
CHECKS: Final = """\
[Unit]
Description=Puts hallwatch.service through its life
[Service]
Type=oneshot
ExecStart=/usr/bin/python3 -B /checks/inside.py
"""


def make(folder: Path, release: str) -> None:
    """Makes the root: Debian, and the package with what it depends on.

    Raises:
        CalledProcessError: debootstrap or pip failed; they have said why.
    """
    if not (folder / "usr").exists():
        _run("debootstrap", "--variant=minbase", f"--include={PACKAGES}", release, folder)
    with tempfile.TemporaryDirectory() as wheels:
        _run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", wheels, ROOT)
        shutil.rmtree(folder / PACKAGE, ignore_errors=True)
        command = [sys.executable, "-m", "pip", "install", "-q", "--only-binary=:all:"]
        command += ["--target", str(folder / PACKAGE)]
        command += ["--python-version", PYTHONS[release], *(f"--platform={name}" for name in PLATFORMS)]
        _run(*command, *Path(wheels).glob("*.whl"))


def refresh(folder: Path) -> None:
    """Puts this tree's package, unit and checks into the root."""
    shutil.copytree(ROOT / "agent", folder / PACKAGE / "agent", dirs_exist_ok=True)
    shutil.copytree(ROOT / "rules", folder / PACKAGE / "agent" / "_rules", dirs_exist_ok=True)
    program = folder / "usr/bin/hallwatch"
    program.write_text(LAUNCHER, encoding="utf-8")
    program.chmod(0o755)
    shutil.copy(DEPLOY / "hallwatch.service", folder / "usr/lib/systemd/system")
    for kind in ("sysusers.d", "tmpfiles.d"):
        shutil.copy(DEPLOY / kind / "hallwatch.conf", folder / "usr/lib" / kind)
    (folder / "checks").mkdir(exist_ok=True)
    (folder / "found").mkdir(exist_ok=True)
    for path in (*(Path(__file__).parent / name for name in ("inside.py", "probe.py")), DEPLOY / "keys.conf"):
        shutil.copy(path, folder / "checks")
    units = folder / "etc/systemd/system"
    (units / "hallwatch-checks.service").write_text(CHECKS, encoding="utf-8")
    wanted = units / "multi-user.target.wants" / "hallwatch-checks.service"
    wanted.parent.mkdir(exist_ok=True)
    wanted.unlink(missing_ok=True)
    wanted.symlink_to("../hallwatch-checks.service")


def boot_container(folder: Path, scratch: Path) -> str:
    """Boots the root beside this system, on this kernel; what the checks found, as JSON.

    The root itself stays as it is: what is written goes to memory.
    """
    capabilities = "--capability=CAP_BPF,CAP_NET_ADMIN"
    command = ["systemd-nspawn", "-q", f"--directory={folder}", "--volatile=overlay", "--register=no", "--keep-unit"]
    command += ["--boot", "--private-network", capabilities, "--system-call-filter=bpf", "--console=pipe"]
    _boot([*command, f"--bind={scratch}:/found"], scratch, CONTAINER_TIMEOUT_S)
    return (scratch / "found.json").read_text(encoding="utf-8")


def boot_qemu(folder: Path, scratch: Path) -> str:
    """Boots the root's own kernel on an emulated machine; what the checks found, as JSON."""
    image = scratch / "root.img"
    with image.open("wb") as file:
        file.truncate(IMAGE_BYTES)
    _run("mke2fs", "-q", "-t", "ext4", "-d", folder, image)
    (kernel,), (initrd,) = folder.glob("boot/vmlinuz-*"), folder.glob("boot/initrd.img-*")
    machine = ["qemu-system-x86_64", "-M", "q35", "-accel", "tcg", "-cpu", "max", "-m", "2048"]
    machine += ["-nographic", "-no-reboot"]
    machine += ["-kernel", str(kernel), "-initrd", str(initrd), "-drive", f"file={image},format=raw,if=virtio"]
    machine += ["-append", "root=/dev/vda rw console=ttyS0 quiet random.trust_cpu=on panic=-1"]
    _boot(machine, scratch, QEMU_TIMEOUT_S)
    return _run("debugfs", "-R", "cat /found/found.json", image)


def _boot(command: list[str], scratch: Path, timeout_s: float) -> None:
    with (scratch / "console").open("wb") as console:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=console, stderr=console, timeout=timeout_s, check=False
        )
    if done.returncode:
        sys.stderr.write((scratch / "console").read_text(encoding="utf-8", errors="replace"))


def _run(*command: str | Path) -> str:
    return subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, text=True, check=True).stdout


if __name__ == "__main__":
    make(Path(sys.argv[1]), *(sys.argv[2:] or ["bookworm"]))
