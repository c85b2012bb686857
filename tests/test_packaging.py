"""The tree -> sdist -> wheel -> an installed program that finds its library and its rules; and what the image is made of."""

import re
import subprocess
import sys
import tarfile
import zipfile
from configparser import ConfigParser
from pathlib import Path

import pytest

from hatch_build import system_compiler

ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.timeout(300)  # where there is no compiler, one is fetched (100 MB) and unpacked


def run(*command: str | Path, cwd: Path) -> str:
    """Returns what a command printed; fails with all that it said when it fails."""
    done = subprocess.run([str(word) for word in command], cwd=cwd, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns the source distribution of this tree."""
    folder = tmp_path_factory.mktemp("sdist")
    run(sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--directory", folder, cwd=ROOT)
    return next(folder.glob("*.tar.gz"))


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns the wheel that is built from the source distribution, as an installer would."""
    folder = tmp_path_factory.mktemp("wheel")
    # With a compiler nothing has to be fetched; without one, pip's isolation brings what hatch_build.py asks for.
    isolation = ["--no-build-isolation"] if system_compiler() else []
    run(sys.executable, "-m", "pip", "wheel", *isolation, "--no-deps", "--wheel-dir", folder, sdist, cwd=folder)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a folder into which the wheel is installed, apart from this tree."""
    folder = tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--target", folder, wheel, cwd=folder)
    return folder


def python(installed: Path, code: str, *words: str) -> str:
    """Returns what a program prints that imports the installed package, run from a folder that is not this tree."""
    start = f"import sys; sys.path.insert(0, {str(installed)!r})\n"
    return run(sys.executable, "-c", start + code, *words, cwd=installed).strip()


def tracked() -> set[str]:
    """Returns the files of the tree that belong to the project, as paths from the root."""
    folders = ("agent", "rules", "tests", "deploy", "bench", "docs")
    inside = (path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file())
    return {path.relative_to(ROOT).as_posix() for path in inside if path.suffix not in {".pyc", ".so"}}


def test_sdist_is_complete(sdist: Path) -> None:
    """The source distribution has code, rules, tests and deployment files, and nothing that was compiled."""
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    beside = {"pyproject.toml", "hatch_build.py", "Makefile", "README.md", "CHANGELOG.md", "LICENSE", "Dockerfile"}

    assert set() == (tracked() | beside) - names
    assert set() == {name for name in names if name.endswith((".so", ".pyc"))}


def test_wheel_has_library_and_rules(wheel: Path) -> None:
    """The wheel holds the package, the compiled gate, and every file of rules/ as agent/_rules/."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    expected = {path for path in tracked() if path.startswith("agent/")}
    expected |= {f"agent/_{path}" for path in tracked() if path.startswith("rules/")}
    expected |= {f"agent/_{path}" for path in tracked() if path.startswith("deploy/systemd/")}
    expected |= {"agent/gate/_native.so", "agent/_rules/rules.yaml", "agent/_deploy/systemd/hallwatch.service"}

    assert expected == {name for name in names if name.startswith("agent/")}


def test_wheel_is_for_this_platform_and_any_python(wheel: Path) -> None:
    """The library is plain C, so the tag names a platform and no Python version."""
    _name, _version, python, abi, platform = wheel.stem.split("-")

    assert ("py3", "none") == (python, abi)
    assert platform != "any"


def test_entry_point(wheel: Path) -> None:
    """Installing the wheel gives one command, `hallwatch`."""
    with zipfile.ZipFile(wheel) as archive:
        entry = next(name for name in archive.namelist() if name.endswith("entry_points.txt"))
        parser = ConfigParser()
        parser.read_string(archive.read(entry).decode())

    assert {"hallwatch": "agent.cli.main:main"} == dict(parser["console_scripts"])


def test_installed_package_finds_its_rules(installed: Path) -> None:
    """The rules of an installed package are its own copy, not those of a checkout that happens to be near."""
    code = "from agent.shipped import shipped_rules; print(shipped_rules())"

    assert str(installed / "agent" / "_rules") == python(installed, code)


def test_installed_package_loads_its_library(installed: Path) -> None:
    """The installed gate loads, and counts a frame."""
    code = """
from agent.gate.native import NativeGate
gate = NativeGate(max_flows=8)
gate.feed(bytes(60), time_ns=0)
print(gate.totals()["seen_packets"])
"""

    assert "1" == python(installed, code)


def test_installed_command_answers(installed: Path) -> None:
    """`hallwatch explain` runs with what the wheel brought, its rules among it."""
    code = "from agent.cli.main import main; sys.exit(main())"

    assert "youtube" in python(installed, code, "explain", "www.youtube.com").lower()


def stages() -> list[list[str]]:
    """Returns the Dockerfile's instructions, one list per FROM, continued lines joined."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    joined = re.sub(r"\\\n\s*", "", text)
    found: list[list[str]] = []
    for line in joined.splitlines():
        if line.startswith("FROM "):
            found.append([])
        if line and not line.startswith("#"):
            found[-1].append(line)
    return found


def test_image_runs_without_privilege() -> None:
    """The last stage drops root before its entry point, names its port and its health, and has no compiler."""
    last = stages()[-1]
    words = [line.split()[0] for line in last]
    user = next(line for line in last if line.startswith("USER ")).split()[1]

    assert user not in {"root", "0"}
    assert words.index("USER") < words.index("ENTRYPOINT")
    assert "EXPOSE 10484" in last
    assert "HEALTHCHECK" in words
    assert [] == [line for line in last if re.search(r"\b(apt|apt-get|apk|gcc|cc|clang|ziglang|pip)\b", line)]


def test_image_is_built_from_what_the_wheel_needs() -> None:
    """Everything that hatchling reads passes .dockerignore, and the library of this machine does not."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()

    assert {"agent", "deploy/systemd", "rules", "pyproject.toml", "hatch_build.py", "README.md", "LICENSE"} == {
        line[1:] for line in lines if line.startswith("!")
    }
    assert "agent/gate/_native.so" in lines


def test_image_has_the_same_python_in_both_stages() -> None:
    """The virtual environment is carried from one stage to the next, so both must have the same base."""
    bases = {stage[0].split()[1] for stage in stages()}

    assert 1 == len(bases)
