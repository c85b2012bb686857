"""What is shipped to deploy is found in a wheel and in a checkout, and an installation without it says so."""

from pathlib import Path

import pytest

from agent.deploy_location import NoDeployFilesError, deploy_files

ROOT = Path(__file__).parent.parent


def test_a_checkout_has_them_beside_the_package() -> None:
    """From this checkout, they are those beside agent/."""
    assert ROOT / "deploy" == deploy_files(ROOT / "agent")


def test_a_wheel_has_them_inside(tmp_path: Path) -> None:
    """In a wheel they are inside the package; a directory named deploy beside it belongs to somebody else."""
    (tmp_path / "agent" / "_deploy" / "systemd").mkdir(parents=True)
    (tmp_path / "deploy" / "systemd").mkdir(parents=True)

    assert tmp_path / "agent" / "_deploy" == deploy_files(tmp_path / "agent")


def test_neither_is_an_error(tmp_path: Path) -> None:
    """The message names both places."""
    with pytest.raises(NoDeployFilesError) as caught:
        deploy_files(tmp_path / "agent")

    assert str(tmp_path / "agent" / "_deploy") in str(caught.value)
    assert str(tmp_path / "deploy") in str(caught.value)
