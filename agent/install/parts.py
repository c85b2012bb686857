"""What is shipped, and what a district chose -> the files of an installation: where each belongs, and whose it is."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path, PurePosixPath
from typing import Final

CONFIGURATION: Final = PurePosixPath("/etc/hallwatch")
SETTINGS: Final = CONFIGURATION / "hallwatch.yaml"
RULES: Final = CONFIGURATION / "rules"
ARGUMENTS: Final = PurePosixPath("/etc/default/hallwatch")

PACKAGED_PROGRAM: Final = PurePosixPath("/usr/bin/hallwatch")
"""What the shipped unit starts."""

max_files: Final = 1_000
"""Shipped are some 60; a folder of rules with more than this is not ours."""


class Owner(Enum):
    """Who may change a file, and so what an upgrade does with it."""

    PROGRAM = "program"
    """Replaced whenever it differs. Changes belong into drop-ins."""
    DISTRICT = "district"
    """Replaced while it is as it was shipped; else the new one goes beside it."""
    DISTRICT_ONLY = "district only"
    """Written once: what it says was said by the district."""


@dataclass(frozen=True, slots=True)
class Part:
    """One file."""

    target: PurePosixPath
    content: bytes
    owner: Owner


def parts(
    *, deploy: Path, rules: Path, settings: str, prefix: PurePosixPath, program: PurePosixPath
) -> tuple[Part, ...]:
    """Every file of an installation, in the order of its targets.

    Args:
        deploy: What is shipped to deploy.
        rules: The shipped rules.
        settings: What the settings file shall say.
        prefix: "/usr" for a package, "/usr/local" by hand: below it is what belongs to the program.
        program: What the unit starts.
    """
    systemd = deploy / "systemd"
    unit = _starting(program, (systemd / "hallwatch.service").read_bytes())
    found = [
        Part(prefix / "lib/systemd/system/hallwatch.service", unit, Owner.PROGRAM),
        *(
            Part(
                prefix / "lib" / kind / "hallwatch.conf",
                (systemd / kind / "hallwatch.conf").read_bytes(),
                Owner.PROGRAM,
            )
            for kind in ("sysusers.d", "tmpfiles.d")
        ),
        Part(ARGUMENTS, (systemd / "hallwatch.default").read_bytes(), Owner.DISTRICT),
        Part(SETTINGS, settings.encode(), Owner.DISTRICT_ONLY),
        *_rules(rules),
    ]
    return tuple(sorted(found, key=lambda part: part.target))


def _starting(program: PurePosixPath, unit: bytes) -> bytes:
    changed, count = re.subn(rb"(?m)^ExecStart=\S+", b"ExecStart=" + str(program).encode(), unit)
    assert count == 1, "the shipped unit starts one program"
    return changed


def _rules(rules: Path) -> Iterator[Part]:
    files = sorted(path for path in rules.rglob("*") if path.is_file())
    assert len(files) <= max_files, "these are the shipped rules"
    for path in files:
        yield Part(RULES / path.relative_to(rules).as_posix(), path.read_bytes(), Owner.DISTRICT)
