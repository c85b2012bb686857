"""A directory of authorisations to work with."""

from pathlib import Path

import pytest

from tests.authority.examples import Office


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """An empty directory of authorisations, with its keys."""
    return Office(tmp_path / "authorisations")
