"""What is shown now, and the last hour -> the agent's page, as HTML that is whole without scripts."""

from collections.abc import Mapping
from datetime import UTC, tzinfo
from typing import Final

from agent.flow import Evidence
from agent.history import LastHour
from agent.now import InForce, Now
from agent.quantities import rate, share, size, title
from agent.snapshot import GateTotals
from agent.web import charts
from agent.web.elements import Column, Content, Markup, element, facts, joined, link, section, swatch, table, time
from agent.web.hour import by_category, by_verdict
from agent.web.shell import LIVE, shell

TOP_APPLICATIONS: Final = 15
UNNAMED: Final = "unknown"
"""The application of what is in no catalogue; its category says as much, and it is no application to list."""

MEANINGS: Final = {
    Evidence.SNI: "the name in a TLS handshake",
    Evidence.QUIC: "the name in a QUIC handshake",
    Evidence.HOST: "the Host line of a plain HTTP request",
    Evidence.DNS: "a DNS answer that gave this address for a name",
    Evidence.ECH: "an encrypted handshake: only the provider is known",
    Evidence.ADDRESS: "a published list of addresses",
    Evidence.PROTOCOL: "the protocol itself; there is no name",
    Evidence.NONE: "nothing: it could not be named",
}
"""What a name rests on, for people."""

_NUMBER: Final = "number"


def render(now: Now | None, hour: LastHour, waiting: str | None, zone: tzinfo = UTC) -> bytes:
    """The page.

    Args:
        now: What is shown, or None before anything was counted.
        hour: For the charts.
        waiting: Why the agent is not ready, or None.
        zone: Where the clock on the wall hangs.
    """
    state = swatch("bad", f"Not ready: {waiting}") if waiting is not None else swatch("good", "Counting")
    if now is None:
        body: Content = element("section", element("p", "Nothing has been counted yet."))
    else:
        body = joined(
            _headline(now, zone),
            by_verdict(now, hour, zone),
            by_category(now, hour, zone),
            element("div", joined(_applications(now), _evidence(now), _opened(now)), class_="columns"),
            element("div", joined(_gate(now.gate, now.limits), _policy(now.policy, zone)), class_="columns two"),
            between="\n",
        )
    district = now.policy.district if now and now.policy else ""
    return shell(body, "Hallwatch", "./", district=district, state=state, head=LIVE)


def _headline(now: Now, zone: tzinfo) -> Markup:
    payload = now.opened_bytes + now.unopened_bytes
    figures = facts(
        (
            ("Traffic now", rate(now.bytes_per_s)),
            ("Opened now", rate(now.opened_bytes_per_s)),
            ("Flows named", f"{now.flows:,}"),
            ("Flows in the table", f"{now.gate.active_flows:,}"),
            ("Lost before the gate", f"{now.gate.dropped_packets:,} frames"),
        )
    )
    amounts: Content = "No payload has been seen yet."
    if payload:
        left, taken = element("b", size(now.unopened_bytes)), element("b", size(now.opened_bytes))
        amounts = joined("of payload was left unopened: ", left, ". Opened, to name flows: ", taken, ".")
    said = joined(
        element("strong", share(now.unopened_bytes, payload, 2) if payload else "–", class_="share"),
        element("p", amounts),
        charts.bar((("unopened", now.unopened_bytes), ("opened", now.opened_bytes)), payload),
        element("p", joined("As of ", time(now.time_s, zone), ", since the start."), class_="quiet"),
    )
    return section("in-short", "Unopened", element("div", said, class_="said"), figures, kind="headline")


def _applications(now: Now) -> Markup:
    named = [line for line in now.applications if line.name != UNNAMED]
    rows = [
        (
            joined(line.title, " ", element("small", title(line.category))),
            rate(line.bytes_per_s),
            size(line.bytes),
            f"{line.flows:,}",
        )
        for line in named[:TOP_APPLICATIONS]
    ]
    columns = [
        Column("Application", "long"),
        Column("Now", _NUMBER),
        Column("Bytes", _NUMBER),
        Column("Flows", _NUMBER),
    ]
    more = len(named) - TOP_APPLICATIONS
    rest = [element("p", f"And {more} more in the metrics.", class_="quiet")] if more > 0 else []
    return section("applications", "Top applications", table("Since the start.", columns, rows), *rest, kind="wide")


def _evidence(now: Now) -> Markup:
    total = sum(now.evidence.values())
    rows = [
        (
            joined(
                *(title(name), " ", element("small", MEANINGS[Evidence(name)])), charts.bar((("plain", flows),), total)
            ),
            share(flows, total),
            f"{flows:,}",
        )
        for name, flows in now.evidence.items()
    ]
    columns = [Column("Evidence", "long"), Column("Share", _NUMBER), Column("Flows", _NUMBER)]
    return section("evidence", "What names rest on", table("Best evidence first.", columns, rows))


def _opened(now: Now) -> Markup:
    rows = [(title(what), size(amount)) for what, amount in now.opened.items()]
    return section(
        "opened",
        "What was opened",
        table(
            "Introductions only; a flow that has been named is sealed.",
            [Column("Introduction"), Column("Bytes", _NUMBER)],
            rows,
        ),
    )


def _gate(gate: GateTotals, limits: Mapping[str, int]) -> Markup:
    kept = "the kernel" if gate.kind == "kernel" else "this process"
    rows = [
        (name, f"{packets:,}", amount)
        for name, packets, amount in (
            ("Seen", gate.seen_packets, size(gate.seen_bytes)),
            ("Counted under a class", gate.settled_packets, size(gate.settled_bytes)),
            ("Of flows without a class yet", gate.unsettled_packets, size(gate.unsettled_bytes)),
            ("Not tracked, table full", gate.untracked_packets, size(gate.untracked_bytes)),
            ("Not decodable", gate.undecodable_packets, size(gate.undecodable_bytes)),
            ("Lost before the gate", gate.dropped_packets, "–"),
        )
    ]
    if gate.missing_packets or gate.missing_bytes:
        law: Content = element(
            "span", f"{gate.missing_packets:,} frames are not accounted for: this is a defect.", class_="bad"
        )
    else:
        law = "Every frame seen is accounted for."
    state = facts(
        (
            ("Held back in", kept),
            ("Flow table", _fill(gate)),
            ("Limits met", _limits(limits)),
        )
    )
    frames = table(law, [Column("Frames", "long"), Column("", _NUMBER), Column("Bytes", _NUMBER)], rows, label="Frames")
    return section("gate", "The gate", state, frames)


def _fill(gate: GateTotals) -> Content:
    if not gate.max_flows:
        return f"{gate.active_flows:,} flows"
    kind = "bad" if gate.active_flows > 0.9 * gate.max_flows else "plain"
    return joined(
        f"{gate.active_flows:,} of {gate.max_flows:,} rows, {share(gate.active_flows, gate.max_flows)}",
        charts.bar(((kind, gate.active_flows),), gate.max_flows),
    )


def _limits(limits: Mapping[str, int]) -> Content:
    if not limits:
        return "none"
    return joined(*(f"{title(limit)}: {times:,}" for limit, times in limits.items()), between="<br>")


def _policy(policy: InForce | None, zone: tzinfo) -> Markup:
    if policy is None:
        return section("policy", "Policy in force", element("p", "Not known here.", class_="quiet"))
    reload_state: Content = "succeeded"
    if not policy.reloaded:
        reload_state = element("span", 'refused; the rules from before stay. "hallwatch check" says why.', class_="bad")
    return section(
        "policy",
        "Policy in force",
        facts(
            (
                ("District", policy.district or "not named by the rules"),
                ("Written policy", policy.document or "not named by the rules"),
                ("Rules", joined(f"{policy.rules:,}, and the default: ", link("coverage", "what they count"))),
                ("Loaded", time(policy.loaded_s, zone)),
                ("Newest reload", reload_state),
                (
                    "Notice",
                    joined(
                        policy.notice if policy.notice_true else element("span", policy.notice, class_="bad"),
                        ": ",
                        link("notice", "as it would be today"),
                    ),
                ),
            )
        ),
    )
