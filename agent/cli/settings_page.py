"""The options of `run` -> the table of settings in docs/configuration.md, and a settings file with every key explained.

`python -m agent.cli.settings_page FILE` puts the table into FILE, between its two marks; `make docs` does so.
"""

import argparse
import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from agent.cli.config_check import text_of
from agent.cli.options import Options
from agent.cli.run import add_options

BEGIN: Final = "<!-- from here on by `make docs` -->"
END: Final = "<!-- up to here -->"
WIDTH: Final = 110
"""Columns of an explanation in a settings file."""

KEYS_OF_THE_DEMO: Final = frozenset({"demo", "seed"})
"""Not in the file for a service: nobody should find a synthetic day in a district's counts."""


def run_options() -> Options:
    """The options of `run`."""
    parser = argparse.ArgumentParser(prog="hallwatch run")
    return add_options(parser)


def table(options: Options) -> str:
    """Each key with what it takes and what it does, as Markdown."""
    rows = [f"| `{name}` | {_takes(action)} | {_plain(action)} |" for name, action in options.actions.items()]
    return "\n".join(["| key | takes | |", "|---|---|---|", *rows])


def settings_file(options: Options, values: Mapping[str, str]) -> str:
    """A settings file: each key with its explanation, in force with a value of `values`, else behind a "#".

    Args:
        options: Of `run`.
        values: By key, as they shall stand in the file.
    """
    return "\n".join(_settings_lines(options, values)) + "\n"


def _settings_lines(options: Options, values: Mapping[str, str]) -> Iterator[str]:
    yield "# Settings of hallwatch. A key is an option of `hallwatch run` without its dashes; the command line wins."
    yield "# Test them with: hallwatch run --config.file THIS --config.check. They take effect at the next start."
    for name, action in options.actions.items():
        if name in KEYS_OF_THE_DEMO:
            continue
        yield ""
        yield from textwrap.wrap(_plain(action).replace("`", ""), WIDTH, initial_indent="# ", subsequent_indent="# ")
        yield f"{name}: {values[name]}" if name in values else f"#{name}: {_example(options, name)}"


def _takes(action: argparse.Action) -> str:
    if action.nargs == 0:
        return "`true` or `false`"
    if action.choices is not None:
        return ", ".join(f"`{choice}`" for choice in action.choices)
    return str(action.metavar or "a number")


def _plain(action: argparse.Action) -> str:
    text = action.help or ""
    return f"{text[:1].upper()}{text[1:]}."


def _example(options: Options, name: str) -> str:
    default = options.defaults[options.actions[name].dest]
    return text_of(default) if isinstance(default, str | int | tuple) else str(options.actions[name].metavar)


def rewritten(page: str, content: str) -> str:
    """A page with the content between its marks.

    Raises:
        ValueError: The page has not these marks, each once and in this order.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"the page has no {BEGIN!r} with {END!r} after it")
    return f"{before}{begin}\n\n{content}\n\n{end}{after}"


if __name__ == "__main__":
    _page = Path(sys.argv[1])
    _page.write_text(rewritten(_page.read_text(encoding="utf-8"), table(run_options())), encoding="utf-8")
