"""Frames -> slices, through a gate whose promises are checked after every use."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from agent.flow import Slice, SliceKind
from agent.gate.native import NativeGate
from agent.gate.slices import SliceBatch
from agent.lab.canary import PREFIX
from agent.lab.frames import Frame

MAX_SLICE_BYTES = {
    SliceKind.TLS: 16384,
    SliceKind.DTLS: 4096,
    SliceKind.QUIC: 4096,
    SliceKind.DNS: 4096,
    SliceKind.DNS_TCP: 16384,
    SliceKind.HTTP_METHOD: 16,
    SliceKind.HTTP_HOST: 256,
    SliceKind.BANNER: 64,
}
"""docs/privacy.md: the most that one slice of a kind may hold."""

MAX_FLOW_BYTES = {SliceKind.TLS: 16384, SliceKind.HTTP_METHOD: 16, SliceKind.HTTP_HOST: 256, SliceKind.BANNER: 64}
"""docs/privacy.md: the most that all slices of a kind may hold of one flow's one direction."""


class Feeder:
    """Feeds a gate, and asserts after every use that all is counted, and that nothing is open which must be closed."""

    def __init__(self, gate: NativeGate, *, canaries_allowed: bool = False) -> None:
        self.gate = gate
        self._canaries_allowed = canaries_allowed
        self._opened: dict[str, int] = defaultdict(int)
        self._streams: dict[tuple[int, int, int, int], bytearray] = defaultdict(bytearray)
        self._removed = [0, 0]

    def __call__(self, frames: Iterable[Frame], *, link: int = 1, vlan: int = -1) -> list[Slice]:
        """Feeds the frames; returns what was opened."""
        return [one for frame in frames for one in self.feed_one(frame, link=link, vlan=vlan).slices]

    def feed_one(self, frame: Frame, *, link: int = 1, vlan: int = -1) -> SliceBatch:
        """Feeds a frame and returns its slices, each with its packet's payload length."""
        batch = self.gate.feed(frame.data, time_ns=frame.time_ns, link=link, wire_bytes=frame.wire_bytes, vlan=vlan)
        self.look_at(batch.slices)
        return batch

    def look_at(self, slices: Iterable[Slice]) -> None:
        """Checks what has left the gate, and that every frame so far is counted once."""
        for one in slices:
            assert len(one.data) <= MAX_SLICE_BYTES[SliceKind(one.kind)]
            self._opened[SliceKind(one.kind).name.lower()] += len(one.data)
            flow = self.gate.table.flow(one.slot)
            stream = self._streams[one.slot, flow.first_ns, one.direction, one.kind]
            stream += one.data
            assert len(stream) <= MAX_FLOW_BYTES.get(SliceKind(one.kind), len(stream))
            assert self._canaries_allowed or PREFIX not in stream
        self.check()

    def remove(self, slots: Sequence[int]) -> None:
        """Frees rows, whose counts are then this feeder's."""
        for slot in slots:
            self._removed = [a + b for a, b in zip(self._removed, self.counts([slot]), strict=True)]
        for stream in [stream for stream in self._streams if stream[0] in slots]:
            del self._streams[stream]
        self.gate.remove(slots)
        self.check()

    def counts(self, slots: Iterable[int]) -> tuple[int, int]:
        """Packets and bytes of the rows, both ways."""
        packets = octets = 0
        for slot in slots:
            row_packets, row_bytes = self.gate.table.counts(slot)
            packets += sum(row_packets)
            octets += sum(row_bytes)
        return packets, octets

    def live(self) -> list[int]:
        """Slots in use."""
        slots: list[int] = self.gate.table.live(self.gate.high_water).tolist()
        return slots

    def check(self) -> None:
        """Conservation: seen = rows + removed rows + untracked + undecodable, for packets and for bytes."""
        totals = self.gate.totals()
        for index, (unit, rows) in enumerate(zip(("packets", "bytes"), self.counts(self.live()), strict=True)):
            outside = totals[f"untracked_{unit}"] + totals[f"undecodable_{unit}"]
            assert totals[f"seen_{unit}"] == rows + self._removed[index] + outside
        opened = {kind: count for kind, count in self.gate.opened_bytes().items() if count}
        assert opened == {kind: count for kind, count in self._opened.items() if count}
        assert 0 == totals["lost_slices"]


def placed(slices: Iterable[Slice], direction: int = 0) -> tuple[int, bytes]:
    """The opened bytes of one direction as one stretch of its stream: where it begins, and the bytes.

    Asserts that they leave no hole, and that bytes opened twice are the same.
    """
    at: dict[int, int] = {}
    for one in slices:
        if one.direction == direction:
            for position, byte in enumerate(one.data, one.offset):
                assert at.setdefault(position, byte) == byte
    start = min(at, default=0)
    assert sorted(at) == list(range(start, start + len(at)))
    return start, bytes(at[position] for position in sorted(at))


def kinds(slices: Iterable[Slice]) -> list[SliceKind]:
    """The kinds of the slices, in their order."""
    return [SliceKind(one.kind) for one in slices]
