"""hallwatch notice, and what check says of it."""

import json
from pathlib import Path

import pytest

from agent.cli.main import main

TAP = """\
  - {id: west, building: west_school, where: closet 2 B, interfaces: [eth2], segments: [guests]}

"""
BUILDING = """\
  - {id: west_school, name: West Middle School}

"""


def add(rules: Path, *, building: bool = True) -> None:
    """Add a tap to a directory of rules, in a second building or not."""
    path = rules / "premises.yaml"
    tap = TAP if building else TAP.replace("west_school", "high_school")
    text = path.read_text().replace("# Where the notice hangs", f"{tap}# Where the notice hangs")
    path.write_text(text.replace("# A tap covers", f"{BUILDING}# A tap covers") if building else text)


def checked(rules: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """What check says."""
    capsys.readouterr()
    code = main(["check", "--rules", str(rules)])
    shown = capsys.readouterr()
    return code, shown.out, shown.err


@pytest.mark.parametrize(
    ("option", "begins"),
    [
        ([], "NOTICE OF ELECTRONIC MONITORING\n==="),
        (["--text"], "NOTICE OF ELECTRONIC MONITORING\n==="),
        (["--markdown"], "# Notice of electronic monitoring\n"),
        (["--html"], "<!doctype html>\n"),
    ],
)
def test_forms(option: list[str], begins: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The shipped rules give a notice in each form, which names the building and the tap's place."""
    assert 0 == main(["notice", *option])
    shown = capsys.readouterr()

    assert shown.out.startswith(begins)
    assert "Example High School" in shown.out
    assert "mirror port of the core switch" in shown.out
    assert "" == shown.err


def test_two_buildings(own_rules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A district of two buildings has both in its notice."""
    add(own_rules)
    assert 0 == main(["notice", "--rules", str(own_rules)])
    shown = capsys.readouterr().out

    assert "Example High School" in shown
    assert "West Middle School" in shown


def test_check_before_anything_was_posted(own_rules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Rules can be tried before a notice hangs: check says that none does, and passes."""
    code, out, err = checked(own_rules, capsys)

    assert (0, "") == (code, err)
    assert "notice: none is recorded as posted" in out


def test_a_tap_is_added(own_rules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """After a tap was added, check fails at the recorded fingerprint, in words, until the notice is renewed."""
    assert 0 == main(["notice", "--rules", str(own_rules), "--record", "--posted", "2026-10-01"])
    assert "notice: as posted on 2026-10-01" in checked(own_rules, capsys)[1]

    add(own_rules, building=False)
    code, out, err = checked(own_rules, capsys)
    record = own_rules / "notice-posted.json"
    (line,) = [number for number, text in enumerate(record.read_text().splitlines(), 1) if '"fingerprint"' in text]
    assert (2, "") == (code, out)
    assert f'{record}:{line}: the notice posted on 2026-10-01 is no longer true: the tap "west" was added' in err

    assert 0 == main(["notice", "--rules", str(own_rules), "--diff"])
    assert 'the tap "west" was added' in capsys.readouterr().out

    assert 0 == main(["notice", "--rules", str(own_rules), "--record"])
    assert 0 == checked(own_rules, capsys)[0]
    assert 0 == main(["notice", "--rules", str(own_rules), "--diff"])
    assert "no change(s)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("file", "old", "new", "what"),
    [
        ("premises.yaml", "counts_days: 400", "counts_days: 30", 'of the time of keeping "counts" was 400 and is 30'),
        ("segments.yaml", "vlans: [10]", "vlans: [10, 11]", 'vlans of the network "staff" was 10 and is 10, 11'),
        ("premises.yaml", "building: high_school", "building: high", '"high" is not known'),
    ],
)
def test_check_sees_what_matters(
    own_rules: Path, file: str, old: str, new: str, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Other changes of what the notice says are found too, and so are mistakes in premises.yaml."""
    main(["notice", "--rules", str(own_rules), "--record"])
    text = (own_rules / file).read_text()
    assert old in text
    (own_rules / file).write_text(text.replace(old, new))
    code, _, err = checked(own_rules, capsys)

    assert 2 == code
    assert what in err


def test_check_does_not_mind_form(own_rules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Comments, order and the places where the notice hangs can change without a new notice."""
    main(["notice", "--rules", str(own_rules), "--record"])
    path = own_rules / "premises.yaml"
    text = path.read_text().replace("segments: [staff, students, guests]", "segments: [guests, staff, students]")
    path.write_text("# a comment\n" + text.replace("the board outside the main office", "the gym"))

    assert 0 == checked(own_rules, capsys)[0]


def test_a_record_changed_by_hand(own_rules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Who changes the record to make check pass is found."""
    main(["notice", "--rules", str(own_rules), "--record"])
    path = own_rules / "notice-posted.json"
    document = json.loads(path.read_text())
    document["description"]["contact"] = "nobody"
    path.write_text(json.dumps(document))
    code, _, err = checked(own_rules, capsys)

    assert 2 == code
    assert "the description is not the one that the fingerprint is of" in err


def test_without_premises(own_rules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Rules without premises.yaml pass the check, and no notice can be made of them."""
    (own_rules / "premises.yaml").unlink()
    assert 0 == checked(own_rules, capsys)[0]
    assert 2 == main(["notice", "--rules", str(own_rules)])
    assert "premises.yaml: the file is missing" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "what"),
    [
        (["--record"], 2, "name their directory with --rules"),
        (["--posted", "2026-10-01"], 2, "--posted says when"),
        (["--diff"], 1, "nothing to compare with"),
        (["--record", "--posted", "soon"], 2, "is not a date"),
        (["--html", "--diff"], 2, "not allowed with"),
    ],
)
def test_what_cannot_be_asked(arguments: list[str], code: int, what: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The shipped rules are not recorded into, and other requests that make no sense are refused."""
    assert code == main(["notice", *arguments])
    assert what in capsys.readouterr().err


def test_no_notice_was_posted_tomorrow(own_rules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A year that was mistyped does not make a notice that hangs already."""
    assert 2 == main(["notice", "--rules", str(own_rules), "--record", "--posted", "9999-12-31"])
    assert "9999-12-31 is still to come" in capsys.readouterr().err
    assert not (own_rules / "notice-posted.json").exists()


def test_packs_have_no_notice_of_their_own(own_rules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The posted notice is of rules.yaml: checking a pack does not compare with it."""
    main(["notice", "--rules", str(own_rules), "--record"])
    add(own_rules)
    capsys.readouterr()
    assert 0 == main(["check", "--rules", str(own_rules), "--district", "hamden"])
    assert "not compared with a district's pack" in capsys.readouterr().out
