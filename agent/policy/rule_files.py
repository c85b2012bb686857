"""A directory of rules -> the documents in it. The one place of this package that reads files."""

import errno
import re
from dataclasses import dataclass
from pathlib import Path

from agent.policy.document import Node, Table, Text, max_file_bytes, parse
from agent.policy.problems import Mark, Problems, did_you_mean, nearest, shown

max_catalogue_files = 256
"""Ten times the number of categories: room for a site's own files beside the shipped ones."""

max_extended = 8
"""Files of rules that extend one another: a school, its district, a state's model, and room."""

districts = "districts"
"""Where packs are, below the directory of rules."""

_read_names = frozenset({"catalogue", "segments.yaml", "schedules.yaml", "rules.yaml", "accounts.yaml"})
_no_rules = _read_names - {"rules.yaml"}
_name = re.compile(r"[a-z0-9][a-z0-9_-]*")
_extendable = re.compile(rf"(?:{districts}/)?[a-z0-9][a-z0-9_-]*\.yaml")


@dataclass(frozen=True, slots=True)
class RuleFiles:
    """What was read. None stands for a file that is missing or cannot be read; the problem has been noted."""

    catalogue: tuple[Node | None, ...]
    segments: Node | None
    schedules: Node | None
    rules: tuple[Node | None, ...]
    """The file of rules, then the one that it extends, and so on."""
    accounts: Node | None
    """None also where there is no such file, and so nothing is declared."""


def read_rule_files(directory: Path, problems: Problems, *, district: str | None = None) -> RuleFiles:
    """Read the files below a directory. Never raises OSError.

    Args:
        directory: Holds catalogue/*.yaml, segments.yaml, schedules.yaml, rules.yaml, and accounts.yaml or not.
        problems: Gets everything that is wrong.
        district: In place of rules.yaml the file of that name in districts/ is read, without ".yaml".
    """
    return RuleFiles(
        catalogue=_read_catalogue(directory / "catalogue", problems),
        segments=_read(directory / "segments.yaml", problems),
        schedules=_read(directory / "schedules.yaml", problems),
        rules=_read_rules(directory, _rules_file(directory, district, problems), problems),
        accounts=_read_accounts(directory / "accounts.yaml", problems),
    )


def _rules_file(directory: Path, district: str | None, problems: Problems) -> Path | None:
    if district is None:
        return directory / "rules.yaml"
    path = directory / districts / f"{district}.yaml"
    if _name.fullmatch(district) and _is_there(path):
        return path
    names = {name.removesuffix(".yaml") for name in _names_in(directory / districts) if name.endswith(".yaml")}
    mark = Mark(str(directory / districts), 0)
    problems.add(mark, f"there is no district {shown(district)}", did_you_mean(district, names))
    return None


def _read_rules(directory: Path, path: Path | None, problems: Problems) -> tuple[Node | None, ...]:
    """The file, what it extends, what that extends; up to the first that cannot be read."""
    read: dict[Path, Node | None] = {}
    while path is not None:
        read[path] = node = _read(path, problems)
        extended = node.entries.get("extends", (None, None))[1] if isinstance(node, Table) else None
        if not isinstance(extended, Text) or not extended.text.strip():  # nothing, or what rules_file.py complains of
            return tuple(read.values())
        path = _extended(directory, extended, problems)
        if path in read:
            what = f"{shown(extended.text)} is extended in a circle"
            problems.add(extended.mark, what, "let one of these files stand by itself")
            path = None
        elif len(read) == max_extended:
            problems.add(extended.mark, f"more than {max_extended} files that extend one another", "join some of them")
            path = None
    return (*read.values(), None)


def _extended(directory: Path, text: Text, problems: Problems) -> Path | None:
    name = text.text.strip()
    if _extendable.fullmatch(name) and name not in _no_rules and _is_there(directory / name):
        return directory / name
    beside = {one for one in _names_in(directory) if one.endswith(".yaml") and one not in _no_rules}
    packs = {f"{districts}/{one}" for one in _names_in(directory / districts) if one.endswith(".yaml")}
    what = f"{shown(name)} is no file of rules in this directory"
    problems.add(text.mark, what, did_you_mean(name, beside | packs))
    return None


def _read_accounts(path: Path, problems: Problems) -> Node | None:
    if _is_there(path):
        return _read(path, problems)
    # Without the file nothing is declared, which is right; with a misspelt one it would be wrong, and silent.
    near = nearest(path.name, {name for name in _names_in(path.parent) if name.startswith("acc")})
    if near is not None:
        problems.add(Mark(str(path.parent / near), 0), "this file would not be read", f"rename it to {path.name}")
    return None


def _read_catalogue(directory: Path, problems: Problems) -> tuple[Node | None, ...]:
    names = _names_in(directory)
    mark = Mark(str(directory), 0)
    for name in names:
        if name.endswith((".yml", ".YAML", ".YML")):
            problems.add(Mark(str(directory / name), 0), "this file would not be read", 'let its name end in ".yaml"')
    paths = [directory / name for name in names if name.endswith(".yaml") and not name.startswith(".")]
    if not paths:
        problems.add(mark, "there is no catalogue here", 'put at least one file, such as "social_networking.yaml"')
    if len(paths) > max_catalogue_files:
        problems.add(mark, f"more than {max_catalogue_files} files", "join some of them")
    return tuple(_read(path, problems) for path in paths[:max_catalogue_files])


def _read(path: Path, problems: Problems) -> Node | None:
    mark = Mark(str(path), 0)
    try:
        # A pipe or a device by that name would never end.
        if path.exists() and not path.is_file():
            problems.add(mark, "this is no file", "put a plain file here")
            return None
        with path.open("rb") as file:
            data = file.read(max_file_bytes + 1)
    except FileNotFoundError:
        # Names that the directory holds and nothing reads: a misspelt one is the likeliest reason.
        near = nearest(path.name, set(_names_in(path.parent)) - _read_names)
        remedy = "copy it from the shipped rules" if near is None else f"rename {shown(near)}, if that is it"
        problems.add(mark, "the file is missing", remedy)
        return None
    except OSError as error:
        problems.add(mark, f"the file cannot be read: {error.strerror}", "let the daemon's user read it")
        return None
    return parse(data, str(path), problems)


def _is_there(path: Path) -> bool:
    """Whether something has this name: a link that leads nowhere too, and what nobody may look at. `_read` tells of them."""
    try:
        path.lstat()
    except OSError as error:
        return error.errno not in {errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG}
    return True


def _names_in(directory: Path) -> list[str]:
    """Names in a directory, sorted; none when it cannot be listed, which the missing files then show."""
    try:
        return sorted(path.name for path in directory.iterdir())
    except OSError:
        return []
