"""What the superintendent wants to know of the day -> panels: what, how much, and what the policy says; no persons."""

from typing import Final

from deploy.grafana.panels import Panel
from deploy.grafana.queries import (
    AT,
    BYTES,
    DEVICES,
    DEVICES_BY_USE,
    OPENED,
    SPAN,
    UNOPENED,
    Query,
    carried,
    devices,
    ratio,
)

PANELS: Final = (
    Panel(
        "What this is",
        "What the district's network was used for, added up. **No page, message, address or person is known here:** payload "
        "stays closed, and only counts are kept. A flow is one connection, such as one of a page's.",
        "text",
        width=8,
        height=5,
    ),
    Panel(
        "Carried",
        "Everything that passed, both ways.",
        "stat",
        (Query(f"sum({carried('district')})"),),
        "decbytes",
        4,
        5,
    ),
    Panel(
        "Left unopened",
        "Of the content that passed, the share of which not one byte was opened. The rest is introductions: names of services.",
        "stat",
        (Query(ratio(UNOPENED, f"({OPENED} + {UNOPENED})")),),
        "percentunit",
        4,
        5,
        most=1,
    ),
    Panel(
        "Payload is kept closed in",
        "The kernel is the stronger promise: packets never enter the program.",
        "stat",
        (Query(f'clamp_max(count(hallwatch_gate_info{{{AT}, gate="process"}}) or vector(0), 1)'),),
        width=4,
        height=5,
        words=(("0", "the kernel", "green"), ("1", "the process", "orange")),
    ),
    Panel(
        "Named",
        "The share of flows whose service is known.",
        "stat",
        (
            Query(
                "1 - "
                + ratio(
                    f'sum(increase(hallwatch_flows_total{{{AT}, category="unclassified"}}{SPAN}))',
                    f"sum(increase(hallwatch_flows_total{{{AT}}}{SPAN}))",
                )
            ),
        ),
        "percentunit",
        4,
        5,
        most=1,
    ),
    Panel(
        "What the policy says of it",
        "Permitted; tolerated as incidental; prohibited; or for a person to review.",
        "bargauge",
        (Query(carried("verdict"), "{{verdict}}"),),
        "decbytes",
        8,
    ),
    Panel(
        "Kinds of use",
        "The twelve that carried most.",
        "bargauge",
        (Query(f"sort_desc(topk(12, {carried('category')}))", "{{category}}"),),
        "decbytes",
        16,
    ),
    Panel(
        "Over the day, by what the policy says",
        "Bits a second. Bells show as steps where a rule holds in school hours only.",
        "timeseries",
        (Query(f"8 * sum by (verdict) ({BYTES}{{{AT}}})", "{{verdict}}"),),
        "bps",
        stacked=True,
    ),
    Panel(
        "Over the day, by who",
        "Bits a second by segment: the parts of the network that staff, students and guests use.",
        "timeseries",
        (Query(f"8 * sum by (segment) ({BYTES}{{{AT}}})", "{{segment}}"),),
        "bps",
        stacked=True,
    ),
    Panel(
        "Devices today",
        "How many different devices were active, by segment: only where the district counts them together (docs/devices.md).",
        "bargauge",
        (Query(devices(DEVICES, "segment"), "{{segment}}"),),
    ),
    Panel(
        "Devices by kind of use",
        "How many different devices used it. A device may be in several, so they do not add up; few are not told.",
        "bargauge",
        (Query(f"sort_desc(topk(12, {devices(DEVICES_BY_USE, 'category')}))", "{{category}}"),),
    ),
    Panel(
        "Prohibited, and for review",
        "By segment and kind of use. A number here is about a network and is no evidence about anybody.",
        "table",
        (Query(carried("segment, category, verdict", 'verdict=~"prohibited|review"')),),
        "decbytes",
        value="Carried",
    ),
    Panel(
        "Services",
        "The twenty that carried most.",
        "table",
        (Query(f"topk(20, {carried('application, category, account')})"),),
        "decbytes",
        value="Carried",
    ),
)
