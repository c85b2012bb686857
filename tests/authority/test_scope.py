"""Which flows an authorisation covers."""

from ipaddress import ip_address

import pytest

from agent.authority.authorisation import Authorisation
from agent.authority.scope import Scopes
from tests.authority.examples import DAY, NOON, SECOND, authorisation, network

OURS, OTHER = ip_address("10.10.4.7").packed, ip_address("10.10.4.8").packed


def covering(
    *authorisations: Authorisation,
    client: bytes = OURS,
    segment: str = "staff",
    started: int = NOON + SECOND,
    now: int = NOON + 2 * SECOND,
) -> Authorisation | None:
    """The one that covers a flow."""
    return Scopes(authorisations).covering(client=client, segment=segment, started_ns=started, now_ns=now)


def test_none_covers_nothing() -> None:
    """Without authorisations nothing is covered, and that is quickly known."""
    assert covering() is None
    assert not Scopes(())
    assert Scopes([authorisation()])


def test_only_its_device() -> None:
    """The flows that its address opened are covered; another's are not, in whatever segment."""
    ours = authorisation()

    assert ours == covering(ours)
    assert covering(ours, client=OTHER) is None
    assert covering(ours, client=b"") is None
    assert covering(ours, client=b"\x00" * 12 + OURS) is None


def test_only_its_segment() -> None:
    """Any device of the segment, and no other segment."""
    staff = network("staff")

    assert staff == covering(staff, client=OTHER)
    assert covering(staff, segment="students") is None
    assert covering(staff, segment="") is None


@pytest.mark.parametrize(
    ("started", "now", "covered"),
    [
        (NOON, NOON, True),
        (NOON - 1, NOON + SECOND, False),
        (NOON - 2, NOON - 1, False),
        (NOON, NOON + DAY - 1, True),
        (NOON, NOON + DAY, False),
        (NOON + DAY, NOON + DAY + 1, False),
        (NOON + 2, NOON + 1, False),
    ],
)
def test_only_its_time(started: int, now: int, covered: bool) -> None:
    """The whole flow lies inside, to the nanosecond; what began before or ends after is not covered."""
    assert covered is (covering(authorisation(), started=started, now=now) is not None)


def test_another_goes_on_where_one_has_ended() -> None:
    """Of several for one device, the one whose time it is covers the flow."""
    first, second = authorisation(end=NOON + SECOND), authorisation(begin=NOON + SECOND)

    assert second == covering(first, second, started=NOON + SECOND)
    assert covering(first, second, started=NOON) is None


def test_the_one_that_tells_least_comes_first() -> None:
    """A device's goes before its segment's, and one without names before one with."""
    with_names, without = authorisation(names=True), authorisation()
    staff = network("staff")

    assert without == covering(staff, with_names, without)
    assert with_names == covering(staff, with_names)
