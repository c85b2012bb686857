"""Snapshot to exposition: every number is where design says it is, in both formats, and no label is a name."""

import re
from collections.abc import Iterable
from dataclasses import replace

import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from agent.metrics import (
    FLOW_LABELS,
    MAX_CLAUSE_CHARACTERS,
    ReloadState,
    SnapshotCollector,
    accepts,
    exposition,
    new_registry,
    total_by,
)
from agent.snapshot import ClassCounts, Counts, Snapshot
from agent.verdict import Verdict
from tests.exported import SNAPSHOT, TLS, collector
from tests.promtool import promtool

ORDER = ("rule", "clause", "protocol", "result", *FLOW_LABELS, "what", "gate", "outcome", "limit", "le")


def families(*, openmetrics: bool, snapshot: Snapshot | None = SNAPSHOT) -> list[Metric]:
    body, _ = exposition(new_registry(collector(snapshot)), openmetrics=openmetrics)
    parse = parse_openmetrics if openmetrics else parse_text
    return list(parse(body.decode()))


def samples(found: Iterable[Metric], name: str) -> dict[tuple[str, ...], float]:
    """Label values, in the order in which design lists labels (expositions sort them), to the value."""
    return {
        tuple(sample.labels[label] for label in sorted(sample.labels, key=ORDER.index)): sample.value
        for family in found
        for sample in family.samples
        if sample.name == name
    }


@pytest.mark.parametrize("openmetrics", [False, True])
def test_traffic_is_summed_to_its_labels(openmetrics: bool) -> None:
    """Protocol is no label, and evidence only of flows: classes that differ in nothing else are one series."""
    found = families(openmetrics=openmetrics)
    youtube = ("students", "video_streaming", "youtube")
    workspace = ("staff", "cloud_collaboration", "google_workspace", "permitted", "board")
    assert {
        (*youtube, "prohibited", "personal", "sni"): 1,
        (*youtube, "prohibited", "personal", "quic"): 10,
        (*youtube, "permitted", "personal", "sni"): 100,
        (*workspace, "sni"): 1,
    } == samples(found, "hallwatch_flows_total")
    for name, prohibited, permitted in (
        ("hallwatch_sent_packets_total", 22, 200),
        ("hallwatch_received_packets_total", 33, 300),
        ("hallwatch_sent_bytes_total", 44, 400),
        ("hallwatch_received_bytes_total", 55, 500),
    ):
        assert {
            (*youtube, "prohibited", "personal"): prohibited,
            (*youtube, "permitted", "personal"): permitted,
            workspace: 1,
        } == samples(found, name)


def test_the_promise_is_a_metric() -> None:
    """Opened and unopened bytes; kinds and accounts that have not occurred are 0, not absent."""
    found = families(openmetrics=False)
    unopened = {("personal",): 593 + 5_930 + 59_300, ("board",): 1_000, ("unknown",): 0}
    assert unopened == samples(found, "hallwatch_unopened_payload_bytes_total")
    opened = samples(found, "hallwatch_opened_payload_bytes_total")
    assert (707, 70, 0, 0) == tuple(opened[kind,] for kind in ("tls", "quic", "dns", "banner"))


def test_the_gate() -> None:
    """Outcomes that only grow are counters; what is unsettled comes and goes and is a gauge; together they are seen."""
    found = families(openmetrics=False)
    outcomes = samples(found, "hallwatch_gate_packets_total")
    assert {("settled",): 90, ("untracked",): 3, ("undecodable",): 1} == outcomes
    unsettled = samples(found, "hallwatch_gate_unsettled_packets")
    seen = samples(found, "hallwatch_gate_seen_packets_total")
    assert seen[()] == sum(outcomes.values()) + unsettled[()]
    assert {(): 0} == samples(found, "hallwatch_gate_unaccounted_packets")
    assert {(): 0} == samples(found, "hallwatch_gate_unaccounted_bytes")
    assert {("process",): 1} == samples(found, "hallwatch_gate_info")
    assert {(): 7} == samples(found, "hallwatch_capture_dropped_packets_total")
    assert {(): 11} == samples(found, "hallwatch_gate_active_flows")
    assert {(): 16} == samples(found, "hallwatch_gate_max_flows")


def test_a_broken_law_is_exported() -> None:
    """Packets and bytes that no account explains are shown as what they are."""
    broken = replace(SNAPSHOT, gate=replace(SNAPSHOT.gate, settled_packets=88, settled_bytes=8_999))
    found = families(openmetrics=False, snapshot=broken)
    assert {(): 2} == samples(found, "hallwatch_gate_unaccounted_packets")
    assert {(): 1} == samples(found, "hallwatch_gate_unaccounted_bytes")


def test_policy_handshakes_and_limits() -> None:
    """What has occurred is counted, what is known but has not occurred is 0, what was not foreseen is there too."""
    found = families(openmetrics=False)
    matches = {("no-video-in-class", "prohibited"): 11, ("default", "permitted"): 101}
    assert matches == samples(found, "hallwatch_policy_matches_total")
    assert {("video_streaming",): 9, ("cloud_collaboration",): 0} == samples(found, "hallwatch_active_flows")
    handshakes = samples(found, "hallwatch_handshakes_total")
    assert (102, 4, 1, 0) == (
        handshakes["tls", "read"],
        handshakes["quic", "undecryptable"],
        handshakes["ssh", "read"],
        handshakes["dtls", "malformed"],
    )
    limits = {("flow_table",): 3, ("reassembly_bytes",): 0, ("web_connections",): 2}
    assert limits == samples(found, "hallwatch_limit_reached_total")


@pytest.mark.parametrize("openmetrics", [False, True])
def test_allowances(openmetrics: bool) -> None:
    """Devices beyond their allowance, and devices by their minutes, as a histogram that falls back at midnight; a
    number that is not told is absent, not 0, and how many those are is told.
    """
    found = families(openmetrics=openmetrics)
    assert {("staff", "news"): 12} == samples(found, "hallwatch_over_allowance_devices")
    bounds = ("300.0", "900.0", "1800.0", "3600.0", "7200.0", "+Inf")
    assert {
        ("staff", category, bound): devices
        for category, cumulative in (("news", (15, 25, 30, 35, 40, 40)), ("retail", (7, 7, 7, 7, 7, 7)))
        for bound, devices in zip(bounds, cumulative, strict=True)
    } == samples(found, "hallwatch_incidental_use_seconds_bucket")
    names = {one.name for family in found for one in family.samples if "incidental" in one.name}
    assert {"hallwatch_incidental_use_seconds_bucket"} == names
    assert {(): 3} == samples(found, "hallwatch_suppressed_cells")


def test_configuration() -> None:
    """Whether the last reload succeeded, since when the rules in force are, and what stands around them: the notice, the
    catalogue's age, and each rule's clause, cut short where it is long.
    """
    found = families(openmetrics=False)
    assert {(): 0} == samples(found, "hallwatch_config_last_reload_successful")
    assert {(): 1.6e9} == samples(found, "hallwatch_config_last_reload_success_timestamp_seconds")
    assert {(): 1_700_000_000.5} == samples(found, "hallwatch_snapshot_timestamp_seconds")
    assert {(): 0} == samples(found, "hallwatch_notice_current")
    assert {(): 1_000_000.5} == samples(found, "hallwatch_catalogue_age_seconds")
    clauses = {("no-video-in-class", "Use in class: " + "x" * (MAX_CLAUSE_CHARACTERS - 14)): 1, ("default", "none"): 1}
    assert clauses == samples(found, "hallwatch_policy_rule_info")


def test_what_does_not_apply_is_absent() -> None:
    """No notice to compare and no catalogue with a date: no series, rather than one that alerts."""
    bare = SnapshotCollector(lambda: SNAPSHOT, reload_state=lambda: ReloadState(successful=True, last_success_s=0))
    names = {family.name for family in bare.collect()}
    assert not {"hallwatch_notice_current", "hallwatch_catalogue_age_seconds"} & names


def test_before_the_first_snapshot() -> None:
    """What does not come from a snapshot is there from the start."""
    names = {family.name for family in families(openmetrics=False, snapshot=None)}
    assert {"hallwatch_build_info", "hallwatch_config_last_reload_successful", "hallwatch_limit_reached"} <= names
    assert "hallwatch_flows" not in names


@pytest.mark.parametrize("openmetrics", [False, True])
def test_every_name_is_well_formed(openmetrics: bool) -> None:
    """One prefix, base units, a sentence of help, no `_created` series, and no sample twice."""
    body, _ = exposition(new_registry(collector()), openmetrics=openmetrics)
    text = body.decode()
    assert "_created" not in re.sub(r"process_\w+", "", text)
    lines = [line.rpartition(" ")[0] for line in text.splitlines() if not line.startswith("#")]
    assert sorted(set(lines)) == sorted(lines)
    for family in collector().collect():
        assert family.name.startswith("hallwatch_")
        assert family.documentation.endswith(".")
        assert not family.name.endswith(("_ns", "_ms", "_kb"))


def test_promtool_has_nothing_to_say() -> None:
    """Names, units, types and help are as Prometheus would have them, by its own checker."""
    body, _ = exposition(new_registry(collector()), openmetrics=False)
    checked = promtool("check", "metrics", told=body)

    assert ("", 0) == (checked.stdout, checked.returncode)


def test_names_that_people_visit_cannot_become_labels() -> None:
    """A flood of classes with one application has the series of one: labels come from FlowClass and nothing else."""
    flood = tuple(
        ClassCounts(replace(TLS, protocol=f"{number:x}.example.org"), Verdict.REVIEW, Counts(1, 1, 1, 1, 1, 1, 1))
        for number in range(500)
    )
    found = families(openmetrics=False, snapshot=replace(SNAPSHOT, classes=flood))
    assert 1 == len(samples(found, "hallwatch_flows_total"))
    assert all(
        "example.org" not in value for family in found for one in family.samples for value in one.labels.values()
    )


def test_awkward_label_values_survive() -> None:
    """Quotes, backslashes and line ends in a value are escaped so that both parsers read them back."""
    awkward = 'a"b\\c\nd'
    rows = (ClassCounts(replace(TLS, segment=awkward), Verdict.REVIEW, Counts(1, 1, 1, 1, 1, 1, 1)),)
    for openmetrics in (False, True):
        found = families(openmetrics=openmetrics, snapshot=replace(SNAPSHOT, classes=rows))
        ((labels, _),) = samples(found, "hallwatch_flows_total").items()
        assert awkward == labels[0]


def test_registries_are_independent() -> None:
    """Two collectors live side by side: nothing is registered globally."""
    first, second = new_registry(collector()), new_registry(collector(None))
    assert 90 == first.get_sample_value("hallwatch_gate_packets_total", {"outcome": "settled"})
    assert second.get_sample_value("hallwatch_gate_packets_total", {"outcome": "settled"}) is None


def test_total_by() -> None:
    """Rows are summed by key, in order of first occurrence, and nothing is lost."""
    totals = total_by(SNAPSHOT.classes, lambda row: row.verdict)
    assert [Verdict.PROHIBITED, Verdict.PERMITTED] == list(totals)
    assert Counts(11, 22, 33, 44, 55, 6_600, 77) == totals[Verdict.PROHIBITED]
    assert sum((row.counts for row in SNAPSHOT.classes), Counts()) == sum(totals.values(), Counts())


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("gzip", True),
        ("deflate, GZIP;q=0.5", True),
        (" gzip ; q=1.000", True),
        ("gzip;q=0", False),
        ("gzip;q=0.000", False),
        ("gzip;q=0.001", True),
        ("xgzip", False),
        ("", False),
        (",;,=;q", False),
    ],
)
def test_accepts(header: str, expected: bool) -> None:
    """A listed token counts unless its weight is 0 (RFC 9110 section 12.4.2)."""
    assert expected == accepts(header, "gzip")
