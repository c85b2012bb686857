"""Tests of the census, through the gate and the pipeline: who counts as a device, once a day, and what is kept of it."""

import numpy as np
import pytest

from agent.devices.census import Census
from agent.snapshot import DeviceScope
from tests.allowance.school import connection
from tests.allowance.test_promise import given_away, reached
from tests.devices.tapped_devices import ALL, DAY_NS, NAMED, SECRET, SEGMENT, CountedTap, device
from tests.tapped import SECOND_NS, START_NS

V6 = bytes.fromhex("fd48575700000000000000000a1407ee")


def test_a_device_counts_once() -> None:
    """Three devices with two connections each are three, in all and of the category that they used."""
    tap = CountedTap()
    for port in (50_000, 50_001):
        tap.use(device(1), device(2), device(3), port=port)

    assert {ALL: 3, NAMED: 3} == tap.census.devices()
    assert [3, 3] == [len(hashes) for hashes in tap.handed_on().values()]
    assert {} == tap.handed_on()


def test_two_categories() -> None:
    """A device that used two categories is one of each, and one in all."""
    tap = CountedTap()
    tap.use(device(1))
    tap.play(connection(device(1), [tap.now_ns + SECOND_NS], vlan=10, port=50_001)[:4])  # says nothing of itself
    tap.play(connection(device(2), [tap.now_ns + SECOND_NS], vlan=10))
    tap.tick()
    tap.finish()

    assert {ALL: 2, NAMED: 2} == {key: n for key, n in tap.census.devices().items() if key.category != "unclassified"}
    assert 1 == tap.census.devices()[ALL._replace(category="unclassified")]


def test_ip_versions_are_counted_apart() -> None:
    """Whether two addresses of different versions are one device, nobody can tell; so neither is added to the other."""
    tap = CountedTap()
    tap.use(device(1), V6)

    assert {(4, 1), (6, 1)} == {(scope.ip_version, count) for scope, count in tap.census.devices().items()}


def test_only_devices_inside() -> None:
    """Not who is in no segment, nor who connects from elsewhere into one."""
    tap = CountedTap()
    tap.use(device(1), vlan=None)
    tap.use(b"\xcb\x00\x71\x07")

    assert {} == tap.census.devices()


def test_two_segments() -> None:
    """One address in two VLANs is two devices, as for allowances."""
    tap = CountedTap()
    tap.use(device(1), vlan=10)
    tap.use(device(1), vlan=11, port=50_001)

    assert {"vlan 10": 1, "vlan 11": 1} == {
        scope.segment: count for scope, count in tap.census.devices().items() if not scope.category
    }


def test_a_row_that_is_used_again() -> None:
    """When a flow has ended, its row's next flow is looked at like any other."""
    tap = CountedTap()
    tap.use(device(1))
    tap.tick_at(tap.now_ns + 400 * SECOND_NS)
    assert [] == tap.live()
    tap.use(device(2), time_ns=tap.now_ns + SECOND_NS)

    assert [0] == tap.live()
    assert 2 == tap.census.devices()[ALL]


def test_midnight() -> None:
    """Everything begins anew; a flow that goes on is of the new day, one that has fallen silent is not."""
    tap = CountedTap()
    midnight_ns = (START_NS // DAY_NS + 1) * DAY_NS
    before_ns, after_ns = midnight_ns - 20 * SECOND_NS, midnight_ns + 20 * SECOND_NS
    goes_on = connection(device(1), [before_ns, after_ns], vlan=10)
    tap.play([*goes_on[:-1], *connection(device(2), [before_ns], vlan=10)])
    tap.tick_at(midnight_ns - 1)
    yesterday, hashes = tap.census.today, tap.handed_on()
    assert 2 == tap.census.devices()[ALL]
    tap.tick_at(midnight_ns)
    assert {} == tap.census.devices()
    tap.feed(goes_on[-1:])
    tap.tick_at(after_ns)

    assert {ALL: 1, NAMED: 1} == tap.census.devices()
    assert (yesterday.end_ns, "2026-11-24") == (tap.census.today.start_ns, tap.census.today.name)
    assert set() == hashes[ALL] & tap.handed_on()[ALL]


def test_nothing_is_left_of_yesterday() -> None:
    """After midnight neither the day's key nor a hash of that day is in memory, handed on or not."""
    tap = CountedTap()
    tap.use(device(1))
    secrets = {tap.census._key, *(one for known in tap.census._known.values() for one in known)}
    assert secrets == secrets & _bytes_in(tap.census)
    tap.tick_at(tap.now_ns + DAY_NS)

    assert 3 == len(secrets)
    assert set() == secrets & _bytes_in(tap.census)


def _bytes_in(census: Census) -> set[bytes]:
    return {one for one in reached(census) if isinstance(one, bytes)}


def test_memory_holds_no_address() -> None:
    """While flows live, no device is to be found in what counts devices; of the flow's row a bit is kept."""
    tap = CountedTap()
    tap.use(device(777), V6)
    assert 2 == len(tap.live())

    for address in (device(777), V6):
        assert [] == given_away(tap.census, address)
    assert np.bool_ == tap.census._is_counted.dtype


def test_a_limit() -> None:
    """When there is no room, devices are left out and counted as left out; those known stay known."""
    tap = CountedTap(max_hashes=4)
    for number in range(10):
        snapshot = tap.use(device(number), port=50_000 + number)
    snapshot = tap.use(device(0), port=51_000)

    assert {ALL: 2, NAMED: 2} == tap.census.devices()
    assert 16 == snapshot.limits["device_hashes"]
    assert 4 == sum(map(len, tap.handed_on().values()))


@pytest.mark.parametrize("most", [1, 3, 7, 1000])
def test_batches(most: int) -> None:
    """None is larger than asked for, each hash is handed on once, in an order that tells nothing; and again if wanted."""
    tap = CountedTap()
    tap.use(*map(device, range(5)))
    for _ in range(2):
        batches = []
        while batch := tap.census.next_batch(most):
            batches.append(batch)
        lines = [(scope, one) for batch in batches for scope, some in batch.hashes.items() for one in some]

        assert 10 == len(lines) == len(set(lines))
        assert most >= max(sum(map(len, batch.hashes.values())) for batch in batches)
        assert [] == [some for batch in batches for some in batch.hashes.values() if some != sorted(some)]
        assert {"2026-11-23"} == {batch.day.name for batch in batches}
        assert tap.census.next_batch(most) is None
        tap.census.hand_on_again()


def test_two_agents_make_the_same_hashes() -> None:
    """With the same secret they do, and with another secret they have none in common, nor the name of a sketch."""
    one, other, stranger = CountedTap(), CountedTap(), CountedTap(SECRET + b"!")
    for tap in (one, other, stranger):
        tap.use(*map(device, range(20)))
    hashes = one.handed_on()

    assert hashes == other.handed_on()
    assert set() == hashes[DeviceScope(SEGMENT, "", 4)] & stranger.handed_on()[DeviceScope(SEGMENT, "", 4)]
    assert one.census.mark == other.census.mark != stranger.census.mark
