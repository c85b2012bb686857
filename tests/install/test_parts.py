"""The shipped files and a district's choice against the parts of an installation."""

from pathlib import PurePosixPath

from agent.install.parts import Owner, Part, parts
from agent.shipped import shipped_deploy_files, shipped_rules


def some(prefix: str = "/usr/local", program: str = "/opt/hallwatch/bin/hallwatch") -> dict[str, Part]:
    """The parts of an installation, by target."""
    found = parts(
        deploy=shipped_deploy_files(),
        rules=shipped_rules(),
        settings="interface: eth1\n",
        prefix=PurePosixPath(prefix),
        program=PurePosixPath(program),
    )
    return {str(part.target): part for part in found}


def test_whose_each_file_is() -> None:
    """Below the prefix it is the program's; below /etc the district's; the settings are its own words."""
    program = {target for target, part in some().items() if part.owner is Owner.PROGRAM}
    only = {target for target, part in some().items() if part.owner is Owner.DISTRICT_ONLY}

    assert {
        "/usr/local/lib/systemd/system/hallwatch.service",
        "/usr/local/lib/sysusers.d/hallwatch.conf",
        "/usr/local/lib/tmpfiles.d/hallwatch.conf",
    } == program
    assert {"/etc/hallwatch/hallwatch.yaml"} == only
    assert all(target.startswith("/etc/") for target in some().keys() - program)


def test_every_shipped_rule_is_there() -> None:
    """Each file of the rules, as it is."""
    shipped = {
        f"/etc/hallwatch/rules/{path.relative_to(shipped_rules())}": path.read_bytes()
        for path in shipped_rules().rglob("*")
        if path.is_file()
    }
    laid = {target: part.content for target, part in some().items() if "/rules/" in target}

    assert shipped == laid
    assert {Owner.DISTRICT} == {part.owner for target, part in some().items() if "/rules/" in target}


def test_the_unit_starts_the_program_that_was_said() -> None:
    """Nothing else of the unit is changed, and for the package's own program nothing at all."""
    shipped = (shipped_deploy_files() / "systemd" / "hallwatch.service").read_text(encoding="utf-8").splitlines()
    unit = some()["/usr/local/lib/systemd/system/hallwatch.service"].content.decode().splitlines()
    changed = [(before, after) for before, after in zip(shipped, unit, strict=True) if before != after]
    packaged = some("/usr", "/usr/bin/hallwatch")["/usr/lib/systemd/system/hallwatch.service"].content.decode()

    assert [
        (
            "ExecStart=/usr/bin/hallwatch run $HALLWATCH_ARGS",
            "ExecStart=/opt/hallwatch/bin/hallwatch run $HALLWATCH_ARGS",
        )
    ] == changed
    assert shipped == packaged.splitlines()
