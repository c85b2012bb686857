"""hallwatch install: a machine, or a tree that will be one -> the service's files in their places, and what to do next."""

import argparse
import os
import re
import shlex
import sys
from pathlib import Path, PurePosixPath

from agent.cli.outcome import EXIT_CODES, Exit, FailedError, UsageError
from agent.cli.settings_page import run_options, settings_file
from agent.install.lay_down import Deed, LayDownError, Step, lay_down, plan
from agent.install.parts import PACKAGED_PROGRAM, RULES, SETTINGS, parts
from agent.policy.problems import did_you_mean
from agent.shipped import NotShippedError, shipped_deploy_files, shipped_rules

DESCRIPTION = """\
Lay down what a service needs: the unit, its user, its directories, /etc/default/hallwatch, /etc/hallwatch/hallwatch.yaml and
/etc/hallwatch/rules, a copy of the shipped rules that is yours to change. Nothing is started; what to do next is printed.

Run it again after an upgrade. What you have changed stays, and where the shipped file has changed too, the new one is
put beside yours as .new. Drop-ins (systemctl edit hallwatch) are never touched.

On Debian the package does all this by itself; there this command refuses.
"""
EPILOG = f"""\
examples:
  hallwatch install -i eth1 --district darien
  hallwatch install --dry-run                     what would be done
  hallwatch install --root /mnt/image             into a tree that is no running machine

{EXIT_CODES}"""

UNSEEN_BY_THE_UNIT = ("/home", "/root", "/run/user", "/tmp", "/var/tmp")  # noqa: S108 - refused, not used
"""ProtectHome= and PrivateTmp= of the unit: a program there could not be started."""


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "install",
        help="lay down unit, settings and rules for a service",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--root", metavar="DIR", type=Path, default=Path("/"), help="the machine's root (default: /)")
    parser.add_argument("--district", metavar="DISTRICT", help="a pack of the shipped rules, such as hamden")
    parser.add_argument(
        *("-i", "--interface"), action="append", metavar="NAME", type=_interface, help="to be watched; may be repeated"
    )
    parser.add_argument(
        "--prefix",
        metavar="DIR",
        type=_absolute,
        default=PurePosixPath("/usr/local"),
        help="above lib/systemd and the like (default: /usr/local; a package takes /usr)",
    )
    parser.add_argument(
        "--program",
        metavar="PATH",
        type=_absolute,
        help=f"what the unit starts (default: this program; with --root {PACKAGED_PROGRAM})",
    )
    parser.add_argument("--dry-run", action="store_true", help="only tell what would be done")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Lay it down, and tell what was done and what comes next."""
    root: Path = arguments.root
    if not root.is_dir():
        raise UsageError(f"--root {root} is no directory")
    if (root / "var/lib/dpkg/info/hallwatch.list").exists():
        raise UsageError(f"here hallwatch is a Debian package, which has laid all this down; edit {SETTINGS}")
    program = arguments.program or (_this_program() if root.resolve() == Path("/") else PACKAGED_PROGRAM)
    if any(program.is_relative_to(place) for place in UNSEEN_BY_THE_UNIT):
        raise UsageError(f"the service could not reach {program} (ProtectHome=, PrivateTmp=); install it below /opt")
    try:
        wanted = parts(
            deploy=shipped_deploy_files(),
            rules=shipped_rules(),
            settings=_settings(arguments, shipped_rules()),
            prefix=arguments.prefix,
            program=program,
        )
        steps = _unasked_left_alone(arguments, plan(wanted, root, arguments.prefix))
        if not arguments.dry_run:
            lay_down(steps, root, arguments.prefix)
    except (LayDownError, NotShippedError) as error:
        raise FailedError(str(error)) from error
    _tell(steps, dry_run=arguments.dry_run)
    if not arguments.dry_run:
        fresh = any(step.part.target == SETTINGS and step.deed is Deed.WRITE for step in steps)
        _tell_next(root, program, watching=bool(arguments.interface) or not fresh)
    return Exit.OK


def _settings(arguments: argparse.Namespace, rules: Path) -> str:
    values = {"rules": str(RULES)}
    if arguments.interface:
        values["interface"] = f"[{', '.join(arguments.interface)}]"
    if arguments.district is not None:
        packs = [path.stem for path in (rules / "districts").glob("*.yaml")]
        if arguments.district not in packs:
            raise UsageError(f"there is no district {arguments.district!r}; {did_you_mean(arguments.district, packs)}")
        values["district"] = arguments.district
    return settings_file(run_options(), values)


def _unasked_left_alone(arguments: argparse.Namespace, steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Settings that are there stay without a new file beside them, unless something was asked of them now."""
    if arguments.interface or arguments.district:
        return steps
    return tuple(
        Step(step.part, Deed.KEEP) if step.part.target == SETTINGS and step.deed is Deed.BESIDE else step
        for step in steps
    )


def _tell(steps: tuple[Step, ...], *, dry_run: bool) -> None:
    for deed in Deed:
        targets = [str(step.part.target) for step in steps if step.deed is deed]
        rules = [target for target in targets if target.startswith(f"{RULES}/")]
        if len(rules) > 1 and deed in {Deed.WRITE, Deed.SAME, Deed.REPLACE}:  # a line for each would hide the others
            targets = [target for target in targets if target not in rules]
            targets.append(f"{RULES}/ ({len(rules)} files)")
        for target in targets:
            print(f"  {target:<55} {deed.value}")
    if dry_run:
        print("This was --dry-run: nothing has been done.")


def _tell_next(root: Path, program: PurePosixPath, *, watching: bool) -> None:
    where = "" if root.resolve() == Path("/") else f", once {root} is a running machine"
    print(f"\nNext, as root{where}:")
    if not watching:
        print(f"  edit {SETTINGS}                 # at least: interface: NAME")
    print("  systemd-sysusers && systemd-tmpfiles --create")
    print(f"  {shlex.quote(str(program))} run --config.file {SETTINGS} --config.check")
    print("  systemctl daemon-reload && systemctl enable --now hallwatch")
    print("  curl -s http://127.0.0.1:10484/metrics | grep hallwatch_gate_seen_packets_total")


def _this_program() -> PurePosixPath:
    """The command beside the interpreter that runs this, as pip makes it.

    Raises:
        UsageError: There is none, as in a checkout that nobody installed.
    """
    path = Path(sys.executable).parent / "hallwatch"
    if not os.access(path, os.X_OK):
        raise UsageError(f"there is no {path} for the unit to start; install the package, or say --program PATH")
    return PurePosixPath(path)


def _absolute(text: str) -> PurePosixPath:
    """A path from the root, without a blank or a sign that a unit would read as something else."""
    if not re.fullmatch(r"(/[A-Za-z0-9._+-]+)+", text) or ".." in PurePosixPath(text).parts:
        raise argparse.ArgumentTypeError(f"{text!r} is no plain path from the root, such as /usr/local")
    return PurePosixPath(text)


def _interface(text: str) -> str:
    """A name that an interface can have; it need not be there yet. Linux: dev_valid_name(), 15 bytes."""
    if not re.fullmatch(r"[A-Za-z0-9._@-]{1,15}", text) or text in {".", ".."}:
        raise argparse.ArgumentTypeError(f"{text!r} is no name of an interface, such as eth1")
    return text
