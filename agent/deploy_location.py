"""Where this program was installed -> the directory of what is shipped to deploy it (units, dashboards, alerts)."""

from pathlib import Path

_package = Path(__file__).resolve().parent


class NoDeployFilesError(Exception):
    """The installation is incomplete: neither a checkout's deploy files nor a wheel's are there."""


def deploy_files(package: Path = _package) -> Path:
    """The files to deploy: in a wheel inside the package (agent/_deploy), in a checkout beside it (deploy).

    Args:
        package: The directory of the package `agent`.

    Raises:
        NoDeployFilesError: Neither is there.
    """
    for directory in (package / "_deploy", package.parent / "deploy"):
        if (directory / "systemd").is_dir():
            return directory
    raise NoDeployFilesError(
        f"nothing to deploy in {package / '_deploy'} nor in {package.parent / 'deploy'}; install the package again"
    )
