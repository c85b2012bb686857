"""The gate's C structures as Python reads them; a test holds every size and offset to gate_core.h."""

import struct
from typing import Final

import numpy as np

KEY: Final = np.dtype(
    [("address", "V16", 2), ("port", "<u2", 2), ("ethertype", "<u2"), ("protocol", "u1"), ("depth", "u1")]
)
"""struct gate_key"""

ROW: Final = np.dtype(
    [
        ("key", KEY),
        ("first_ns", "<u8"),
        ("last_ns", "<u8"),
        ("class_id", "<u4"),
        ("sealed", "<u4"),
        ("packets", "<u8", 2),
        ("bytes", "<u8", 2),
        ("payload_bytes", "<u8"),
        ("opened_bytes", "<u8"),
        ("flags", "<u2"),
        ("kind", "u1"),
        ("client", "u1"),
        ("datagrams", "u1"),
        ("reserved", "u1"),
        ("vlan", "<u2"),
        ("base", "<u4", 2),
        ("cursor", "<u4"),
        ("limit", "<u4"),
        ("window", "<u8"),
        ("outer", KEY),
        ("record", "<u8"),
    ]
)
"""struct gate_row"""

TOTALS: Final = np.dtype(
    [
        ("seen_packets", "<u8"),
        ("seen_bytes", "<u8"),
        ("untracked_packets", "<u8"),
        ("untracked_bytes", "<u8"),
        ("undecodable_packets", "<u8"),
        ("undecodable_bytes", "<u8"),
        ("opened_bytes", "<u8", 16),
        ("lost_slices", "<u8"),
        ("truncated_headers", "<u8"),
        ("new_flows", "<u8"),
    ]
)
"""struct gate_totals"""

SLICE: Final = struct.Struct("<QIIIIBBB5x")
"""struct gate_slice: time_ns, slot, offset, length, payload_bytes, direction, kind, flags; what is reserved is passed over"""

CONFIG: Final = struct.Struct("<QQQIIII")
"""struct gate_config: tcp_idle_ns, other_idle_ns, closed_idle_ns, max_flows, widen_bytes, queries, reserved"""

VERDICT: Final = struct.Struct("<II")
"""class_id and sealed, which user space stores into a row"""

CLASS_OFFSET: Final = 56
FLAGS_OFFSET: Final = 112
FLAGS: Final = struct.Struct("<H")

FLOW_FIN_BOTH: Final = 16 | 32
FLOW_RESET: Final = 64
FLOW_UNLINKED: Final = 512
FLOW_CLOSED: Final = 1
FLOW_LIVE: Final = 1024
FLOW_TAGGED: Final = 2048

SLICE_KIND_NAMES: Final = ("", "tls", "dtls", "quic", "dns", "dns_tcp", "http_method", "http_host", "banner")
"""enum slice_kind -> what was opened, as metrics name it"""
