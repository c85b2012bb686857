"""What is in force -> what `run --config.check` tells of it; nothing is started."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from agent.cli.options import InForce, Options
from agent.cli.outcome import Exit
from agent.cli.rules import chosen_directory, load_rules
from agent.cli.web_config import problems_in
from agent.policy.problems import Problem, Problems, RulesError

SOURCES: Final = frozenset({"demo", "interface"})
"""Options of which one must say what is watched."""
NO_SOURCE: Final = 'nothing to watch: say -i NAME or --demo, or write "interface: NAME" into the settings file'


def check(options: Options, start: InForce, file: Path | None, problems: Problems) -> int:
    """Print every option with its value and where it was said; or everything that is wrong, settings and rules."""
    wrong = [*_problems_of(problems.raise_if_any), *_problems_of(lambda: load_rules(start.arguments.rules))]
    if start.arguments.web_config is not None:
        wrong += problems_in(start.arguments.web_config)
    if not problems and start.silent(options, SOURCES):
        wrong.append(Problem("the command line" if file is None else str(file), 0, *NO_SOURCE.split(": ", 1)))
    if wrong:
        print("\n".join(map(str, wrong)), file=sys.stderr)
        print(f"hallwatch: this would not start: {len(wrong)} problem(s), listed above", file=sys.stderr)
        return Exit.USAGE
    print(f"{file or 'without a settings file'}: in order; in force would be")
    shown = list(_shown(options, start))
    names, values = (max(map(len, column)) for column in zip(*shown, strict=True))
    for name, value in shown:
        print(f"  {name:<{names}}  {value:<{values}}  {start.sources[name]}")
    return Exit.OK


def _problems_of(work: Callable[[], object]) -> tuple[Problem, ...]:
    try:
        work()
    except RulesError as error:
        return error.problems
    return ()


def _shown(options: Options, start: InForce) -> Iterator[tuple[str, str]]:
    for name in options.actions:
        value = start.value(options, name)
        yield name, str(chosen_directory(start.arguments.rules)) if name == "rules" else text_of(value)


def text_of(value: object) -> str:
    """A value as a settings file would have it."""
    match value:
        case None:
            return "-"
        case bool():
            return str(value).lower()
        case list():
            return ", ".join(map(str, value))
        case (str() as host, int() as port):
            return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return str(value)
