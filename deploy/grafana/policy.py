"""What whoever answers for the written policy wants to know -> panels: by clause, district and kind of use."""

from typing import Final

from deploy.grafana.panels import Panel
from deploy.grafana.queries import AT, MATCHES, OVER, SPAN, Query, carried

PANELS: Final = (
    Panel(
        "By clause",
        "Flows that a rule matched, with the clause of the written policy it rests on. `hallwatch coverage` tells what each counts.",
        "table",
        (
            Query(
                "sum by (district, clause, rule, verdict) ("
                f"increase(hallwatch_policy_matches_total{{{AT}}}{SPAN}) "
                f"* on (district, site, instance, rule) group_left (clause) hallwatch_policy_rule_info{{{AT}}}) > 0"
            ),
        ),
        width=24,
        height=10,
        value="Flows",
    ),
    Panel(
        "Flows by verdict and district",
        "A second, judged at the moment at which they were met.",
        "timeseries",
        (Query(f"sum by (district, verdict) ({MATCHES}{{{AT}}})", "{{district}}, {{verdict}}"),),
        "cps",
    ),
    Panel(
        "Prohibited use, now and a week ago",
        "Bytes a second over an hour. The alert rings at three times last week's.",
        "timeseries",
        (
            Query(f"sum by (segment) (district_site_segment:hallwatch_prohibited_bytes:rate1h{{{AT}}})", "{{segment}}"),
            Query(
                f"sum by (segment) (district_site_segment:hallwatch_prohibited_bytes:rate1h{{{AT}}} offset 1w)",
                "{{segment}}, a week ago",
            ),
        ),
        "Bps",
    ),
    Panel(
        "By district, kind of use and verdict",
        "What was carried.",
        "table",
        (Query(carried("district, category, verdict")),),
        "decbytes",
        value="Carried",
    ),
    Panel(
        "Whose accounts",
        "Content by account: personal ones, those the board provides, and those of which nothing was declared. None is opened.",
        "bargauge",
        (Query(f"sum by (account) (increase(hallwatch_unopened_payload_bytes_total{{{AT}}}{SPAN}))", "{{account}}"),),
        "decbytes",
    ),
    Panel(
        "Devices over their allowance today",
        "How many, never which. Fewer than five are not told.",
        "timeseries",
        (Query(f"sum by (segment, category) ({OVER}{{{AT}}})", "{{segment}}, {{category}}"),),
    ),
    Panel(
        "Incidental use today: nine of ten devices use less than",
        "By kind of use, where the rules have an allowance.",
        "bargauge",
        (
            Query(
                f"histogram_quantile(0.9, sum by (le, category) (hallwatch_incidental_use_seconds_bucket{{{AT}}}))",
                "{{category}}",
            ),
        ),
        "s",
    ),
    Panel(
        "Rules in force since",
        "By agent: when its rules were loaded.",
        "stat",
        (
            Query(
                f"1000 * max by (instance) (hallwatch_config_last_reload_success_timestamp_seconds{{{AT}}})",
                "{{instance}}",
            ),
        ),
        "dateTimeAsIso",
        8,
        6,
    ),
    Panel(
        "The posted notice",
        "Whether the notice that is recorded as posted says what is done.",
        "stat",
        (Query(f"min by (instance) (hallwatch_notice_current{{{AT}}})", "{{instance}}"),),
        width=8,
        height=6,
        words=(("0", "missing or out of date", "red"), ("1", "says what is done", "green")),
    ),
    Panel(
        "The catalogue was reviewed",
        "So long ago: its file that was looked through longest ago.",
        "stat",
        (Query(f"max by (instance) (hallwatch_catalogue_age_seconds{{{AT}}})", "{{instance}}"),),
        "s",
        8,
        6,
    ),
)
