"""What was made, sent, seen and found -> checks, each a sentence for people; the self-test passes when all of them do."""

from collections.abc import Iterator
from dataclasses import dataclass

from agent.selftest.limits import LIMITS
from agent.selftest.reports import Made, Seen, Sent
from agent.selftest.search import Found


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must hold."""

    name: str
    """For machines."""
    passed: bool
    what: str
    """For people, with its number."""
    detail: str
    """What the number rests on."""


def judge(made: Made, sent: Sent, seen: Seen, found: Found) -> tuple[Check, ...]:
    """The checks of a self-test, the promise first."""
    return tuple(_checks(made, sent, seen, found))


def judge_control(made: Made, sent: Sent, seen: Seen, found: Found) -> tuple[Check, ...]:
    """The checks of the control: the gate is left off, so every mark must be found."""
    marked = set(made.marked_flows)
    here = len(marked & found.flows)
    return (
        Check(
            "found",
            bool(marked) and marked <= found.flows,
            f"The search works: found the marks of {here:,} of {len(marked):,} connections",
            f"{found.whole:,} whole marks in {_megabytes(found.bytes)} of marked bytes, in {_places(found)}",
        ),
        Check(
            "sent",
            sent.packets == seen.packets == made.packets,
            f"Packets that were sent and did not arrive: {sent.packets - seen.packets:,}",
            f"{made.packets:,} made, {sent.packets:,} sent, {seen.packets:,} received, "
            f"{sent.lost_packets + seen.dropped_packets:,} lost for want of room",
        ),
        _everything_searched(seen, found),
    )


def _checks(made: Made, sent: Sent, seen: Seen, found: Found) -> Iterator[Check]:
    yield Check(
        "promise",
        found.halves == 0 and made.marked_bytes > 0,
        f"Payload bytes that entered the program and should not have: {found.bytes:,}",
        f"{made.marked_bytes:,} bytes of {len(made.marked_flows):,} connections were marked as closed"
        + (
            f"; marks of {len(found.flows):,} connections are in {_places(found)}, copies counted"
            if found.halves
            else "; no mark is in memory, whole or half"
        ),
    )
    yield _everything_searched(seen, found)
    yield _within_limits(seen)
    yield Check(
        "door",
        seen.opened == seen.received and seen.lost_slices == 0 and bool(seen.opened),
        f"Opened bytes that the gate does not account for: {_difference(seen):,}",
        f"it says {sum(seen.opened.values()):,} and {sum(seen.received.values()):,} came through, of "
        f"{seen.payload_bytes:,} payload bytes ({_share(seen)}); {seen.lost_slices:,} pieces lost",
    )
    yield Check(
        "packets",
        made.packets == sent.packets == seen.packets > 0 and seen.dropped_packets == 0,
        f"Packets that were sent and not counted: {sent.packets - seen.packets:,}",
        f"{made.packets:,} made, {sent.packets:,} sent, {seen.packets:,} counted; {seen.dropped_packets:,} dropped "
        f"before the gate, {sent.lost_packets:,} lost by the sending interface",
    )
    yield Check(
        "bytes",
        made.bytes == sent.bytes == seen.bytes,
        f"Bytes that were sent and not counted: {sent.bytes - seen.bytes:,}",
        f"{sent.bytes:,} sent, {seen.bytes:,} counted",
    )
    yield Check(
        "conservation",
        seen.missing_packets == seen.missing_bytes == 0 and seen.flows > 0,
        f"Packets that the accounts cannot explain: {seen.missing_packets:,}",
        f"{seen.missing_bytes:,} bytes missing; {seen.flows:,} flows, {seen.untracked_packets:,} packets without room in "
        f"the table, {seen.undecodable_packets:,} that could not be decoded",
    )


def _everything_searched(seen: Seen, found: Found) -> Check:
    unread = sum(found.unread.values())
    gone = "" if seen.kept_all else "; not all that came through could be kept"
    return Check(
        "searched",
        unread == 0 and seen.kept_all and found.searched_bytes > seen.kept_bytes,
        f"Memory that should have been searched and was not: {unread:,} bytes",
        f"{_megabytes(found.searched_bytes)} in {found.searched_mappings:,} mappings searched, with all "
        f"{seen.kept_bytes:,} bytes that came through{gone}"
        + (f"; could not be read: {', '.join(found.unread)}" if unread else ""),
    )


def _within_limits(seen: Seen) -> Check:
    wrong = []
    for kind in sorted({*seen.most, *seen.furthest}):
        limit = LIMITS.get(kind)
        most, furthest = seen.most.get(kind, 0), seen.furthest.get(kind, 0)
        if limit is None:
            wrong.append(f"{kind} is no row of the table")
            continue
        if limit.flow_bytes is not None and most > limit.flow_bytes:
            wrong.append(f"{kind}: {most:,} bytes of one flow where {limit.flow_bytes:,} are allowed")
        if limit.end_bytes is not None and furthest > limit.end_bytes:
            wrong.append(f"{kind}: up to byte {furthest:,} where {limit.end_bytes:,} is the end")
    most_of_each = ", ".join(f"{kind} {size:,}" for kind, size in sorted(seen.most.items()))
    return Check(
        "limits",
        not wrong,
        f"Kinds of introduction of which more was opened than the table allows: {len(wrong)}",
        "; ".join(wrong) or f"the most bytes of one flow: {most_of_each}",
    )


def _difference(seen: Seen) -> int:
    kinds = {*seen.opened, *seen.received}
    return sum(abs(seen.opened.get(kind, 0) - seen.received.get(kind, 0)) for kind in kinds)


def _share(seen: Seen) -> str:
    return f"{100 * sum(seen.opened.values()) / seen.payload_bytes:.2f} %" if seen.payload_bytes else "none"


def _places(found: Found) -> str:
    return ", ".join(sorted(found.places)) or "no mapping"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
