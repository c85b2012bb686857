"""What the sysadmin wants to know of the tap -> panels: rates, drops, gate, evidence, tables, introductions."""

from typing import Final

from deploy.grafana.panels import Panel
from deploy.grafana.queries import AGENT, SPAN, Query, rate, ratio

PANELS: Final = (
    Panel(
        "Agents",
        "That Prometheus can scrape.",
        "stat",
        (Query(f'sum(up{{job="hallwatch", {AGENT}}})'),),
        width=4,
        height=5,
    ),
    Panel(
        "Alerts",
        "That fire now. docs/runbook.md says what to do.",
        "stat",
        (Query('count(ALERTS{alertname=~"Hallwatch.*", alertstate="firing"}) or vector(0)'),),
        width=4,
        height=5,
    ),
    Panel(
        "Gate",
        "Where payload is kept closed.",
        "stat",
        (Query(f"max by (instance, gate) (hallwatch_gate_info{{{AGENT}}})", "{{instance}}: {{gate}}"),),
        width=6,
        height=5,
        words=(("1", "yes", "text"),),
    ),
    Panel(
        "Frames that no account explains",
        "Anything but 0 is a defect.",
        "stat",
        (Query(f"sum(abs(hallwatch_gate_unaccounted_packets{{{AGENT}}}))"),),
        width=5,
        height=5,
    ),
    Panel(
        "Counts are old by",
        "Since the newest snapshot. More than a few seconds: the agent is behind.",
        "stat",
        (Query(f"max(time() - hallwatch_snapshot_timestamp_seconds{{{AGENT}}})"),),
        "s",
        5,
        5,
    ),
    Panel(
        "Frames",
        "Seen a second.",
        "timeseries",
        (Query(rate("hallwatch_gate_seen_packets_total", "instance"), "{{instance}}"),),
        "pps",
    ),
    Panel(
        "Bits",
        "A second, of frames, as clients see them.",
        "timeseries",
        (
            Query(f"8 * {rate('hallwatch_received_bytes_total', 'instance')}", "{{instance}} received"),
            Query(f"8 * {rate('hallwatch_sent_bytes_total', 'instance')}", "{{instance}} sent"),
        ),
        "bps",
    ),
    Panel(
        "Lost before the gate",
        "The share of frames that card or ring had no room for.",
        "timeseries",
        (
            Query(
                ratio(
                    rate("hallwatch_capture_dropped_packets_total", "instance"),
                    f"({rate('hallwatch_capture_dropped_packets_total', 'instance')}"
                    f" + {rate('hallwatch_gate_seen_packets_total', 'instance')})",
                ),
                "{{instance}}",
            ),
        ),
        "percentunit",
    ),
    Panel(
        "Frames in no category",
        "A second: no row was free, or nothing could be made of them.",
        "timeseries",
        (
            Query(
                rate("hallwatch_gate_packets_total", "instance, outcome", f'{AGENT}, outcome!="settled"'),
                "{{instance}} {{outcome}}",
            ),
        ),
        "pps",
    ),
    Panel(
        "Flow table",
        "The share of its rows that is in use.",
        "timeseries",
        (Query(f"hallwatch_gate_active_flows{{{AGENT}}} / hallwatch_gate_max_flows{{{AGENT}}}", "{{instance}}"),),
        "percentunit",
        most=1,
    ),
    Panel(
        "Live flows",
        "By kind of use.",
        "timeseries",
        (Query(f"sum by (category) (hallwatch_active_flows{{{AGENT}}})", "{{category}}"),),
        stacked=True,
    ),
    Panel(
        "Evidence",
        "What new flows were named by, a second; best first: sni, quic, host, dns, ech, address, protocol, none.",
        "timeseries",
        (Query(rate("hallwatch_flows_total", "evidence"), "{{evidence}}"),),
        "cps",
        stacked=True,
    ),
    Panel(
        "Introductions",
        "Read a second, by protocol.",
        "timeseries",
        (Query(rate("hallwatch_handshakes_total", "protocol", f'{AGENT}, result="read"'), "{{protocol}}"),),
        "cps",
    ),
    Panel(
        "Introductions that could not be read",
        "A second, by protocol and reason.",
        "timeseries",
        (
            Query(
                rate("hallwatch_handshakes_total", "protocol, result", f'{AGENT}, result!="read"'),
                "{{protocol}} {{result}}",
            ),
        ),
        "cps",
    ),
    Panel(
        "Opened",
        "Bytes a second of payload that were opened so that flows could be named.",
        "timeseries",
        (Query(rate("hallwatch_opened_payload_bytes_total", "what"), "{{what}}"),),
        "Bps",
        stacked=True,
    ),
    Panel(
        "Opened for each flow",
        "The alert rings above 4 KiB.",
        "timeseries",
        (
            Query(
                ratio(
                    rate("hallwatch_opened_payload_bytes_total", "instance"), rate("hallwatch_flows_total", "instance")
                ),
                "{{instance}}",
            ),
        ),
        "bytes",
    ),
    Panel(
        "Processor",
        "Cores that the agent uses. Naming has one core: near 1 it cannot keep up.",
        "timeseries",
        (Query(rate("process_cpu_seconds_total", "instance", f'job="hallwatch", {AGENT}'), "{{instance}}"),),
    ),
    Panel(
        "Memory",
        "Resident.",
        "timeseries",
        (Query(f'process_resident_memory_bytes{{job="hallwatch", {AGENT}}}', "{{instance}}"),),
        "bytes",
    ),
    Panel(
        "Limits met",
        "In the time shown. What was over a limit was given up and counted.",
        "table",
        (Query(f"sum by (instance, limit) (increase(hallwatch_limit_reached_total{{{AGENT}}}{SPAN}))"),),
        width=24,
        value="Times",
    ),
)
