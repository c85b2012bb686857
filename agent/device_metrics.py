"""Distinct devices of today -> Prometheus metric families; without samples where devices are not counted."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric

from agent.snapshot import Devices

DEVICE_LABELS = ("segment", "family")
CATEGORY_LABELS = ("segment", "category", "family")


def device_families(devices: Devices | None) -> Iterator[Metric]:
    """What is told of devices. Every agent tells the district's numbers: take the largest over agents, never the sum."""
    up = GaugeMetricFamily(
        "hallwatch_device_store_up",
        "Whether the store in which the district's agents count distinct devices answered last time.",
    )
    tap = GaugeMetricFamily(
        "hallwatch_tap_devices",
        "Distinct devices that this agent has seen active today since it was started; absent when they are few.",
        labels=DEVICE_LABELS,
    )
    district = GaugeMetricFamily(
        "hallwatch_district_devices",
        "Distinct devices active today as all agents of the district have seen them, estimated; absent when they are few.",
        labels=DEVICE_LABELS,
    )
    by_category = GaugeMetricFamily(
        "hallwatch_district_category_devices",
        "Distinct devices that used a category today as all agents of the district have seen them, estimated.",
        labels=CATEGORY_LABELS,
    )
    if devices is not None:
        up.add_metric((), float(devices.store_up))
        for scope, count in devices.tap.items():
            if not scope.category:
                tap.add_metric((scope.segment, f"ipv{scope.ip_version}"), count)
        for scope, count in devices.district.items():
            if scope.category:
                by_category.add_metric((scope.segment, scope.category, f"ipv{scope.ip_version}"), count)
            else:
                district.add_metric((scope.segment, f"ipv{scope.ip_version}"), count)
    yield from (up, tap, district, by_category)
