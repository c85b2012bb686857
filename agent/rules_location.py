"""Where this program was installed -> the directory of the rules shipped with it."""

from pathlib import Path

_package = Path(__file__).resolve().parent


class NoShippedRulesError(Exception):
    """The installation is incomplete: neither a checkout's rules nor a wheel's are there."""


def shipped_rules(package: Path = _package) -> Path:
    """The shipped rules: in a wheel inside the package (agent/_rules), in a checkout beside it (rules).

    Args:
        package: The directory of the package `agent`.

    Raises:
        NoShippedRulesError: Neither is there.
    """
    # A checkout never has agent/_rules: the build puts it into the wheel only, where nothing else can shadow it.
    for directory in (package / "_rules", package.parent / "rules"):
        if (directory / "catalogue").is_dir():
            return directory
    raise NoShippedRulesError(
        f"no rules in {package / '_rules'} nor in {package.parent / 'rules'}; install the package again"
    )
