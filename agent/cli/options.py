"""The options of a command, and a settings file -> what is in force, and where each value was said.

A setting is an option by another way: its key is the option's long name without the dashes, its value what the option
takes. So the file knows every option by itself, and the two cannot drift apart. The command line wins over the file,
the file over the defaults.
"""

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agent.cli.rules import DIRECTORY, RulesChoice
from agent.policy.problems import Problems, did_you_mean, shown
from agent.settings import Setting, SettingsError, read_settings

NOT_IN_A_FILE: Final = frozenset({"help", "config.file", "config.check"})
COMMAND_LINE: Final = "command line"
DEFAULT: Final = "default"


@dataclass(frozen=True, slots=True)
class Options:
    """The options of one command that may stand in a settings file."""

    parser: argparse.ArgumentParser
    actions: dict[str, argparse.Action]
    """By long name without dashes, in the order of --help."""
    defaults: dict[str, object]
    """By the name of the attribute that the option sets."""
    alternatives: tuple[frozenset[str], ...]
    """Options of which only one can be said: one on the command line puts the file's others out of force too."""


@dataclass(frozen=True, slots=True)
class InForce:
    """Every option's value, and where it was said."""

    arguments: argparse.Namespace
    sources: dict[str, str]
    """Option -> COMMAND_LINE, "FILE:LINE" or DEFAULT."""

    def value(self, options: Options, name: str) -> object:
        """The value of one option."""
        return _part(getattr(self.arguments, options.actions[name].dest), options.actions[name])

    def silent(self, options: Options, names: Iterable[str]) -> bool:
        """True when none of these options says anything."""
        return not any(self.value(options, name) for name in names)


def options_of(parser: argparse.ArgumentParser, *, alternatives: Sequence[frozenset[str]] = ()) -> Options:
    """The options of a parser, whose defaults are taken away: what it parses then holds only what was said."""
    actions = {}
    defaults: dict[str, object] = {}
    for action in parser._actions:  # noqa: SLF001 - argparse has no other way to ask what options there are
        name = next((one[2:] for one in action.option_strings if one.startswith("--")), "")
        if name and name not in NOT_IN_A_FILE:
            actions[name] = action
            default = action.default
            defaults[action.dest] = _converted(action, default) if isinstance(default, str) else default
            action.default = argparse.SUPPRESS
    return Options(parser, actions, defaults, tuple(alternatives))


def in_force(options: Options, said: argparse.Namespace, file: Path | None, problems: Problems) -> InForce:
    """What the command line said, over what the file says, over the defaults. Never raises.

    Args:
        options: Of the command.
        said: What the parser made of the command line.
        file: The settings file, or None.
        problems: Gets everything that is wrong in it; what is wrong counts as not said.
    """
    arguments = argparse.Namespace(**options.defaults)
    sources = dict.fromkeys(options.actions, DEFAULT)
    by_hand = {name for name, action in options.actions.items() if _is_said(said, action)}
    settings = {} if file is None else read_settings(file, options.actions, problems)
    for group in options.alternatives:
        _choose_one(group, by_hand, settings, problems)
    for name, setting in settings.items():
        if _apply(options, setting, arguments, problems):
            sources[name] = str(setting.mark)
    for attribute, value in vars(said).items():
        before = getattr(arguments, attribute, None)
        setattr(arguments, attribute, value.over(before) if isinstance(before, RulesChoice) else value)
    sources.update(dict.fromkeys(by_hand, COMMAND_LINE))
    return InForce(arguments, sources)


def changed_in_file(options: Options, said: argparse.Namespace, file: Path | None, start: InForce) -> tuple[str, ...]:
    """The options that would have other values now than at the start, since the file was changed.

    Raises:
        SettingsError: With everything that is wrong in the file now.
    """
    problems = Problems()
    now = in_force(options, said, file, problems)
    problems.raise_if_any(SettingsError)
    return tuple(name for name in options.actions if start.value(options, name) != now.value(options, name))


def _choose_one(group: frozenset[str], by_hand: set[str], settings: dict[str, Setting], problems: Problems) -> None:
    """Leaves at most one of a group of settings that exclude one another; none, when one was said by hand."""
    named = [name for name in settings if name in group and not _is_off(settings[name])]
    if by_hand & group:
        for name in named:
            del settings[name]
    for name in named[1:] if not by_hand & group else ():
        what = f'"{name}" and "{named[0]}" (line {settings[named[0]].mark.line}) exclude one another'
        problems.add(settings.pop(name).mark, what, "keep one of them")


def _is_off(setting: Setting) -> bool:
    return [text.text for text in setting.texts] == ["false"]


def _apply(options: Options, setting: Setting, arguments: argparse.Namespace, problems: Problems) -> bool:
    """Does what the option would do on the command line; False, and a problem, when it cannot be done."""
    action = options.actions[setting.name]
    if action.nargs == 0:
        word = setting.texts[0].text
        if len(setting.texts) > 1 or word not in {"true", "false"}:
            problems.add(setting.mark, f'"{setting.name}" is said by true or false', "write one of the two")
            return False
        if word == "true":
            action(options.parser, arguments, [], f"--{setting.name}")
        return True
    for number, text in enumerate(setting.texts):
        try:
            value = _converted(action, text.text)
        except (argparse.ArgumentTypeError, TypeError, ValueError) as error:
            problems.add(text.mark, f'"{setting.name}": {error}', "see hallwatch run --help")
            return False
        if action.choices is not None and value not in action.choices:
            words = [str(choice) for choice in action.choices]
            problems.add(
                text.mark, f'"{setting.name}": {shown(text.text)} is not known', did_you_mean(text.text, words)
            )
            return False
        if isinstance(value, Path):  # beside the file, wherever the daemon was started
            value = Path(text.mark.file).parent.absolute() / value
        if number and not isinstance(getattr(arguments, action.dest), list):
            problems.add(text.mark, f'"{setting.name}" has more than one value', "keep one of them")
            return False
        action(options.parser, arguments, value, f"--{setting.name}")  # type: ignore[arg-type]  # any value is allowed
    return True


def _converted(action: argparse.Action, text: str) -> object:
    return action.type(text) if callable(action.type) else text


def _is_said(said: argparse.Namespace, action: argparse.Action) -> bool:
    return _part(getattr(said, action.dest, None), action) is not None


def _part(value: object, action: argparse.Action) -> object:
    """The part of a value that this option gives: --rules and --district make one choice."""
    if isinstance(value, RulesChoice):
        return value.directory if action.metavar == DIRECTORY else value.district
    return value
