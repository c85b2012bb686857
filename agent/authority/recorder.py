"""Flows at their end -> records of those that an authorisation covers, in the log; of all others, nothing."""

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from agent.authority.authorisation import Authorisation
from agent.authority.record_log import RecordLog
from agent.authority.scope import Scopes
from agent.authority.signature import KeyFileError
from agent.authority.statement import time_text
from agent.authority.store import PUBLIC_KEY, RECORDS, Store, read_public_key, read_store
from agent.pipeline import FlowRecord

LIMITS: Final = (
    "authorisations_refused",
    "authorisations_skipped",
    "authorisations_unreadable",
    "records_lost",
    "record_log_full",
    "record_log_unsynced",
    "record_log_damaged",
)
"""What `limits_met` can count, so that its series can start at 0."""

_NOTHING: Final = Store((), frozenset(), {})


class Recorder:
    """Keeps records under the authorisations of a directory.

    The public key is read once: another one in its place is of no use until the daemon is started again.
    """

    def __init__(self, directory: Path, *, records_days: int, records: Path | None = None) -> None:
        """Args:
        directory: Of the authorisations; only read.
        records_days: How long records are kept.
        records: Directory of the log; `records` below the other one when not given. Made with the first record.
        """
        self._directory = directory
        self._log = RecordLog(directory / RECORDS if records is None else records, keep_days=records_days)
        self._public_pem: bytes | None = None
        self._seen: object = None
        self._scopes = Scopes(())
        self._met: Counter[str] = Counter()
        self.store = _NOTHING
        """What the directory held when it was last read."""

    def record(self, flow: FlowRecord, *, stamp_ns: int, now_ns: int) -> None:
        """Records a flow that has just ended, if an authorisation covers it.

        Args:
            flow: As the pipeline's `on_flow` gives it.
            stamp_ns: Now, by the clock that stamps packets (Tap.now_ns).
            now_ns: Now, in nanoseconds since the epoch.
        """
        if not self._scopes:
            return
        started_ns = now_ns - max(0, stamp_ns - flow.flow.first_ns)
        authorisation = self._scopes.covering(
            client=flow.flow.ends.client, segment=flow.flow_class.segment, started_ns=started_ns, now_ns=now_ns
        )
        if authorisation is not None:
            self._log.append(entry_of(flow, authorisation, started_ns, now_ns), now_ns)

    def keep(self, records_days: int) -> None:
        """From the next tick on, records are kept so long."""
        self._log.keep(records_days)

    def tick(self, now_ns: int) -> None:
        """Reads the directory again if anything in it has changed, and sees to the log. To be called each second."""
        seen = self._look()
        if seen != self._seen:
            self._seen = seen
            self._read()
        self._log.tick(now_ns)

    @property
    def wants_names(self) -> bool:
        """Whether an authorisation in force asks for the names of flows."""
        return any(one.names for one in self.store.in_force)

    def close(self) -> None:
        """Brings the log to the disk."""
        self._log.close()

    @property
    def limits_met(self) -> Mapping[str, int]:
        """How often each of LIMITS was met, for Snapshot.limits."""
        return {name: self._met[name] + self._log.limits_met[name] for name in LIMITS}

    def _look(self) -> object:
        """Something that differs when a file of the directory was made, changed or removed."""
        try:
            with os.scandir(self._directory) as entries:
                return sorted(
                    _state(entry) for entry in entries if entry.name.endswith(".json") or entry.name == PUBLIC_KEY
                )
        except OSError as error:
            return error.errno  # _read finds the same, and counts it

    def _read(self) -> None:
        # Whatever cannot be read gives no permission: it is nothing that is recorded then, rather than too much.
        store = _NOTHING
        try:
            if self._public_pem is None:
                self._public_pem = read_public_key(self._directory)
            store = read_store(self._directory, self._public_pem)
        except OSError:
            self._met["authorisations_unreadable"] += 1
        except KeyFileError:
            self._public_pem = None  # nothing was ever permitted by it
            self._met["authorisations_unreadable"] += 1
        self._met["authorisations_refused"] += len(store.refused)
        self._met["authorisations_skipped"] += store.skipped
        self._scopes = Scopes(store.in_force)
        self.store = store


def _state(entry: os.DirEntry[str]) -> tuple[str, int, int, int]:
    """What changes when a file does. A link that leads nowhere has a state too: its file may come."""
    try:
        status = entry.stat()
    except OSError:
        return entry.name, 0, 0, 0
    return entry.name, status.st_ino, status.st_size, status.st_mtime_ns


def open_recorder(directory: Path, *, records_days: int, now_ns: int, records: Path | None = None) -> Recorder:
    """A recorder that has read its directory; see Recorder."""
    recorder = Recorder(directory, records_days=records_days, records=records)
    recorder.tick(now_ns)
    return recorder


def entry_of(flow: FlowRecord, authorisation: Authorisation, started_ns: int, ended_ns: int) -> dict[str, object]:
    """What is recorded of a flow: no address, no port, no payload; names only where the authorisation says so."""
    entry: dict[str, object] = {
        "kind": "flow",
        "authorisation": authorisation.identifier,
        "started": time_text(started_ns),
        "ended": time_text(ended_ns),
        "segment": flow.flow_class.segment,
        "application": flow.flow_class.application,
        "category": flow.flow_class.category,
        "account": flow.flow_class.account.value,
        "verdict": flow.verdict.value,
        "sent_packets": flow.packets[0],
        "received_packets": flow.packets[1],
        "sent_bytes": flow.bytes[0],
        "received_bytes": flow.bytes[1],
    }
    if authorisation.names:
        entry["names"] = list(flow.hostnames)
    return entry
