"""A settings file (YAML) -> its values by the long names of options, each with the line where it stands."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from agent.policy.document import Listing, Node, Table, Text, parse
from agent.policy.problems import Mark, Problems, RulesError, did_you_mean

max_settings_bytes = 64 * 1024
"""Every key there is, with its explanation, takes some 5 kB."""


class SettingsError(RulesError):
    """The settings cannot be used. `problems` holds every reason, as for rules."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of the file."""

    name: str
    """The option's long name without its dashes: "web.listen-address"."""
    mark: Mark
    texts: tuple[Text, ...]
    """One, unless the file has a list here."""


def read_settings(path: Path, known: Collection[str], problems: Problems) -> dict[str, Setting]:
    """The settings of a file, by name, in the order of the file. Never raises.

    A name with dots may be written as it is (`web.listen-address: ...`) or as tables inside each other (`web:`, and
    below it `listen-address: ...`).

    Args:
        path: Of the file.
        known: The names that there are; others are problems.
        problems: Gets everything that is wrong.
    """
    mark = Mark(str(path), 0)
    try:
        if path.exists() and not path.is_file():  # a pipe or a device by that name would never end
            problems.add(mark, "this is no file", "name a plain file")
            return {}
        with path.open("rb") as file:
            data = file.read(max_settings_bytes + 1)
    except OSError as error:
        problems.add(mark, f"the settings cannot be read: {error.strerror}", "name a file that this user can read")
        return {}
    if len(data) > max_settings_bytes:
        problems.add(mark, f"the file is larger than {max_settings_bytes} bytes", "is this the right file?")
        return {}
    document = parse(data, str(path), problems)
    found: dict[str, Setting] = {}
    if document is not None:
        _collect("", document, known, found, problems)
    return found


def _collect(prefix: str, node: Node, known: Collection[str], found: dict[str, Setting], problems: Problems) -> None:
    if not isinstance(node, Table):
        problems.add(node.mark, "settings are keys and values", 'write "key: value" lines, such as "interface: eth1"')
        return
    for key, (mark, value) in node.entries.items():
        name = f"{prefix}{key}"
        if name not in known:
            if isinstance(value, Table) and any(one.startswith(f"{name}.") for one in known):
                _collect(f"{name}.", value, known, found, problems)
            else:
                problems.add(mark, f'"{name}" is no setting', did_you_mean(name, known))
        elif name in found:
            what = f'"{name}" stands here a second time (first in line {found[name].mark.line})'
            problems.add(mark, what, "keep one of them")
        elif texts := _texts(name, value, problems):
            found[name] = Setting(name, mark, texts)


def _texts(name: str, value: Node, problems: Problems) -> tuple[Text, ...]:
    """The values of one key; () when they are none, which has been noted."""
    items = value.items if isinstance(value, Listing) else (value,)
    texts = tuple(item for item in items if isinstance(item, Text) and item.text.strip())
    if not items or len(texts) < len(items):
        problems.add(value.mark, f'"{name}" has no plain value', "give it one, or leave the key out")
        return ()
    return texts
