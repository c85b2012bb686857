"""A directory of rules -> the documents in it. The one place of this package that reads files."""

from dataclasses import dataclass
from pathlib import Path

from agent.policy.document import Node, max_file_bytes, parse
from agent.policy.problems import Mark, Problems, nearest, shown

max_catalogue_files = 256
"""Ten times the number of categories: room for a site's own files beside the shipped ones."""


_read_names = frozenset({"catalogue", "segments.yaml", "schedules.yaml", "rules.yaml"})


@dataclass(frozen=True, slots=True)
class RuleFiles:
    """What was read. None stands for a file that is missing or cannot be read; the problem has been noted."""

    catalogue: tuple[Node | None, ...]
    segments: Node | None
    schedules: Node | None
    rules: Node | None


def read_rule_files(directory: Path, problems: Problems) -> RuleFiles:
    """Read catalogue/*.yaml, segments.yaml, schedules.yaml and rules.yaml below `directory`. Never raises OSError."""
    return RuleFiles(
        catalogue=_read_catalogue(directory / "catalogue", problems),
        segments=_read(directory / "segments.yaml", problems),
        schedules=_read(directory / "schedules.yaml", problems),
        rules=_read(directory / "rules.yaml", problems),
    )


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


def _names_in(directory: Path) -> list[str]:
    """Names in a directory, sorted; none when it cannot be listed, which the missing files then show."""
    try:
        return sorted(path.name for path in directory.iterdir())
    except OSError:
        return []
