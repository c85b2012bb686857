"""Capture files on disk -> a report: the same gate, pipeline and ledger as on a live tap, fed from memory-mapped files."""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agent.allowance.allowances import SALT_BYTES, Allowances
from agent.allowance.small_cells import MIN_DEVICES
from agent.contracts import Policy
from agent.gate.mapped_file import MappedFile, mapped_file
from agent.gate.native import STOPS, NativeGate
from agent.pipeline import FlowRecord, Pipeline
from agent.snapshot import Snapshot, merged

DEFAULT_MAX_FLOWS: Final = 1 << 18
"""Rows of the flow table: a district of 5,000 devices with some 50 flows each; 48 MiB."""

TICK_NS: Final = 60_000_000_000
"""Bells ring on the minute, so judging each minute of capture time judges every packet by its own bell."""

MAX_BATCH_FRAMES: Final = 8192
"""Few enough that seals follow closely, enough that the calls cost nothing."""

CUT_MEANWHILE: Final = "the file was cut while it was read"
"""By a capture that goes round and begins the file again, such as tcpdump -W."""


@dataclass(frozen=True, slots=True)
class FileReport:
    """What became of one file."""

    path: Path
    packets: int
    bytes: int
    note: str | None = None
    """Why reading stopped before the end; what was read until there counts."""
    error: str | None = None
    """Why nothing could be read."""


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """What became of all of them."""

    snapshot: Snapshot
    """Sums over the files."""
    files: tuple[FileReport, ...]
    elapsed_s: float
    cpu_s: float


def replay(
    files: Sequence[Path],
    policy: Policy,
    *,
    on_progress: Callable[[Path, int, int], None] | None = None,
    on_flow: Callable[[Path, FlowRecord], None] | None = None,
    max_flows: int = DEFAULT_MAX_FLOWS,
    min_devices: int = MIN_DEVICES,
    widen_bytes: int = 0,
) -> ReplayReport:
    """Plays capture files through the gate, each as a tap of its own.

    Args:
        files: pcap or pcapng, with nanoseconds or microseconds, of either byte order.
        policy: classifies and judges, at capture time.
        on_progress: called after each batch with the file, the bytes of it read, and its size.
        on_flow: called with each flow at its end.
        max_flows: rows of the flow table.
        min_devices: smaller numbers of devices are not told, of the last day of each file.
        widen_bytes: for tests only: opens so many bytes beyond every window.

    Raises:
        NativeGateError: the gate's library is missing, or there is no memory for its table.
    """
    started_s, cpu_s = time.perf_counter(), time.process_time()
    reports: list[FileReport] = []
    snapshots: list[Snapshot] = []
    for path in files:
        try:
            with mapped_file(path) as file:
                player = _Player(path, policy, on_flow, max_flows, min_devices, widen_bytes)
                report, snapshot = player.play(file, on_progress)
        except OSError as error:
            reports.append(FileReport(path, 0, 0, error=error.strerror or str(error)))
            continue
        reports.append(report)
        snapshots.append(snapshot)
    total = merged(snapshots)
    return ReplayReport(total, tuple(reports), time.perf_counter() - started_s, time.process_time() - cpu_s)


class _Player:
    """One file's gate and pipeline."""

    def __init__(
        self,
        path: Path,
        policy: Policy,
        on_flow: Callable[[Path, FlowRecord], None] | None,
        max_flows: int,
        min_devices: int,
        widen_bytes: int,
    ) -> None:
        self._path = path
        self._gate = NativeGate(max_flows=max_flows, queries=on_flow is not None, widen_bytes=widen_bytes)
        record = (lambda flow: on_flow(path, flow)) if on_flow else None
        allowances = Allowances(lambda: os.urandom(SALT_BYTES), min_devices=min_devices)
        self._pipeline = Pipeline(self._gate, policy, allowances=allowances, on_flow=record)

    def play(
        self, file: MappedFile, on_progress: Callable[[Path, int, int], None] | None
    ) -> tuple[FileReport, Snapshot]:
        """Feeds the whole file."""
        gate, pipeline = self._gate, self._pipeline
        try:
            stop = gate.open_capture(file.address, file.size)
            frames, now_ns, next_tick_ns = 0, 0, 0
            while not (stop or file.was_cut()):
                progress, batch = gate.read_capture(until_ns=next_tick_ns, max_frames=MAX_BATCH_FRAMES)
                frames += progress.frames
                now_ns = max(now_ns, progress.time_ns)
                pipeline.read(batch.slices, batch.payload_bytes)
                if progress.reached:
                    judged_ns = next_tick_ns - 1  # what came before the bell is judged by the moment before it
                    pipeline.tick(judged_ns, judged_ns)
                    next_tick_ns = (progress.time_ns // TICK_NS + 1) * TICK_NS
                stop = progress.stop
                file.has_been_read(progress.at_bytes)
                if on_progress:
                    on_progress(self._path, progress.at_bytes, file.size)
            pipeline.finish(now_ns)
            snapshot = pipeline.snapshot(now_ns)
        finally:
            gate.close()
        why = (STOPS[stop] or None) if stop else CUT_MEANWHILE
        refused = why is not None and not frames
        report = FileReport(
            *(self._path, snapshot.gate.seen_packets, snapshot.gate.seen_bytes),
            note=None if refused else why,
            error=why if refused else None,
        )
        return report, snapshot
