"""hallwatch install, below a root of its own."""

import os
from pathlib import Path

import pytest

from agent.cli.main import main


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A bare tree."""
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


def files(root: Path) -> dict[str, bytes]:
    """Every file below a root."""
    return {f"/{path.relative_to(root)}": path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_a_bare_tree(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was laid down is told, and is what the daemon reads: `run --config.check` finds it in order."""
    assert 0 == main(["install", "--root", str(root), "-i", "eth1", "-i", "eth2", "--district", "darien"])
    said = capsys.readouterr().out
    laid = files(root)

    assert {"/etc/default/hallwatch", "/etc/hallwatch/hallwatch.yaml", "/etc/hallwatch/rules/rules.yaml"} <= set(laid)
    assert "/usr/local/lib/systemd/system/hallwatch.service" in laid
    assert "systemctl enable --now hallwatch" in said
    assert "edit /etc" not in said
    settings, rules = root / "etc/hallwatch/hallwatch.yaml", root / "etc/hallwatch/rules"
    assert 0 == main(["run", "--config.file", str(settings), "--rules", str(rules), "--config.check"])
    assert "eth1, eth2" in capsys.readouterr().out
    assert f"rules: {'/etc/hallwatch/rules'}\n" in settings.read_text(encoding="utf-8")


def test_the_arguments_of_the_unit_name_the_settings_file(root: Path) -> None:
    """What the unit starts reads the file that was laid down: the words stand where EnvironmentFile= looks."""
    main(["install", "--root", str(root)])
    laid = files(root)

    assert b"EnvironmentFile=-/etc/default/hallwatch" in laid["/usr/local/lib/systemd/system/hallwatch.service"]
    assert b"/etc/hallwatch/hallwatch.yaml" in laid["/etc/default/hallwatch"].split(b"HALLWATCH_ARGS=")[-1]


def test_without_an_interface_it_says_what_is_missing(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The file is in its place with its keys explained, and what must be written into it comes first."""
    main(["install", "--root", str(root)])

    assert "edit /etc/hallwatch/hallwatch.yaml" in capsys.readouterr().out


def test_again_and_a_dry_run(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A dry run writes nothing, a second run changes nothing."""
    assert 0 == main(["install", "--root", str(root), "--dry-run"])
    assert "nothing has been done" in capsys.readouterr().out
    assert {} == files(root)
    main(["install", "--root", str(root), "-i", "eth1"])
    before = files(root)

    assert 0 == main(["install", "--root", str(root)])
    assert before == files(root)


def test_other_settings_go_beside_those_that_are_there(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What a district said once is never overwritten."""
    main(["install", "--root", str(root), "-i", "eth1"])
    main(["install", "--root", str(root), "-i", "eth9"])

    assert b"interface: [eth1]\n" in files(root)["/etc/hallwatch/hallwatch.yaml"]
    assert b"interface: [eth9]\n" in files(root)["/etc/hallwatch/hallwatch.yaml.new"]
    assert "beside it, as .new" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--district", "dariem"], 'did you mean "darien"?'),
        (["-i", "eth1: x"], "is no name of an interface"),
        (["-i", "a-name-of-16-chr"], "is no name of an interface"),
        (["--prefix", "usr"], "is no plain path from the root"),
        (["--program", "/opt/../x"], "is no plain path from the root"),
        (["--program", "/run/user/5/hallwatch"], "the service could not reach"),
    ],
)
def test_what_cannot_be(root: Path, words: list[str], expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It is refused with what would be right, and nothing is laid down."""
    assert 2 == main(["install", "--root", str(root), *words])
    assert expected in capsys.readouterr().err
    assert {} == files(root)


def test_a_debian_package_is_not_doubled(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where dpkg has it, a second unit would stand before the first."""
    (root / "var/lib/dpkg/info").mkdir(parents=True)
    (root / "var/lib/dpkg/info/hallwatch.list").touch()

    assert 2 == main(["install", "--root", str(root)])
    assert "Debian package" in capsys.readouterr().err


def test_a_root_that_is_none(tmp_path: Path) -> None:
    """A misspelt root is not made."""
    assert 2 == main(["install", "--root", str(tmp_path / "none")])
    assert not (tmp_path / "none").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="NOT ROOT: nobody else can be somebody without rights")
def test_without_rights(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A user who may not write there is told so; nothing is laid down."""
    for folder in (root, *root.parents):
        if folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o011)
    words = ["install", "--root", str(root)]
    main([*words, "--dry-run"])  # what is imported on the way may lie where only root can read
    child = os.fork()
    if child == 0:
        os.setgid(65534)
        os.setuid(65534)
        os._exit(main(words))
    _, status = os.waitpid(child, 0)

    assert 1 == os.waitstatus_to_exitcode(status)
    assert "run it as root" in capfd.readouterr().err
    assert {} == files(root)
