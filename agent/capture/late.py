"""Slices that have waited long -> those whose flow still has its row."""

from typing import Final

from agent.gate.slices import SliceBatch
from agent.gate.table import FlowTable

LATE_NS: Final = 5_000_000_000
"""Half of the time for which a row outlives its flow's last packet (agent.gate.table: IdleLimits.closed_ns)."""


def still_theirs(batch: SliceBatch, table: FlowTable, now_ns: int) -> SliceBatch:
    """The slices without those whose row has been given back while they waited: another flow may be in it by now.

    Args:
        batch: slices in the order in which the gate opened them.
        table: of the same gate.
        now_ns: by the clock that stamps packets.
    """
    if not batch.slices or now_ns - batch.slices[0].time_ns < LATE_NS:
        return batch
    kept = [i for i, one in enumerate(batch.slices) if table.holds(one.slot, one.time_ns)]
    return SliceBatch([batch.slices[i] for i in kept], [batch.payload_bytes[i] for i in kept])
