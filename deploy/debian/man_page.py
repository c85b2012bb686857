"""What `hallwatch --help` and the help of each command say -> the manual page hallwatch(8), in man(7)."""

import io
from collections.abc import Iterator
from contextlib import redirect_stdout

from agent.cli.main import COMMANDS, main

FILES = (
    ("/etc/hallwatch/hallwatch.yaml", "Settings of the service."),
    ("/etc/hallwatch/rules/", "What the policy says; hallwatch check tells whether it is in order."),
    ("/etc/default/hallwatch", "The words that the unit puts behind hallwatch run."),
    ("/var/lib/hallwatch/", "What outlives a restart; nothing in it names a device."),
)


def help_of(*words: str) -> str:
    """What a command's --help prints."""
    said = io.StringIO()
    with redirect_stdout(said):
        main([*words, "--help"])
    return said.getvalue()


def man_page(version: str, date: str) -> str:
    """The page, for a version and the day it was made."""
    return "\n".join(_lines(version, date)) + "\n"


def _lines(version: str, date: str) -> Iterator[str]:
    yield f'.TH HALLWATCH 8 "{date}" "hallwatch {version}" "System Manager\'s Manual"'
    yield from (".SH NAME", r"hallwatch \- counts what a school network is used for, and leaves payloads unopened")
    yield from (".SH SYNOPSIS", r".B hallwatch", ".I command", r"[options]")
    yield from (".SH DESCRIPTION", *_as_it_is(help_of()))
    yield ".SH COMMANDS"
    for command in COMMANDS:
        yield from (f".SS hallwatch {command}", *_as_it_is(help_of(command)))
    yield ".SH FILES"
    for path, what in FILES:
        yield from (".TP", f".I {path}", what)
    yield from (".SH SEE ALSO", "Everything else is in", ".IR /usr/share/doc/hallwatch/ .")


def _as_it_is(text: str) -> Iterator[str]:
    yield ".nf"
    for line in text.rstrip("\n").splitlines():
        escaped = line.replace("\\", "\\e").replace("-", "\\-")
        yield f"\\&{escaped}" if escaped[:1] in {".", "'"} else escaped
    yield ".fi"
