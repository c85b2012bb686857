"""Frames -> a gate and its pipeline, one by one; and the few kinds of traffic that tests of the pipeline speak of."""

import random
import weakref
from collections.abc import Iterable

from agent.contracts import Policy
from agent.flow import Direction, Endpoints, FlowClass
from agent.gate.native import NativeGate
from agent.lab import crafted, dialogues
from agent.lab.crafted import timed
from agent.lab.flows import over_tcp, over_udp
from agent.lab.frames import Frame, Line
from agent.lab.hellos import CHROME, Browser
from agent.lab.stack import TcpTalk, Wire
from agent.pipeline import FlowRecord, Pipeline
from agent.snapshot import Counts, Snapshot
from agent.verdict import Verdict
from tests.plain_policy import PlainPolicy

ANN, BOB, EVE = (b"\x0a\x14\1" + bytes([i]) for i in (1, 2, 3))
SERVER, OTHER = b"\xc6\x12\1\1", b"\xc6\x12\1\2"
RESOLVER = b"\x0a\0\0\x35"
START_NS = crafted.START_NS
SECOND_NS = 1_000_000_000
TO_SERVER, TO_CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT


class Tap:
    """A gate and its pipeline. Frames are fed one by one, so that each seal is in force when the next one comes."""

    def __init__(self, policy: Policy | None = None, *, max_flows: int = 4096, names_kept: bool = True) -> None:
        self.gate = NativeGate(max_flows=max_flows)
        weakref.finalize(self, self.gate.close)
        self.records: list[FlowRecord] = []
        self.pipeline = Pipeline(
            self.gate, policy or PlainPolicy(), on_flow=self.records.append if names_kept else None
        )
        self.now_ns = START_NS

    def feed(self, frames: Iterable[Frame]) -> None:
        """One frame after the other."""
        for frame in frames:
            batch = self.gate.feed(frame.data, time_ns=frame.time_ns, wire_bytes=frame.wire_bytes)
            self.pipeline.read(batch.slices, batch.payload_bytes)
            self.now_ns = max(self.now_ns, frame.time_ns)

    def tick(self, *, after_ns: int = 0) -> Snapshot:
        """A tick so long after the last frame or tick; the law of conservation holds at every one."""
        self.now_ns += after_ns
        self.pipeline.tick(self.now_ns, self.now_ns)
        return self._conserved()

    def finish(self) -> list[FlowRecord]:
        """Ends every flow, and returns all that have ended since the start."""
        self.pipeline.finish(self.now_ns)
        self._conserved()
        return self.records

    def _conserved(self) -> Snapshot:
        snapshot = self.pipeline.snapshot(self.now_ns)
        assert (0, 0) == (snapshot.gate.missing_packets, snapshot.gate.missing_bytes)
        return snapshot

    def live(self) -> list[int]:
        """Slots in use."""
        slots: list[int] = self.gate.table.live(self.gate.high_water).tolist()
        return slots

    def sealed(self) -> list[bool]:
        """Of each live flow, whether it is sealed."""
        return [self.gate.table.is_sealed(slot) for slot in self.live()]


def by_verdict(snapshot: Snapshot) -> dict[tuple[str, Verdict], Counts]:
    """Counts by application and verdict."""
    found: dict[tuple[str, Verdict], Counts] = {}
    for line in snapshot.classes:
        key = (line.flow_class.application, line.verdict)
        found[key] = found.get(key, Counts()) + line.counts
    return found


def look_up(client: bytes, name: str, *addresses: bytes, ech: bytes = b"", port: int = 40_000) -> list[Frame]:
    """`client` asks for a name, and is answered."""
    lines = dialogues.look_up(random.Random(1), name, "HTTPS" if ech else "A", addresses, ech=ech)
    return timed(over_udp(Endpoints(client, port, RESOLVER, 53), None, lines))


def tls(
    client: bytes,
    name: str | None,
    *,
    server: bytes = SERVER,
    port: int = 50_000,
    encrypted: bool = False,
    browser: Browser = CHROME,
) -> list[Frame]:
    """A TLS connection that stays open, with `name` as server_name or without one."""
    rng = random.Random(port)
    talk = TcpTalk(Wire(Endpoints(client, port, server, 443)))
    packets = list(talk.open())
    for line in dialogues.tls(rng, 1, name, [300, 900], browser=browser, encrypted=encrypted):
        packets += talk.send(line.speaker, line.data)
    return timed(packets)


def http(client: bytes, host: str, *, server: bytes = SERVER, port: int = 51_000) -> list[Frame]:
    """One request, and the response."""
    lines = dialogues.http(random.Random(1), 1, host, [100, 500])
    return timed(over_tcp(random.Random(1), Endpoints(client, port, server, 80), None, lines))


def opaque(client: bytes, *, server: bytes = SERVER, port: int = 52_000) -> list[Frame]:
    """Datagrams of a protocol that nobody knows."""
    lines = iter([Line(TO_SERVER, b"\0" * 40), Line(TO_CLIENT, b"\1" * 40)])
    return timed(over_udp(Endpoints(client, port, server, 27_015), None, lines))


def classes(records: Iterable[FlowRecord], protocol: str | None = None) -> list[FlowClass]:
    """The classes of flows that are not DNS, or of one protocol."""
    found = [record.flow_class for record in records]
    return [one for one in found if (one.protocol == protocol if protocol else one.protocol != "dns")]
