"""The shipped rules are found in a wheel and in a checkout, and an installation without them says so."""

from pathlib import Path

import pytest

from agent.rules_location import NoShippedRulesError, shipped_rules

ROOT = Path(__file__).parent.parent


def test_a_checkout_has_them_beside_the_package() -> None:
    """From this checkout, the rules are those beside agent/."""
    assert ROOT / "rules" == shipped_rules(ROOT / "agent")


def test_the_running_package_has_rules() -> None:
    """Wherever the package under test was installed, all four parts are there."""
    found = shipped_rules()

    assert all((found / name).exists() for name in ("catalogue", "segments.yaml", "schedules.yaml", "rules.yaml"))


def test_a_wheel_has_them_inside(tmp_path: Path) -> None:
    """In a wheel they are inside the package; a directory named rules beside it belongs to somebody else."""
    (tmp_path / "agent" / "_rules" / "catalogue").mkdir(parents=True)
    (tmp_path / "rules" / "catalogue").mkdir(parents=True)

    assert tmp_path / "agent" / "_rules" == shipped_rules(tmp_path / "agent")


def test_neither_is_an_error(tmp_path: Path) -> None:
    """The message names both places."""
    with pytest.raises(NoShippedRulesError) as caught:
        shipped_rules(tmp_path / "agent")

    assert str(tmp_path / "agent" / "_rules") in str(caught.value)
    assert str(tmp_path / "rules") in str(caught.value)
