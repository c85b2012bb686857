"""The services of a school day: addresses of nobody, and the words of the shipped catalogue."""

import ipaddress
from pathlib import Path

import pytest

from agent.lab.services import ECH_PUBLIC_NAME, SERVER_V4, SERVER_V6, SERVICES, Service
from agent.policy.catalogue import Catalogue
from agent.policy.catalogue_file import read_catalogue
from agent.policy.problems import Problems
from agent.policy.rule_files import read_rule_files

RULES = Path(__file__).parent.parent.parent / "rules"


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    """The catalogue as it is shipped."""
    problems = Problems()
    return read_catalogue([node for node in read_rule_files(RULES, problems).catalogue if node is not None], problems)


def test_no_two_services_share_a_name_or_an_address() -> None:
    """Each host can be told by its address alone, in either family."""
    assert len(SERVICES) == len({service.hostname for service in SERVICES})
    v4 = {ipaddress.IPv4Address(service.addresses[0]) for service in SERVICES}
    v6 = {ipaddress.IPv6Address(service.addresses[1]) for service in SERVICES}
    assert [len(SERVICES)] * 2 == [len(v4), len(v6)]
    assert all(address in SERVER_V4 for address in v4)
    assert all(address in SERVER_V6 for address in v6)


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.hostname)
def test_truth_speaks_as_the_catalogue_does(service: Service, catalogue: Catalogue) -> None:
    """Application and category are those that the shipped catalogue gives for the name."""
    found = catalogue.lookup(service.hostname)
    words = (found.application.identifier, found.application.category) if found else ("unknown", "unclassified")
    assert words == (service.application, service.category)


def test_the_outer_name_is_known_as_one(catalogue: Catalogue) -> None:
    """The public name that hides services is in the catalogue as a public name."""
    assert catalogue.lookup_public_name(ECH_PUBLIC_NAME) is not None
