"""hallwatch authorise: a ground, specific information and a name -> a signed authorisation that ends by itself."""

import argparse
import sys
import time
from dataclasses import replace
from datetime import datetime
from ipaddress import IPv6Address, ip_address
from pathlib import Path

from agent.authority.authorisation import GROUND_TEXTS, MAX_DAYS, Address, Authorisation, Device, Ground, Network
from agent.authority.signature import KeyFileError, new_key
from agent.authority.statement import SECOND_NS, StatementError, identifier_for, lacking, time_text
from agent.authority.store import (
    MAX_FILE_BYTES,
    Store,
    read_public_key,
    read_store,
    revoke,
    write_authorisation,
    write_keys,
)
from agent.cli.outcome import EXIT_CODES, Exit, FailedError, UsageError
from agent.cli.rules import add_rules_option, load_rules
from agent.policy.policy import Policy

DESCRIPTION = f"""\
Permit, in writing, that records are kept about one device or one network, for at most {MAX_DAYS} days. Without an authorisation
there are no such records at all. A record holds time, segment, application, category, account, verdict and size of a
connection, never its contents; names of hosts only with --names.

The authorisation is a file in the directory that "hallwatch run" is given for authorisations, signed with a private key that
is best kept elsewhere. It begins and ends by itself. Which ground holds, and whether any does, counsel decides.
"""
EPILOG = f"""\
grounds:
{chr(10).join(f"  {ground.value:<8} {text}" for ground, text in GROUND_TEXTS.items())}

examples:
  hallwatch authorise --directory /etc/hallwatch/authorisations --new-key superintendent.key
  hallwatch authorise --directory /etc/hallwatch/authorisations --key superintendent.key --ground B \\
    --information "the vendor's report of student records offered for sale" --received 2026-11-20 \\
    --approved-by "J. Doe, Superintendent" --device 10.10.4.7 --to 2026-12-04T17:00
  hallwatch authorise --directory /etc/hallwatch/authorisations --list
  hallwatch authorise --directory /etc/hallwatch/authorisations --revoke 20261121-0123456789ab --approved-by "J. Doe"

{EXIT_CODES}"""


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "authorise",
        help="permit records about one device or network, for a time",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--directory", metavar="DIR", type=Path, required=True, help="directory of the authorisations")
    other = parser.add_mutually_exclusive_group()
    other.add_argument("--new-key", metavar="FILE", type=Path, help="make the keys: the private one in FILE")
    other.add_argument("--list", action="store_true", help="list what was authorised, and how it stands")
    other.add_argument("--show", metavar="ID", help="show one authorisation in full")
    other.add_argument("--revoke", metavar="ID", help="end one before its time; needs no key")
    parser.add_argument("--key", metavar="FILE", type=Path, help="the private key to sign with")
    parser.add_argument("--ground", choices=[ground.value for ground in Ground], help="the law's ground, see below")
    parser.add_argument("--information", metavar="TEXT", help="the specific information on which it rests")
    parser.add_argument("--received", metavar="DATE", help="the day on which that information was received")
    parser.add_argument("--approved-by", metavar="NAME", help="who approves, or revokes")
    scope = parser.add_mutually_exclusive_group()
    scope.add_argument("--device", metavar="ADDRESS", type=_address, help="the device that it is for")
    scope.add_argument("--segment", metavar="ID", help="the segment of segments.yaml that it is for")
    parser.add_argument("--from", dest="begin", metavar="TIME", type=_time, help="when it begins (default: now)")
    parser.add_argument("--to", dest="end", metavar="TIME", type=_time, help="when it ends")
    parser.add_argument("--names", action="store_true", help="names of hosts may be recorded too")
    add_rules_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked for with the authorisations of a directory."""
    try:
        if arguments.new_key is not None:
            return _new_key(arguments.directory, arguments.new_key)
        if arguments.list:
            return _list(_store(arguments.directory))
        if arguments.show is not None:
            return _show(_store(arguments.directory), arguments.show)
        if arguments.revoke is not None:
            return _revoke(arguments)
        return _write(arguments)
    except (KeyFileError, StatementError) as error:
        raise FailedError(str(error)) from error


def _new_key(directory: Path, private_file: Path) -> int:
    directory.mkdir(mode=0o750, exist_ok=True)
    try:
        write_keys(directory, private_file, *new_key())
    except FileExistsError as error:
        raise FailedError(f"{error.filename}: there is a key already; what it signed would hold no more") from error
    print(f"{private_file}: the private key. Keep it away from the machine that watches; whoever has it can authorise.")
    print(f"{directory}: the public key. From now on what the private one signs is in force here.")
    return Exit.OK


def _write(arguments: argparse.Namespace) -> int:
    needed = {
        "--key": arguments.key,
        "--ground": arguments.ground,
        "--information": arguments.information,
        "--received": arguments.received,
        "--approved-by": arguments.approved_by,
        "--device or --segment": arguments.device or arguments.segment,
        "--to": arguments.end,
    }
    missing = [name for name, value in needed.items() if not value]
    if missing:
        raise UsageError(f"an authorisation needs {', '.join(missing)}; nothing was written")
    policy = load_rules(arguments.rules)
    if arguments.segment is not None and arguments.segment not in policy.segments.by_identifier:
        known = ", ".join(policy.segments.by_identifier)
        raise UsageError(f"--segment: there is no segment {arguments.segment!r}; there are {known}")
    now_ns = time.time_ns() // SECOND_NS * SECOND_NS
    unnamed = Authorisation(
        identifier="",
        ground=Ground(arguments.ground),
        information=arguments.information.strip(),
        received_on=arguments.received,
        approved_by=arguments.approved_by.strip(),
        scope=Device(arguments.device) if arguments.device else Network(arguments.segment),
        written_ns=now_ns,
        from_ns=now_ns if arguments.begin is None else _nanoseconds(arguments.begin, policy),
        until_ns=_nanoseconds(arguments.end, policy),
        names=arguments.names,
    )
    reasons = [*lacking(unnamed), *(["it has ended already"] if unnamed.until_ns <= now_ns else [])]
    if reasons:
        raise UsageError(f"{'; '.join(reasons)}; nothing was written")
    authorisation = replace(unnamed, identifier=identifier_for(unnamed))
    with arguments.key.open("rb") as file:
        private_pem = file.read(MAX_FILE_BYTES)
    path = write_authorisation(arguments.directory, authorisation, private_pem)
    print(f"{path}: written and signed")
    _print(authorisation)
    return Exit.OK


def _store(directory: Path) -> Store:
    return read_store(directory, read_public_key(directory))


def _list(store: Store) -> int:
    from agent.cli.console import console_for, table

    lines = table("Authorisations", "id", "state", "ground", "scope", "from", "until", numbers_from=6)
    now_ns = time.time_ns()
    for one in store.authorisations:
        state = _state(one, store, now_ns)
        lines.add_row(
            one.identifier, state, one.ground.value, _scope(one), time_text(one.from_ns), time_text(one.until_ns)
        )
    console_for(sys.stdout).print(lines)
    for name, why in store.refused.items():
        print(f"hallwatch: {name} is refused: {why}", file=sys.stderr)
    return Exit.FAILED if store.refused else Exit.OK


def _show(store: Store, identifier: str) -> int:
    authorisation = _found(store, identifier)
    print(f"{'state:':<22}{_state(authorisation, store, time.time_ns())}")
    _print(authorisation)
    return Exit.OK


def _revoke(arguments: argparse.Namespace) -> int:
    if not arguments.approved_by:
        raise UsageError("who revokes it? Say so with --approved-by")
    _found(_store(arguments.directory), arguments.revoke)
    now = time_text(time.time_ns())
    try:
        path = revoke(arguments.directory, arguments.revoke, by=arguments.approved_by, at=now)
    except FileExistsError as error:
        raise FailedError(f"{arguments.revoke} was revoked before") from error
    print(f"{path}: revoked; a daemon honours it within a second")
    return Exit.OK


def _found(store: Store, identifier: str) -> Authorisation:
    for one in store.authorisations:
        if one.identifier == identifier:
            return one
    why = store.refused.get(f"{identifier}.json")
    raise FailedError(f"{identifier} is refused: {why}" if why else f"there is no authorisation {identifier!r} here")


def _state(authorisation: Authorisation, store: Store, now_ns: int) -> str:
    if authorisation.identifier in store.revoked:
        return "revoked"
    if now_ns < authorisation.from_ns:
        return "to come"
    return "in force" if now_ns < authorisation.until_ns else "ended"


def _scope(authorisation: Authorisation) -> str:
    scope = authorisation.scope
    return f"device {scope.address}" if isinstance(scope, Device) else f"segment {scope.segment}"


def _print(authorisation: Authorisation) -> None:
    for name, value in (
        ("id", authorisation.identifier),
        ("ground", f"{authorisation.ground.value}: {GROUND_TEXTS[authorisation.ground]}"),
        ("information", authorisation.information),
        ("received on", authorisation.received_on),
        ("approved by", authorisation.approved_by),
        ("scope", _scope(authorisation)),
        ("written", time_text(authorisation.written_ns)),
        ("from", time_text(authorisation.from_ns)),
        ("until", time_text(authorisation.until_ns)),
        ("names of hosts", "may be recorded" if authorisation.names else "are not recorded"),
    ):
        print(f"{name + ':':<22}{value}")


def _address(text: str) -> Address:
    try:
        address = ip_address(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not an address such as 10.10.4.7 or 2001:db8::7") from None
    # An IPv4 address in an IPv6 one (RFC 4291 section 2.5.5.2) is never on the wire: no flow would be this device's.
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time such as 2026-11-23T10:15") from None


def _nanoseconds(time_of_day: datetime, policy: Policy) -> int:
    """By the clock of the rules' time zone, unless it names an offset; in whole seconds."""
    zone = policy.schedules.calendar.zone
    local = time_of_day if time_of_day.tzinfo is not None else time_of_day.replace(tzinfo=zone)
    return int(local.timestamp()) * SECOND_NS
