"""Two snapshots of one tap -> one line for `systemctl status`: no address, no name, only how much and how well."""

from agent.snapshot import Snapshot


def status_line(
    watching: str, before: Snapshot | None, now: Snapshot, *, problem: str | None = None, refused: bool = False
) -> str:
    """How it goes.

    Args:
        watching: what the gate stands before, such as "eth1".
        before: an earlier snapshot, from which the rate is told; None at the first one.
        now: the newest.
        problem: why nothing can arrive at the moment.
        refused: the last reload was refused.
    """
    gate = now.gate
    words = [f"{gate.kind} gate on {watching}: "]
    elapsed_s = (now.time_ns - before.time_ns) / 1e9 if before else 0.0
    if before and elapsed_s > 0:
        words.append(f"{round((gate.seen_packets - before.gate.seen_packets) / elapsed_s):,} packets/s, ")
    words.append(f"{gate.dropped_packets:,} dropped, {gate.active_flows:,} flows")
    if problem:
        words.append(f"; degraded: {problem}")
    if refused:
        words.append("; the last reload was refused, the rules before it hold")
    return "".join(words)
