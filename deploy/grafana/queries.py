"""What is asked of Prometheus -> PromQL, with the variables of the dashboards in it."""

from dataclasses import dataclass
from typing import Final

AT: Final = 'district=~"$district", site=~"$site"'
AGENT: Final = f'{AT}, instance=~"$instance"'
SPAN: Final = "[$__range]"
"""The time that the dashboard shows."""
WINDOW: Final = "[$__rate_interval]"

BYTES: Final = "district_site_segment_category_verdict:hallwatch_bytes:rate5m"
MATCHES: Final = "district_site_rule_clause_verdict:hallwatch_policy_matches:rate5m"
DEVICES: Final = "district_segment_family:hallwatch_district_devices:max"
DEVICES_BY_USE: Final = "district_segment_category_family:hallwatch_district_category_devices:max"
OVER: Final = "district_site_segment_category:hallwatch_over_allowance_devices:sum"


def carried(by: str, only: str = "") -> str:
    """Bytes of the time shown, both ways, by labels; of series that have labels."""
    labels = f"{AT}, {only}" if only else AT
    parts = (f"increase(hallwatch_{way}_bytes_total{{{labels}}}{SPAN})" for way in ("received", "sent"))
    return " + ".join(f"sum by ({by}) ({part})" for part in parts)


def devices(recorded: str, by: str) -> str:
    """Distinct devices of the day. Those with IPv4 only: a device has several addresses of IPv6, and both may not be added."""
    return f'sum by ({by}) ({recorded}{{district=~"$district", family="ipv4"}})'


def rate(metric: str, by: str, only: str = AGENT) -> str:
    """Growth a second, by labels."""
    return f"sum by ({by}) (rate({metric}{{{only}}}{WINDOW}))"


def ratio(part: str, whole: str) -> str:
    """A share; where there is no whole, none."""
    return f"({part}) / ({whole} > 0)"


OPENED: Final = f"sum(increase(hallwatch_opened_payload_bytes_total{{{AT}}}{SPAN}))"
UNOPENED: Final = f"sum(increase(hallwatch_unopened_payload_bytes_total{{{AT}}}{SPAN}))"


@dataclass(frozen=True, slots=True)
class Query:
    """PromQL, and what its series are called: text with {{label}}."""

    expr: str
    legend: str = ""
