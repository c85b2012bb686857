"""Devices that use what a test wants -> a gate, a pipeline and the census between them."""

from collections.abc import Iterable

from agent.devices.census import MAX_HASHES, Census
from agent.lab.frames import Frame
from agent.pipeline import Pipeline
from agent.snapshot import DeviceScope, Snapshot
from tests.allowance.school import connection
from tests.plain_policy import PlainPolicy
from tests.tapped import START_NS, Tap

SECRET = b"a secret that the whole district shares, and nobody else"
VLAN = 10
SEGMENT = "vlan 10"
ALL, NAMED = (DeviceScope(SEGMENT, category, 4) for category in ("", "named"))
DAY_NS = 86_400_000_000_000


def device(number: int) -> bytes:
    """An address inside the district."""
    return b"\x0a\x14" + number.to_bytes(2, "big")


class CountedTap(Tap):
    """A tap with a census."""

    def __init__(self, secret: bytes = SECRET, *, max_hashes: int = MAX_HASHES, max_flows: int = 4096) -> None:
        super().__init__(max_flows=max_flows)
        self.census = Census(secret, max_hashes=max_hashes)
        self.pipeline = Pipeline(self.gate, PlainPolicy(), census=self.census, on_flow=self.records.append)

    def use(self, *clients: bytes, time_ns: int = START_NS, vlan: int | None = VLAN, port: int = 50_000) -> Snapshot:
        """Each client opens a connection at that time; then there is a tick."""
        self.play(frame for client in clients for frame in connection(client, [time_ns], vlan=vlan, port=port))
        return self.tick_at(self.now_ns)

    def play(self, frames: Iterable[Frame]) -> None:
        """The frames, in order of time."""
        self.feed(sorted(frames, key=lambda frame: frame.time_ns))

    def tick_at(self, now_ns: int) -> Snapshot:
        """A tick at a time."""
        self.now_ns = now_ns
        return self.tick()

    def handed_on(self) -> dict[DeviceScope, set[bytes]]:
        """All that waits, taken."""
        found: dict[DeviceScope, set[bytes]] = {}
        while batch := self.census.next_batch(100):
            for scope, hashes in batch.hashes.items():
                found.setdefault(scope, set()).update(hashes)
        return found
