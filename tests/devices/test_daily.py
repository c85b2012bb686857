"""Tests of the day's key and of hashes under it: the same for all agents of a district, and of use to nobody else."""

from agent.devices.daily import HASH_BYTES, day_key, hash_of, mark_of
from agent.snapshot import DeviceScope
from tests.devices.tapped_devices import ALL, NAMED, SECRET, device

DAY = "2026-11-22"


def test_agents_of_two_versions_agree() -> None:
    """These values are part of what agents agree on: another version that made others would count devices twice."""
    key = day_key(SECRET, DAY)

    assert "d11f78a1087748480fe6d5e21ec15ff70a5680d2d12e716174163b128d8ae497" == key.hex()
    assert "98b985f096170249" == hash_of(key, NAMED, device(1)).hex()
    assert "e072a54d" == mark_of(SECRET)


def test_everything_makes_another_hash() -> None:
    """Secret, day, segment, category and address each change it; so hashes of two counts or days cannot be joined."""
    key = day_key(SECRET, DAY)
    others = {
        hash_of(key, NAMED, device(1)),
        hash_of(day_key(SECRET + b"!", DAY), NAMED, device(1)),
        hash_of(day_key(SECRET, "2026-11-23"), NAMED, device(1)),
        hash_of(key, NAMED._replace(segment="vlan 11"), device(1)),
        hash_of(key, ALL, device(1)),
        hash_of(key, NAMED, device(2)),
        hash_of(key, DeviceScope("vlan 10n", "amed", 4), device(1)),
    }

    assert 7 == len(others)
    assert {HASH_BYTES} == {len(one) for one in others}


def test_the_mark_does_not_show_the_secret() -> None:
    """It tells secrets apart, and is no part of one or of a day's key."""
    assert mark_of(SECRET) != mark_of(SECRET + b"\n")
    assert 8 == len(mark_of(SECRET))
    assert mark_of(SECRET) not in SECRET.hex() + day_key(SECRET, DAY).hex()
