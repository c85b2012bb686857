"""A district of two buildings, and the notice of it."""

from pathlib import Path

import pytest

from agent.notice.describe import describe
from agent.notice.notice import Notice
from agent.notice.premises import Premises
from agent.notice.premises_file import read_premises
from agent.policy.document import parse
from agent.policy.policy import Policy, load
from agent.policy.problems import Problems
from agent.shipped import shipped_rules

TWO_BUILDINGS = """\
district: Two Schools District
contact: the Superintendent
retention: {counts_days: 400, records_days: 90}
buildings:
  - {id: high, name: East High School, address: 1 East Street}
  - {id: middle, name: West Middle School}
taps:
  - {id: core, building: high, where: network room, interfaces: [eth1, eth2], segments: [staff, students]}
  - {id: west, building: middle, where: closet 2 B, interfaces: eth1, segments: [guests]}
notice: {where: [the main office, the web site]}
"""


@pytest.fixture(scope="session")
def policy() -> Policy:
    """The shipped rules."""
    return load(shipped_rules())


@pytest.fixture
def two_buildings() -> str:
    """A premises.yaml, to be changed."""
    return TWO_BUILDINGS


@pytest.fixture
def premises(two_buildings: str) -> Premises:
    """The two buildings, read."""
    problems = Problems()
    document = parse(two_buildings.encode(), "premises.yaml", problems)
    assert document is not None
    read = read_premises(document, {"staff", "students", "guests"}, problems)
    problems.raise_if_any()
    assert read is not None
    return read


@pytest.fixture
def notice(policy: Policy, premises: Premises) -> Notice:
    """The notice of the two buildings under the shipped rules."""
    return describe(policy, premises)


@pytest.fixture
def rules(tmp_path: Path, two_buildings: str) -> Path:
    """A directory with premises.yaml and nothing else."""
    (tmp_path / "premises.yaml").write_text(two_buildings)
    return tmp_path
