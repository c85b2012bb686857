"""Tests of the metrics of devices: each number under its name, and nothing where devices are not counted."""

from agent.device_metrics import device_families
from agent.metrics import SnapshotCollector, exposition, new_registry
from agent.snapshot import Devices, DeviceScope, GateTotals, Snapshot

DEVICES = Devices(
    store_up=True,
    tap={DeviceScope("students", "", 4): 700, DeviceScope("students", "news", 4): 40},
    district={
        DeviceScope("students", "", 4): 4100,
        DeviceScope("students", "", 6): 3900,
        DeviceScope("students", "news", 4): 250,
    },
)


def lines(devices: Devices | None) -> set[str]:
    """The samples of an exposition, those about devices."""
    snapshot = Snapshot(0, GateTotals("process"), devices=devices)
    body, _ = exposition(new_registry(SnapshotCollector(lambda: snapshot)), openmetrics=True)
    return {line for line in body.decode().splitlines() if "device" in line and line[0] != "#" and "_over_" not in line}


def test_numbers() -> None:
    """Those of all categories and those of one have names of their own, so that no sum counts a device twice."""
    assert {
        "hallwatch_device_store_up 1.0",
        'hallwatch_tap_devices{family="ipv4",segment="students"} 700.0',
        'hallwatch_district_devices{family="ipv4",segment="students"} 4100.0',
        'hallwatch_district_devices{family="ipv6",segment="students"} 3900.0',
        'hallwatch_district_category_devices{category="news",family="ipv4",segment="students"} 250.0',
    } == lines(DEVICES)


def test_a_store_that_is_away() -> None:
    """A 0 says so, and no number of the district is told."""
    assert {"hallwatch_device_store_up 0.0"} == lines(Devices(store_up=False))


def test_not_counted() -> None:
    """Without the option there is no sample; the names are known all the same, for the documents."""
    assert set() == lines(None)
    assert 4 == len(list(device_families(None)))
