"""A checkout, and the wheels it depends on -> hallwatch_VERSION_ARCH.deb, for the Python that runs this and its Debian.

    python -m deploy.debian.build_deb [--output DIR]

Needs pip, dpkg-deb, and PyPI or pip's configuration for another index. Nothing is fetched when the package is installed.
With SOURCE_DATE_EPOCH set, and the same versions on the index, the same tree gives the same bytes.
"""

import argparse
import gzip
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
HERE = Path(__file__).resolve().parent
LIBRARY = Path("usr/lib/hallwatch")
DOCUMENTS = Path("usr/share/doc/hallwatch")

NOT_NEEDED = (
    *("*/tests", "*/include", "bin", "numpy/f2py", "numpy/distutils", "scapy/tools", "**/*.pyi", "**/*.a", "**/*.c"),
    *("**/*.pyx", "**/*.pxd", "**/*.h", "**/__pycache__", "*.dist-info/RECORD", "*.dist-info/INSTALLER"),
    *("*.dist-info/REQUESTED", "*.dist-info/direct_url.json", "*.dist-info/sboms"),
)
"""Of the wheels, what no program of ours reads. direct_url.json would also tell of the machine that built this."""

CONTROL = """\
Package: hallwatch
Version: {version}
Architecture: {architecture}
Maintainer: The Hallwatch authors <hallwatch@packages.invalid>
Installed-Size: {size}
Depends: python3 (>= {python}), python3 (<< {next_python}), libc6 (>= 2.28), libgcc-s1, libstdc++6, passwd
Recommends: iproute2, ethtool
Section: net
Priority: optional
Description: counts what a school network is used for, leaves payloads unopened
 Hallwatch is a packet-capture daemon for the network tap of a school district.
 It tells social networking, generative AI, file sharing and the rest apart,
 judges them by the district's written policy, leaves payloads unopened, and
 exports counts to Prometheus. No address, name, user or device is exported.
"""


def main() -> None:
    """Build it, and print where it is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=ROOT / "dist", help="the folder for it (default: dist)")
    arguments = parser.parse_args()
    now_s = int(os.environ.get("SOURCE_DATE_EPOCH") or time.time())
    with tempfile.TemporaryDirectory(prefix="hallwatch-deb-") as scratch:
        stage = Path(scratch, "stage")
        (stage / LIBRARY).mkdir(parents=True)
        stage.chmod(0o755)
        install_packages(stage / LIBRARY, Path(scratch))
        sys.dont_write_bytecode = True  # not into the package
        # What was just installed says the rest, not this tree: the two must agree, and here they are seen to.
        sys.path.insert(0, str(stage / LIBRARY))
        version = installed_version()
        lay_out(stage, version, now_s)
        print(pack(stage, version, now_s, arguments.output))


def install_packages(library: Path, scratch: Path) -> None:
    """The wheel of this tree and every wheel that it needs, into one folder; then what is not needed, out of it."""
    isolation = ["--no-build-isolation"] if shutil.which("cc") and can_build() else []
    run(sys.executable, "-m", "pip", "wheel", "--quiet", *isolation, "--no-deps", "--wheel-dir", scratch, ROOT)
    (wheel,) = scratch.glob("hallwatch-*.whl")
    run(
        *(sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--only-binary", ":all:"),
        *("--ignore-installed", "--target", library, wheel),
    )
    for pattern in NOT_NEEDED:
        for path in sorted(library.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    for path in library.rglob("*"):
        is_library = path.suffix == ".so" or ".so." in path.name
        path.chmod(0o755 if path.is_dir() or (is_library and path.is_symlink()) else 0o644)


def can_build() -> bool:
    """Tells whether this Python has what pip would otherwise fetch to build the wheel."""
    return subprocess.run([sys.executable, "-c", "import hatchling"], capture_output=True, check=False).returncode == 0


def installed_version() -> str:
    """The version of the package that was just installed."""
    from agent import __version__

    return __version__


def lay_out(stage: Path, version: str, now_s: int) -> None:
    """Everything that is not below /usr/lib/hallwatch."""
    from agent.cli.main import main as hallwatch
    from deploy.debian.man_page import man_page

    if hallwatch(["install", "--root", str(stage), "--prefix", "/usr", "--program", "/usr/bin/hallwatch"]):
        raise SystemExit("hallwatch install has failed")
    shutil.rmtree(stage / "usr/share/hallwatch")  # the digests of what was shipped: here dpkg keeps them
    for folder, mode in (("var/lib/hallwatch", 0o700), ("etc/hallwatch/keys", 0o700)):
        (stage / folder).mkdir(parents=True)
        (stage / folder).chmod(mode)
    put(stage / "usr/bin/hallwatch", (HERE / "hallwatch").read_bytes(), 0o755)
    put(stage / "usr/share/lintian/overrides/hallwatch", (HERE / "lintian-overrides").read_bytes())
    day = time.strftime("%Y-%m-%d", time.gmtime(now_s))
    put(stage / "usr/share/man/man8/hallwatch.8.gz", packed(man_page(version, day).encode()))
    documents = stage / DOCUMENTS
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        put(documents / path.name, path.read_bytes())
    put(documents / "copyright", (HERE / "copyright").read_bytes())
    put(documents / "CHANGELOG.md.gz", packed((ROOT / "CHANGELOG.md").read_bytes()))
    put(documents / "changelog.gz", packed(debian_changelog(version, now_s).encode()))
    listed = run(sys.executable, "-m", "pip", "list", "--format=freeze", "--path", stage / LIBRARY)
    put(documents / "packages.txt", listed.encode())
    for folder in ("prometheus", "grafana"):
        if (ROOT / "deploy" / folder).is_dir():
            shutil.copytree(ROOT / "deploy" / folder, documents / "examples" / folder)
    put(documents / "examples" / "keys.conf", (ROOT / "deploy" / "systemd" / "keys.conf").read_bytes())


def debian_changelog(version: str, now_s: int) -> str:
    """One entry, in the form of deb-changelog(5); what is new is in CHANGELOG.md."""
    day = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime(now_s))
    return (
        f"hallwatch ({version}) stable; urgency=medium\n\n  * See CHANGELOG.md in this folder.\n\n"
        f" -- The Hallwatch authors <hallwatch@packages.invalid>  {day}\n"
    )


def pack(stage: Path, version: str, now_s: int, output: Path) -> Path:
    """The control files, and the package itself."""
    architecture = run("dpkg", "--print-architecture").strip()
    files = sorted(path for path in stage.rglob("*") if path.is_file())
    major, minor = sys.version_info[:2]
    control = CONTROL.format(
        version=version,
        architecture=architecture,
        size=sum(-(-path.stat().st_size // 1024) for path in files),
        python=f"{major}.{minor}",
        next_python=f"{major}.{minor + 1}",
    )
    debian = stage / "DEBIAN"
    put(debian / "control", control.encode())
    put(debian / "conffiles", "".join(f"{name}\n" for name in conffiles(stage, files)).encode())
    sums = [f"{hashlib.md5(path.read_bytes()).hexdigest()}  {path.relative_to(stage)}\n" for path in files]  # noqa: S324 - dpkg's format
    put(debian / "md5sums", "".join(sums).encode())
    for script in ("postinst", "prerm", "postrm"):
        put(debian / script, (HERE / script).read_bytes(), 0o755)
    for path in (stage, *stage.rglob("*")):
        os.utime(path, (now_s, now_s), follow_symlinks=False)
    output.mkdir(parents=True, exist_ok=True)
    made = output / f"hallwatch_{version}_{architecture}.deb"
    os.environ["SOURCE_DATE_EPOCH"] = str(now_s)
    run("dpkg-deb", "--root-owner-group", "-Zxz", "-z3", "--build", stage, made)
    return made


def conffiles(stage: Path, files: list[Path]) -> list[str]:
    """Everything below /etc: what the district may change."""
    names = [f"/{path.relative_to(stage)}" for path in files]
    return [name for name in names if name.startswith("/etc/")]


def put(path: Path, content: bytes, mode: int = 0o644) -> None:
    """A file with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(mode)


def packed(content: bytes) -> bytes:
    """gzip without a time or a name in it."""
    return gzip.compress(content, 9, mtime=0)


def run(*command: str | Path) -> str:
    """What a command printed; ends with what it said when it fails."""
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)} failed ({done.returncode}):\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    os.umask(0o022)
    main()
