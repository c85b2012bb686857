"""Where this program was installed -> the directories of what is shipped with it: rules, and what deploys it."""

from pathlib import Path

_package = Path(__file__).resolve().parent


class NotShippedError(Exception):
    """The installation is incomplete: neither a checkout's directory nor a wheel's is there."""


def shipped_rules(package: Path = _package) -> Path:
    """The shipped rules: in a wheel inside the package (agent/_rules), in a checkout beside it (rules).

    Args:
        package: The directory of the package `agent`.

    Raises:
        NotShippedError: Neither is there.
    """
    return _shipped(package, "rules", "catalogue")


def shipped_deploy_files(package: Path = _package) -> Path:
    """What deploys it (units, dashboards, alerts): in a wheel inside the package (agent/_deploy), in a checkout beside it.

    Args:
        package: The directory of the package `agent`.

    Raises:
        NotShippedError: Neither is there.
    """
    return _shipped(package, "deploy", "systemd")


def _shipped(package: Path, name: str, part: str) -> Path:
    # A checkout has nothing in the package: the build puts it into the wheel only, where nothing else can shadow it.
    for directory in (package / f"_{name}", package.parent / name):
        if (directory / part).is_dir():
            return directory
    raise NotShippedError(
        f"no {name} in {package / f'_{name}'} nor in {package.parent / name}; install the package again"
    )
