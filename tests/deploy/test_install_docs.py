"""docs/install.md in a bare Debian: its own blocks, from nothing to counts, then an upgrade, removal and purge."""

import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.deploy import debian_root
from tests.deploy.documented import blocks

ROOT = Path(__file__).parent.parent.parent
BLOCKS = blocks(ROOT / "docs" / "install.md")
BUILT_FROM = ("agent", "rules", "deploy", "docs")
NEXT_VERSION = "9.9.9"
EDITED, NOT_EDITED = "etc/hallwatch/rules/segments.yaml", "etc/hallwatch/rules/catalogue/web.yaml"
BUILD_S = 400

pytestmark = pytest.mark.timeout(1_500)

# An interface eth1 as the page has it, with hellos arriving on it; what the frames are is the lab's business.
TAP = f"""
ip link add eth1 type veth peer name far
ip link set eth1 up
ip link set far up
cd {ROOT}
{sys.executable} -c '
import socket, time
from agent.lab import crafted
far = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
far.bind(("far", 0))
while True:
    for frame in crafted.CASES["tls"]():
        far.send(frame.data)
    time.sleep(0.2)
' &
"""

# What the unit would do: its words, its user, its capabilities. That it does is tested with a systemd, elsewhere.
START = """
. /etc/default/hallwatch
caps=$(sed -n 's/^AmbientCapabilities=//p' /usr/lib/systemd/system/hallwatch.service | sed 's/CAP_/+/g; s/ /,/g' | tr A-Z a-z)
sed -n 's/^ExecStart=//p' /usr/lib/systemd/system/hallwatch.service >/tmp/start
setpriv --reuid=hallwatch --regid=hallwatch --init-groups --no-new-privs \
    --inh-caps=-all,$caps --ambient-caps=-all,$caps --bounding-set=-all,$caps \
    env HOME=/var/lib/hallwatch STATE_DIRECTORY=/var/lib/hallwatch sh -c "exec $(eval echo "$(cat /tmp/start)")" &
daemon=$!
set +x
for _ in $(seq 100); do
    if curl --silent http://127.0.0.1:10484/metrics | grep '^hallwatch_flows_total' | grep -q sni; then break; fi
    sleep 0.2
done
set -x
"""
END = "kill $daemon; wait $daemon"


@dataclass
class Story:
    """One Debian, and how long the documented steps have taken in it."""

    root: Path
    packages: Path
    spent_s: float = 0.0

    def document(self, mark: str) -> str:
        """Runs one block of the page, and counts its time."""
        begun = time.monotonic()
        said = debian_root.run(self.root, BLOCKS[mark])
        self.spent_s += time.monotonic() - begun
        return said


def build(tree: Path, output: Path) -> Path:
    """What `make deb` makes, by the Python that runs the tests."""
    assert "make deb\n" == BLOCKS["build"]
    assert "-m deploy.debian.build_deb\n" in (tree / "Makefile").read_text(encoding="utf-8").partition("\ndeb:")[2]
    command = [sys.executable, "-m", "deploy.debian.build_deb", "--output", str(output)]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False, timeout=BUILD_S)
    assert 0 == done.returncode, done.stdout + done.stderr
    return Path(done.stdout.splitlines()[-1])


def checkout(tree: Path) -> Path:
    """A copy of what is built from, without what was compiled."""
    for name in BUILT_FROM:
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    for path in ROOT.glob("*.*"):
        if path.is_file():
            shutil.copy(path, tree)
    shutil.copy(ROOT / "Makefile", tree)
    shutil.copy(ROOT / "LICENSE", tree)
    return tree


def next_tree(folder: Path) -> Path:
    """The tree as it may be one version later: one more name in the catalogue."""
    tree = checkout(folder / "next")
    init = tree / "agent" / "__init__.py"
    init.write_text(re.sub(r'__version__ = ".*"', f'__version__ = "{NEXT_VERSION}"', init.read_text("utf-8")), "utf-8")
    with (tree / "rules" / "catalogue" / "web.yaml").open("a", encoding="utf-8") as file:
        file.write("# shipped anew\n")
    return tree


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """A Debian in which nothing has been done, and the package."""
    root = debian_root.fresh(tmp_path_factory)
    packages = tmp_path_factory.mktemp("packages")
    begun = time.monotonic()
    build(ROOT, packages)
    return Story(root, packages, time.monotonic() - begun)


def test_the_page_has_its_blocks() -> None:
    """The steps below are those of the page, in its order; a step that is added there must be tried here."""
    assert ["build", "install", "configure", "check", "start", "counts", "remove", "purge", "pip"] == list(BLOCKS)


def test_from_nothing_to_counts_and_back(story: Story, capsys: pytest.CaptureFixture[str]) -> None:
    """Every block works as it stands; the upgrade keeps what was edited; purging leaves nothing."""
    root = story.root
    before = debian_root.files(root)
    (package,) = story.packages.glob("*.deb")
    shutil.copy(package, root / "root")

    said = story.document("install")
    assert "not started. Edit /etc/hallwatch/hallwatch.yaml" in said
    story.document("configure")
    said = story.document("check")
    assert "eth1" in said
    assert "/etc/hallwatch/hallwatch.yaml:" in said
    begun = time.monotonic()
    said = debian_root.run(root, START + BLOCKS["counts"] + END, before=TAP, network=False)
    story.spent_s += time.monotonic() - begun
    seen = re.search(r"^hallwatch_gate_seen_packets_total (\S+)$", said, re.MULTILINE)
    assert seen is not None, said
    assert float(seen[1]) > 0, said
    assert "info ready" in said
    with capsys.disabled():
        sys.stdout.write(
            f"\nfrom nothing to counts by docs/install.md: {story.spent_s:.0f} s, with the package's build\n"
        )

    # Every library finds what it needs, with nothing but what the package depends on.
    libraries = "find /usr/lib/hallwatch -name '*.so*' -exec ldd {} +"
    assert "not found" not in debian_root.run(root, libraries)

    # An upgrade: what was edited stays, what was not is the new one, and nothing is asked.
    with (root / EDITED).open("a", encoding="utf-8") as file:
        file.write("# ours\n")
    shutil.copy(build(next_tree(story.packages), story.packages), root / "root")
    said = debian_root.run(root, f"apt-get install --yes ./hallwatch_{NEXT_VERSION}_*.deb; hallwatch --version")
    assert f"hallwatch {NEXT_VERSION}" in said
    assert "not started" not in said
    assert (root / EDITED).read_text("utf-8").endswith("# ours\n")
    assert (root / NOT_EDITED).read_text("utf-8").endswith("# shipped anew\n")
    assert "interface: eth1" in (root / "etc/hallwatch/hallwatch.yaml").read_text("utf-8")

    # Removed: the program is gone with what it had compiled, the configuration is there.
    story.document("remove")
    assert not (root / "usr/lib/hallwatch").exists()
    assert not (root / "usr/bin/hallwatch").exists()
    assert (root / EDITED).read_text("utf-8").endswith("# ours\n")

    # Purged: no file, no user, and nobody's files.
    (root / "root" / package.name).unlink()
    (root / "root" / f"hallwatch_{NEXT_VERSION}_amd64.deb").unlink(missing_ok=True)
    story.document("purge")
    left = debian_root.files(root) - before
    assert [] == sorted(path for path in left if "hallwatch" in path)
    assert "hallwatch" not in (root / "etc/passwd").read_text("utf-8") + (root / "etc/group").read_text("utf-8")
    debian_root.run(root, "find / -xdev -nouser -o -xdev -nogroup >/tmp/orphans")
    assert "" == (root / "tmp/orphans").read_text("utf-8")


def test_without_the_package(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The block for other distributions: a service whose unit starts what pip has installed, with its settings in order."""
    root = debian_root.fresh(tmp_path_factory)
    debian_root.lend_pip(root)
    checkout(root / "root" / "checkout")
    said = debian_root.run(root, f"apt-get update; cd checkout; {BLOCKS['pip']}")
    assert "/usr/local/lib/systemd/system/hallwatch.service" in said
    assert "systemctl enable --now hallwatch" in said

    unit = (root / "usr/local/lib/systemd/system/hallwatch.service").read_text("utf-8")
    program = re.findall(r"^ExecStart=(\S+)", unit, re.MULTILINE)
    assert ["/opt/hallwatch/bin/hallwatch"] == program
    said = debian_root.run(root, f". /etc/default/hallwatch; {program[0]} run $HALLWATCH_ARGS --config.check")
    assert "eth1" in said
    assert "/etc/hallwatch/rules" in said
    assert "darien" in said
