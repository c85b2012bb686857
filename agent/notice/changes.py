"""Two descriptions, the posted one and the one in force -> what changed between them, in words."""

from collections.abc import Mapping
from typing import Final

NOUNS: Final[Mapping[str, str]] = {
    "district": "the district",
    "contact": "whom to ask",
    "collected": "type of monitoring",
    "categories": "category",
    "services": "service of the board",
    "unknown_names_open": "whether names in no catalogue are opened as not personal",
    "opened": "limit of what is opened",
    "kept": "time of keeping",
    "devices_store": "where distinct devices are counted",
    "max_authorisation_days": "the longest authorisation, in days",
    "buildings": "building",
    "taps": "tap",
    "networks": "network",
    "elsewhere": "network that no tap names",
}
"""Field of Notice -> what people call it, or one of it."""

MAX_SHOWN: Final = 100
"""Characters of a value that a line repeats."""


def changes(posted: Mapping[str, object], current: Mapping[str, object]) -> tuple[str, ...]:
    """What is different in `current`, a line each; () when nothing is.

    Both are descriptions as JSON holds them. The posted one may be of an older Hallwatch, with other fields.
    """
    found: list[str] = []
    for key in [*NOUNS, *sorted((posted.keys() | current.keys()) - NOUNS.keys())]:
        noun = NOUNS.get(key, key)
        before, now = posted.get(key), current.get(key)
        if before != now:
            found += _of_list(noun, before, now) or [_was(noun, before, now)]
    return tuple(found)


def _of_list(noun: str, before: object, now: object) -> list[str]:
    """Members added, removed and changed; [] when these are no lists, or lists whose members cannot be told apart."""
    if not isinstance(before, list | None) or not isinstance(now, list | None):
        return []
    old, new = _by_identifier(before or []), _by_identifier(now or [])
    found = [f"the {noun} {_shown(name)} was removed{_with(old[name])}" for name in sorted(old.keys() - new.keys())]
    found += [f"the {noun} {_shown(name)} was added{_with(new[name])}" for name in sorted(new.keys() - old.keys())]
    for name in sorted(old.keys() & new.keys()):
        fields = [field for field in [*new[name], *old[name]] if old[name].get(field) != new[name].get(field)]
        found += [
            _was(f"{field} of the {noun} {_shown(name)}", old[name].get(field), new[name].get(field))
            for field in dict.fromkeys(fields)
        ]
    return found


def _by_identifier(members: list[object]) -> dict[str, dict[str, object]]:
    """Members by their id; a plain member is its own."""
    found: dict[str, dict[str, object]] = {}
    for member in members:
        if isinstance(member, dict):
            found[str(member.get("id", ""))] = {str(key): value for key, value in member.items() if key != "id"}
        else:
            found[str(member)] = {}
    return found


def _was(what: str, before: object, now: object) -> str:
    return f"{what} was {_shown(before)} and is {_shown(now)}"


def _with(fields: Mapping[str, object]) -> str:
    """What a member says of itself, where it says anything."""
    told = [f"{key} {_shown(value)}" for key, value in fields.items() if value not in ("", [])]
    return f" ({', '.join(told)})" if told else ""


def _shown(value: object) -> str:
    if value is None:
        return "not told"
    if isinstance(value, list):
        text = ", ".join(str(member) for member in value) or "none"
    else:
        text = str(value) if isinstance(value, int) else f'"{value}"'
    printable = "".join(character if character.isprintable() else "?" for character in text)
    return printable if len(printable) <= MAX_SHOWN else printable[: MAX_SHOWN - 3] + "..."
