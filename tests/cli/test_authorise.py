"""hallwatch authorise: keys, authorisations, and everything that must be said."""

import json
import os
import re
import stat
import subprocess
from pathlib import Path

import pytest

from agent.cli.main import main

ROOT = Path(__file__).parent.parent.parent
GROUP = 61_184
"""Of nobody: in the range that systemd keeps for services that come and go."""

STATEMENTS = {
    "--ground": "B",
    "--information": "the vendor's report of student records offered for sale",
    "--received": "2020-01-02",
    "--approved-by": "J. Doe, Superintendent",
    "--device": "10.10.4.7",
    "--from": "2126-11-23T08:00",
    "--to": "2126-12-04T17:00-05:00",
}


class Office:
    """A directory of authorisations, worked by the command line."""

    def __init__(self, directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.directory = directory
        self.key = directory.with_suffix(".key")
        self._capsys = capsys
        assert 0 == self.do("--new-key", str(self.key))[0]

    def do(self, *arguments: str) -> tuple[int, str, str]:
        """Run the command: exit code, output, errors."""
        self._capsys.readouterr()
        code = main(["authorise", "--directory", str(self.directory), *arguments])
        shown = self._capsys.readouterr()
        return code, shown.out, shown.err

    def write(self, *further: str, **changed: str | None) -> tuple[int, str, str]:
        """Authorise, with some statements changed, or left out where they are None."""
        said = {**STATEMENTS, **{f"--{name.replace('_', '-')}": value for name, value in changed.items()}}
        words = [word for name, value in said.items() if value is not None for word in (name, value)]
        return self.do("--key", str(self.key), *words, *further)

    def files(self) -> list[Path]:
        """The authorisations."""
        return sorted(self.directory.glob("*.json"))


@pytest.fixture
def office(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Office:
    """An empty directory with its keys."""
    return Office(tmp_path / "authorisations", capsys)


def test_a_signed_file(office: Office) -> None:
    """What was said is in the file, in UTC, with a signature; and it is shown."""
    code, out, _ = office.write()
    (path,) = office.files()
    document = json.loads(path.read_text())

    assert 0 == code
    assert {"device": "10.10.4.7"} == document["authorisation"]["scope"]
    assert ("2126-11-23T13:00:00Z", "2126-12-04T22:00:00Z") == (
        document["authorisation"]["from"],
        document["authorisation"]["until"],
    )
    assert document["authorisation"]["names"] is False
    assert 128 == len(document["signature"])
    assert "J. Doe, Superintendent" in out


def test_a_device_is_the_address_on_the_wire(office: Office) -> None:
    """As some programs write an IPv4 address inside IPv6, no flow would ever be the device's."""
    assert 0 == office.write(device="::ffff:10.10.4.7")[0]
    (path,) = office.files()

    assert {"device": "10.10.4.7"} == json.loads(path.read_text())["authorisation"]["scope"]


@pytest.mark.skipif(os.geteuid() != 0, reason="NOT ROOT: nobody else can give a directory to a group")
def test_the_service_reads_what_is_copied(office: Office, tmp_path: Path) -> None:
    """In a directory made as docs/service.md says, what root copies there can be read by the service's group."""
    text = (ROOT / "docs" / "service.md").read_text(encoding="utf-8")
    (mode,) = re.findall(r"install -d -o root -g hallwatch -m ([0-7]+) /etc/hallwatch/authorisations\n", text)
    there = tmp_path / "there"
    there.mkdir()
    os.chown(there, 0, GROUP)
    there.chmod(int(mode, 8))
    office.write()
    subprocess.run(["cp", *map(str, office.directory.iterdir()), str(there)], check=True)

    assert 2 == len(list(there.iterdir()))
    assert {(GROUP, stat.S_IRGRP)} == {
        (path.stat().st_gid, path.stat().st_mode & (stat.S_IRGRP | stat.S_IWGRP)) for path in there.iterdir()
    }


@pytest.mark.parametrize("name", [name for name in STATEMENTS if name != "--from"])
def test_nothing_may_be_left_unsaid(office: Office, name: str) -> None:
    """Without any one of the statements nothing is written, and which one is missing is said."""
    code, _, err = office.write(**{name.strip("-").replace("-", "_"): None})

    assert (2, []) == (code, office.files())
    assert name in err


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"information": "misconduct"}, "the specific information"),
        ({"approved_by": " "}, "who approved"),
        ({"received": "2126-11-20"}, "after the authorisation was written"),
        ({"received": "soon"}, "on which day"),
        ({"to": "2126-12-24T08:00"}, "more than 30 days"),
        ({"to": "2126-11-23T08:00"}, "ends before it begins"),
        ({"from": "2020-11-01T08:00", "to": "2020-11-10T08:00"}, "it has ended already"),
        ({"device": None, "segment": "nobody"}, "there is no segment 'nobody'"),
        ({"segment": "staff"}, "not allowed with"),
        ({"device": "Ann's telephone"}, "is not an address"),
        ({"ground": "C"}, "invalid choice"),
        ({"to": "soon"}, "is not a time"),
    ],
)
def test_what_is_refused(office: Office, changed: dict[str, str | None], what: str) -> None:
    """A statement that says too little, or too much, is refused: nothing is written."""
    code, _, err = office.write(**changed)

    assert (2, []) == (code, office.files())
    assert what in err


def test_a_segment_with_names(office: Office) -> None:
    """A segment of the rules can be authorised, and names of hosts only by saying so."""
    assert 0 == office.write("--names", device=None, segment="students")[0]
    document = json.loads(office.files()[0].read_text())["authorisation"]

    assert ({"segment": "students"}, True) == (document["scope"], document["names"])


def test_list_show_revoke(office: Office) -> None:
    """What was authorised is listed and shown as it stands; to revoke it needs a name and no key."""
    office.write()
    identifier = office.files()[0].stem
    office.key.unlink()
    code, out, _ = office.do("--list")
    assert 0 == code
    assert identifier in out
    assert "to come" in out
    assert "to come" in office.do("--show", identifier)[1]

    assert 2 == office.do("--revoke", identifier)[0]
    assert 0 == office.do("--revoke", identifier, "--approved-by", "J. Doe")[0]
    assert "revoked" in office.do("--list")[1]
    assert "revoked" in office.do("--show", identifier)[1]
    assert "was revoked before" in office.do("--revoke", identifier, "--approved-by", "J. Doe")[2]


def test_an_edited_file_is_told(office: Office) -> None:
    """A file whose signature does not hold is refused: listed as such, and not shown."""
    office.write()
    (path,) = office.files()
    path.write_text(path.read_text().replace("10.10.4.7", "10.10.4.8"))
    code, out, err = office.do("--list")

    assert 1 == code
    assert path.stem not in out
    assert "the signature does not hold" in err
    assert "the signature does not hold" in office.do("--show", path.stem)[2]


def test_keys(office: Office) -> None:
    """The private key is the owner's alone; another is not made over it; another one's signature is not taken."""
    assert 0o600 == stat.S_IMODE(office.key.stat().st_mode)
    assert "there is a key already" in office.do("--new-key", str(office.directory / "other"))[2]
    other = office.directory.parent / "elsewhere"
    assert 0 == main(["authorise", "--directory", str(other), "--new-key", str(other.with_suffix(".key"))])
    office.key.write_bytes(other.with_suffix(".key").read_bytes())
    code, _, err = office.write()
    assert (1, []) == (code, office.files())
    assert "not the other half" in err
    office.key.write_text("noise")
    assert "no private key" in office.write()[2]


def test_unknown_identifiers(office: Office) -> None:
    """What was never authorised can be neither shown nor revoked."""
    assert "there is no authorisation" in office.do("--show", "x")[2]
    assert "there is no authorisation" in office.do("--revoke", "../x", "--approved-by", "J. Doe")[2]


def test_no_directory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A directory without a key is an error that names the key's file."""
    assert 1 == main(["authorise", "--directory", str(tmp_path), "--list"])
    assert "authority.pub" in capsys.readouterr().err
