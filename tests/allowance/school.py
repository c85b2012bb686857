"""Devices that use a category in minutes of the test's choosing -> a gate, a pipeline and the allowances between them."""

import random
from collections.abc import Iterable, Sequence
from itertools import count
from typing import Final

from agent.allowance.allowances import SALT_BYTES, Allowances, DaySoFar
from agent.flow import Endpoints
from agent.lab import dialogues
from agent.lab.crafted import STEP_NS
from agent.lab.frames import Frame
from agent.lab.stack import TcpTalk, Wire
from agent.pipeline import Pipeline
from agent.snapshot import Counts, IncidentalUse, Snapshot
from agent.verdict import Allowance, Verdict
from tests.plain_policy import PlainPolicy, always
from tests.tapped import SERVER, START_NS, Tap

MINUTE_NS: Final = 60_000_000_000
NOON_NS: Final = START_NS // MINUTE_NS * MINUTE_NS
"""The start of a minute, far from midnight in UTC and in New York."""
CELL: Final = ("unknown", "named")
"""Segment and category of all traffic here, unless it has a VLAN."""
HALF_AN_HOUR: Final = PlainPolicy(always(Verdict.INCIDENTAL), allowance=Allowance(minutes=30))
TWO_MINUTES: Final = PlainPolicy(always(Verdict.INCIDENTAL), allowance=Allowance(minutes=2))


def device(number: int) -> bytes:
    """The address of a device."""
    return b"\x0a\x14\x07" + bytes([number])


def connection(
    client: bytes,
    times_ns: Sequence[int],
    *,
    vlan: int | None = None,
    port: int = 50_000,
    name: str = "www.crafted.example",
) -> list[Frame]:
    """A TLS connection that begins at the first of the times, and has one more packet at each of the others."""
    talk = TcpTalk(
        Wire(Endpoints(client, port, SERVER if len(client) == 4 else b"\x20\x01" + bytes(14), 443), vlan=vlan)
    )
    packets = list(talk.open())
    for line in dialogues.tls(random.Random(port), 1, name, [300, 900]):
        packets += talk.send(line.speaker, line.data)
    frames = [Frame(times_ns[0] + i * STEP_NS, packet.data) for i, packet in enumerate(packets)]
    return frames + [Frame(time_ns, packets[-1].data) for time_ns in times_ns[1:]]


def each_minute(minutes: int, *, start_ns: int = NOON_NS) -> list[int]:
    """A time in the middle of each of so many minutes."""
    return [start_ns + minute * MINUTE_NS + MINUTE_NS // 2 for minute in range(minutes)]


def salts() -> Iterable[bytes]:
    """Salts that are different, and the same in each run."""
    return (number.to_bytes(SALT_BYTES, "big") for number in count(1))


class School(Tap):
    """A tap with allowances. Frames are played in order of time, with a tick at the end of each period."""

    def __init__(
        self,
        policy: PlainPolicy = HALF_AN_HOUR,
        *,
        min_devices: int = 1,
        before: DaySoFar | None = None,
        max_uses: int = 1000,
    ) -> None:
        super().__init__(policy)
        made = iter(salts())
        self.allowances = Allowances(lambda: next(made), min_devices=min_devices, before=before, max_uses=max_uses)
        self.pipeline = Pipeline(self.gate, policy, allowances=self.allowances, on_flow=self.records.append)

    def play(self, frames: Iterable[Frame], *, period_ns: int = MINUTE_NS) -> Snapshot:
        """Plays the frames, ticks included, up to the end of the last one's period."""
        due_ns = 0
        for frame in sorted(frames, key=lambda frame: frame.time_ns):
            if due_ns and frame.time_ns >= due_ns:
                self.tick_at(due_ns - 1)
            due_ns = (frame.time_ns // period_ns + 1) * period_ns
            self.feed([frame])
        return self.tick_at(due_ns - 1)

    def tick_at(self, now_ns: int) -> Snapshot:
        """A tick at a time."""
        self.now_ns = now_ns
        return self.tick()


def use(snapshot: Snapshot, cell: tuple[str, str] = CELL) -> IncidentalUse:
    """What is told of a cell; nothing when it is absent."""
    return snapshot.incidental.get(cell, IncidentalUse())


def verdicts(snapshot: Snapshot) -> dict[Verdict, Counts]:
    """Counts by verdict."""
    found: dict[Verdict, Counts] = {}
    for line in snapshot.classes:
        found[line.verdict] = found.get(line.verdict, Counts()) + line.counts
    return found
