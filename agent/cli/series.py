"""What a policy admits -> how many series each metric of an agent can have at the most."""

from collections.abc import Mapping
from typing import Final

from agent.authority.recorder import LIMITS as RECORD_LIMITS
from agent.capture.tap import WAITING_SLICES
from agent.flow import Account
from agent.metrics import HANDSHAKE_PROTOCOLS, HANDSHAKE_RESULTS, OPENED
from agent.pipeline import LIMITS
from agent.policy.bounds import WorstCase
from agent.snapshot import MINUTE_BOUNDS
from agent.web.guard import REASONS
from agent.web.listener import LIMIT_NAMES as WEB_LIMITS
from agent.wire.banner import PROTOCOLS

FAMILIES: Final = 2
"""ipv4, ipv6"""
OUTCOMES: Final = 3
"""settled, untracked, undecodable"""
PROCESS: Final = 6
"""Metrics of prometheus-client's ProcessCollector."""
SINGLE: Final = (
    *("build_info", "notice_current", "catalogue_age_seconds", "snapshot_timestamp_seconds", "suppressed_cells"),
    *("config_last_reload_successful", "config_last_reload_success_timestamp_seconds"),
    *("gate_info", "gate_seen_packets_total", "capture_dropped_packets_total", "defects_total"),
    *("gate_unsettled_packets", "gate_unaccounted_packets", "gate_unaccounted_bytes"),
    *("gate_active_flows", "gate_max_flows", "device_store_up"),
    *("web_config_last_reload_successful", "web_config_last_reload_success_timestamp_seconds"),
    "web_certificate_expiry_timestamp_seconds",
)
"""Metrics without a label, or with one value of it."""


def most_series(worst: WorstCase) -> Mapping[str, int]:
    """Metric -> series. It holds for one policy: counters outlive a reload, so those of the rules before come on top."""
    traffic = ("received_bytes", "sent_bytes", "received_packets", "sent_packets")
    # Of what is no introduction with an outcome of its own, only "read" is ever told.
    banners = len(PROTOCOLS - set(HANDSHAKE_PROTOCOLS))
    most = {
        "flows_total": worst.flows,
        **dict.fromkeys((f"{name}_total" for name in traffic), worst.traffic),
        "unopened_payload_bytes_total": len(Account),
        "opened_payload_bytes_total": len(OPENED),
        "policy_matches_total": worst.matches,
        "policy_rule_info": worst.rules,
        "active_flows": worst.categories,
        "over_allowance_devices": worst.cells,
        "incidental_use_seconds_bucket": worst.cells * len(MINUTE_BOUNDS),
        "tap_devices": worst.segments * FAMILIES,
        "district_devices": worst.segments * FAMILIES,
        "district_category_devices": worst.segments * worst.categories * FAMILIES,
        "gate_packets_total": OUTCOMES,
        "handshakes_total": len(HANDSHAKE_PROTOCOLS) * len(HANDSHAKE_RESULTS) + banners,
        "limit_reached_total": len({*LIMITS, WAITING_SLICES, *RECORD_LIMITS, *WEB_LIMITS}),
        "web_refused_total": len(REASONS),
        **dict.fromkeys(SINGLE, 1),
    }
    return {f"hallwatch_{name}": count for name, count in most.items()} | {"process_*": PROCESS}
