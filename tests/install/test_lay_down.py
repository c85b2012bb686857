"""An upgrade's every case: what the district changed, what was shipped anew, what was removed, what is in the way."""

import hashlib
import os
from pathlib import Path, PurePosixPath

import pytest

from agent.install.lay_down import SHIPPED, Deed, LayDownError, lay_down, plan
from agent.install.parts import Owner, Part

PREFIX = PurePosixPath("/usr/local")
TARGET = "/etc/hallwatch/rules/rules.yaml"


def install(root: Path, content: str, owner: Owner = Owner.DISTRICT) -> Deed:
    """Lays one file down below a root, and tells what was done about it."""
    steps = plan([Part(PurePosixPath(TARGET), content.encode(), owner)], root, PREFIX)
    lay_down(steps, root, PREFIX)
    return steps[0].deed


def there(root: Path) -> dict[str, str]:
    """What stands in the target's folder."""
    return {path.name: path.read_text(encoding="utf-8") for path in (root / TARGET[1:]).parent.iterdir()}


def test_a_bare_tree(tmp_path: Path) -> None:
    """Folders are made, the file can be read by everyone, and its digest is remembered as sha256sum writes it."""
    assert Deed.WRITE is install(tmp_path, "one")
    assert {"rules.yaml": "one"} == there(tmp_path)
    assert 0o644 == (tmp_path / TARGET[1:]).stat().st_mode & 0o777
    record = (tmp_path / "usr/local" / SHIPPED).read_text(encoding="utf-8")
    assert f"{hashlib.sha256(b'one').hexdigest()}  {TARGET}\n" == record


def test_again(tmp_path: Path) -> None:
    """A second time nothing is written, not even the record."""
    install(tmp_path, "one")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}

    assert Deed.SAME is install(tmp_path, "one")
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("owner", "shipped", "theirs", "shipped_now", "deed", "left"),
    [
        (Owner.DISTRICT, "one", None, "two", Deed.REPLACE, {"rules.yaml": "two"}),
        (Owner.DISTRICT, "one", "mine", "one", Deed.KEEP, {"rules.yaml": "mine"}),
        (Owner.DISTRICT, "one", "mine", "two", Deed.BESIDE, {"rules.yaml": "mine", "rules.yaml.new": "two"}),
        (Owner.DISTRICT, "one", "two", "two", Deed.SAME, {"rules.yaml": "two"}),
        (Owner.DISTRICT, "one", "", "two", Deed.ABSENT, {}),
        (Owner.DISTRICT_ONLY, "one", None, "two", Deed.BESIDE, {"rules.yaml": "one", "rules.yaml.new": "two"}),
        (Owner.DISTRICT_ONLY, "one", "", "two", Deed.WRITE, {"rules.yaml": "two"}),
        (Owner.PROGRAM, "one", "mine", "two", Deed.REPLACE, {"rules.yaml": "two"}),
        (Owner.PROGRAM, "one", "", "two", Deed.WRITE, {"rules.yaml": "two"}),
    ],
)
def test_an_upgrade(
    tmp_path: Path, owner: Owner, shipped: str, theirs: str | None, shipped_now: str, deed: Deed, left: dict[str, str]
) -> None:
    """`theirs` is what the district made of it: None for nothing, "" for removed."""
    install(tmp_path, shipped, owner)
    target = tmp_path / TARGET[1:]
    if theirs == "":
        target.unlink()
    elif theirs is not None:
        target.write_text(theirs, encoding="utf-8")

    assert deed is install(tmp_path, shipped_now, owner)
    assert left == there(tmp_path)


def test_what_was_there_before_us_stays(tmp_path: Path) -> None:
    """A file of that name that nobody remembers having shipped is the district's."""
    target = tmp_path / TARGET[1:]
    target.parent.mkdir(parents=True)
    target.write_text("mine", encoding="utf-8")

    assert Deed.BESIDE is install(tmp_path, "one")
    assert {"rules.yaml": "mine", "rules.yaml.new": "one"} == there(tmp_path)


def test_the_mode_that_a_district_chose_stays(tmp_path: Path) -> None:
    """A replaced file keeps its mode."""
    install(tmp_path, "one")
    (tmp_path / TARGET[1:]).chmod(0o640)
    install(tmp_path, "two")

    assert 0o640 == (tmp_path / TARGET[1:]).stat().st_mode & 0o777


def refusal(root: Path) -> str:
    """Why nothing can be laid down; and nothing has been."""
    before = sorted(root.rglob("*"))
    with pytest.raises(LayDownError) as caught:
        install(root, "one")
    assert before == sorted(root.rglob("*"))
    return str(caught.value)


def test_a_link_that_leads_out_is_refused(tmp_path: Path) -> None:
    """A link to /etc in a tree means the /etc of the machine that will run there, not of this one."""
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (root / "etc").symlink_to(outside)

    assert "leads out of" in refusal(root)
    assert [] == list(outside.iterdir())


def test_what_is_in_the_way(tmp_path: Path) -> None:
    """A folder where a file belongs, and a file where a folder belongs."""
    (tmp_path / TARGET[1:]).mkdir(parents=True)
    assert "is no file" in refusal(tmp_path)
    (tmp_path / TARGET[1:]).rmdir()
    (tmp_path / TARGET[1:]).parent.rmdir()
    (tmp_path / TARGET[1:]).parent.write_text("", encoding="utf-8")
    assert "is no directory" in refusal(tmp_path)


@pytest.mark.parametrize("record", ["what is this\n", "0" * 63 + "  /etc/x\n", "0" * 64 + "  etc/x\n"])
def test_a_spoilt_record(tmp_path: Path, record: str) -> None:
    """Without knowing what was shipped nothing is replaced."""
    path = tmp_path / "usr/local" / SHIPPED
    path.parent.mkdir(parents=True)
    path.write_text(record, encoding="utf-8")

    assert f"{path}:1: this is no list of digests" in refusal(tmp_path)


def test_without_rights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so before anything is written. (Root may write everywhere, so the kernel's answer is given by hand.)"""
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)

    assert "run it as root" in refusal(tmp_path)
