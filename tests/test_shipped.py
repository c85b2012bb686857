"""What is shipped is found in a wheel and in a checkout, and an installation without it says so."""

from collections.abc import Callable
from pathlib import Path

import pytest

from agent.shipped import NotShippedError, shipped_deploy_files, shipped_rules

ROOT = Path(__file__).parent.parent

EACH = pytest.mark.parametrize(
    ("find", "name", "part"), [(shipped_rules, "rules", "catalogue"), (shipped_deploy_files, "deploy", "systemd")]
)
Find = Callable[[Path], Path]


@EACH
def test_a_checkout_has_them_beside_the_package(find: Find, name: str, part: str) -> None:
    """From this checkout, they are those beside agent/."""
    assert ROOT / name == find(ROOT / "agent")
    assert (ROOT / name / part).is_dir()


def test_the_running_package_has_rules() -> None:
    """Wherever the package under test was installed, all four parts are there."""
    found = shipped_rules()

    assert all((found / name).exists() for name in ("catalogue", "segments.yaml", "schedules.yaml", "rules.yaml"))


@EACH
def test_a_wheel_has_them_inside(find: Find, name: str, part: str, tmp_path: Path) -> None:
    """In a wheel they are inside the package; a directory of that name beside it belongs to somebody else."""
    (tmp_path / "agent" / f"_{name}" / part).mkdir(parents=True)
    (tmp_path / name / part).mkdir(parents=True)

    assert tmp_path / "agent" / f"_{name}" == find(tmp_path / "agent")


@EACH
def test_neither_is_an_error(find: Find, name: str, part: str, tmp_path: Path) -> None:
    """The message names both places, also when they are there without what belongs in them."""
    (tmp_path / name).mkdir()
    assert not (tmp_path / name / part).exists()
    with pytest.raises(NotShippedError) as caught:
        find(tmp_path / "agent")

    assert str(tmp_path / "agent" / f"_{name}") in str(caught.value)
    assert str(tmp_path / name) in str(caught.value)
