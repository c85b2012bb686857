"""The options of `run` about distinct devices -> what counts them with the district's store, or nothing."""

import argparse
from pathlib import Path

from agent.cli.outcome import UsageError
from agent.devices.census import Census
from agent.log import EventLog
from agent.notice.files import check_told
from agent.sketches.exchange import Exchange
from agent.sketches.place import FORMS, Place, PlaceError, place_of
from agent.sketches.secret import SecretError, credential, read_secret

SECRET, PASSWORD = "devices-secret", "devices-password"


def add_devices_options(parser: argparse.ArgumentParser) -> None:
    """Give a command the options --devices.*, all of which are for counting devices across agents."""
    parser.add_argument(
        "--devices.redis",
        dest="devices_store",
        metavar="URL",
        type=_place,
        help=f"count distinct devices with the other agents in this Redis or Valkey: {FORMS} (default: do not)",
    )
    parser.add_argument(
        "--devices.secret-file",
        dest="devices_secret",
        metavar="FILE",
        type=Path,
        help=f"the secret that the district's agents share (default: the credential {SECRET})",
    )
    parser.add_argument(
        "--devices.password-file",
        dest="devices_password",
        metavar="FILE",
        type=Path,
        help=f"the store's password (default: the credential {PASSWORD}, or none)",
    )
    parser.add_argument(
        "--devices.ca-file",
        dest="devices_ca",
        metavar="FILE",
        type=Path,
        help="with rediss://: who signed the store's certificate (default: the system's authorities)",
    )


def exchange_of(arguments: argparse.Namespace, rules: Path) -> Exchange | None:
    """What the options ask for; None when devices are not to be counted.

    Raises:
        UsageError: a file that they need is missing or wrong.
        RulesError: premises.yaml cannot be used, or the notice would not tell of it.
    """
    place: Place | None = arguments.devices_store
    others = (arguments.devices_secret, arguments.devices_password, arguments.devices_ca)
    if place is None:
        if any(others):
            raise UsageError("--devices.*-file says how to count devices in a store: name it with --devices.redis")
        return None
    if arguments.devices_ca and not place.tls:
        raise UsageError(f"--devices.ca-file is for a store with TLS: rediss:// in place of {place}")
    check_told(rules)
    from agent.sketches.store import RedisStore  # redis is loaded for those who ask for it, and for nobody else

    try:
        secret = read_secret(_chosen(arguments.devices_secret, SECRET))
        password = _password(arguments.devices_password)
        store = RedisStore(place, password=password, ca_file=_readable(arguments.devices_ca))
    except SecretError as error:
        raise UsageError(str(error)) from error
    return Exchange(Census(secret), store, EventLog(), min_devices=arguments.min_devices)


def _chosen(path: Path | None, name: str) -> Path:
    found = path or credential(name)
    if found is None:
        raise UsageError(
            f"counting devices needs the district's secret: --devices.secret-file FILE, or LoadCredential={name}:FILE in "
            "the unit; openssl rand -hex 32 makes one"
        )
    return found


def _password(path: Path | None) -> str | None:
    found = path or credential(PASSWORD)
    try:
        return None if found is None else read_secret(found, least_bytes=1).decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"{found}: this is no text in UTF-8, as a password is") from error


def _readable(path: Path | None) -> Path | None:
    """Certificates that can be read, found out now and not at the first connection."""
    if path is not None:
        from ssl import SSLError, create_default_context

        try:
            create_default_context(cafile=path)
        except (OSError, SSLError) as error:
            raise UsageError(f"{path}: no certificates of authorities can be read from it ({error})") from error
    return path


def _place(text: str) -> Place:
    try:
        return place_of(text)
    except PlaceError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
