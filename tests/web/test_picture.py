"""What is shown, beside what was counted."""

from dataclasses import replace

import pytest

from agent import __version__
from agent.history import Recent
from agent.now import InForce
from agent.snapshot import Snapshot
from agent.verdict import Verdict
from agent.web.picture import picture
from tests.web.hours import USES, an_hour

RECENT = Recent(
    4_000_000_000,
    {("youtube", "video_streaming", Verdict.PROHIBITED): 4_000, ("youtube", "video_streaming", Verdict.REVIEW): 400},
    opened_bytes=40,
    unopened_bytes=360,
)
POLICY = InForce("Hamden", "4118.5, Use", 12, 1_795_248_000.0, reloaded=True)


def test_sums_and_rates(snapshot: Snapshot) -> None:
    """Totals are the snapshot's, rates those of the last seconds; every verdict is named."""
    limits = replace(snapshot, limits={"classes": 2, "flow_table": 0})
    now = picture(limits, RECENT, waiting="why", policy=POLICY, other_limits={"web_connections": 1, "x": 0}, titles={})

    assert (__version__, "why", POLICY, 4.0, 3) == (now.version, now.waiting, now.policy, now.span_s, now.flows)
    assert (1_800, 43_200) == (now.opened_bytes, now.unopened_bytes)
    assert (10.0, 90.0, 1_100.0) == (now.opened_bytes_per_s, now.unopened_bytes_per_s, now.bytes_per_s)
    assert {"permitted": 20_000, "incidental": 0, "prohibited": 40_000, "review": 0} == now.verdicts
    assert {"permitted": 0, "incidental": 0, "prohibited": 1_000, "review": 100} == now.verdicts_per_s
    assert {"quic": 2, "sni": 1} == now.evidence
    assert ["quic", "tls"] == list(now.opened)
    assert {"classes": 2, "web_connections": 1} == now.limits


def test_lines(snapshot: Snapshot) -> None:
    """The largest first; an application has the catalogue's title, or its identifier as words."""
    now = picture(
        snapshot, RECENT, waiting=None, policy=None, other_limits={}, titles={"youtube": "YouTube", "other": "x"}
    )
    youtube, rogue = now.applications

    assert ("youtube", "YouTube", "video_streaming", 2, 40_000) == (
        *(youtube.name, youtube.title, youtube.category),
        *(youtube.flows, youtube.bytes),
    )
    assert (1_100.0, 1_000.0, 0.0) == (
        youtube.bytes_per_s,
        youtube.verdicts_per_s[Verdict.PROHIBITED],
        rogue.bytes_per_s,
    )
    assert "<script>alert(1)</script>" == rogue.title
    assert ["Video streaming", "Retail"] == [line.title for line in now.categories]
    assert {verdict: 40_000 * (verdict is Verdict.PROHIBITED) for verdict in Verdict} == youtube.verdicts


def test_before_the_second_tick(snapshot: Snapshot) -> None:
    """Without anything recent every rate is 0."""
    now = picture(snapshot, Recent(), waiting=None, policy=None, other_limits={}, titles={})

    assert (0.0, 0.0, 0.0) == (now.span_s, now.bytes_per_s, now.categories[0].bytes_per_s)


def test_categories_and_applications_add_up() -> None:
    """Of an hour: the same bytes, told three ways; and the same rates."""
    snapshot, history = an_hour()
    now = picture(snapshot, history.recent(), waiting=None, policy=None, other_limits={}, titles={})
    total = sum(row.counts.bytes for row in snapshot.classes)

    assert [total] * 3 == [
        sum(now.verdicts.values()),
        *(sum(x.bytes for x in y) for y in (now.categories, now.applications)),
    ]
    assert [pytest.approx(now.bytes_per_s)] * 2 == [
        sum(line.bytes_per_s for line in lines) for lines in (now.categories, now.applications)
    ]
    assert len(USES) == len(now.applications)
