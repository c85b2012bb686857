"""A seed -> a school day of frames in order of time, and the truth about every flow in it."""

import heapq
import random
from collections.abc import Iterator
from dataclasses import replace

from agent.flow import Direction
from agent.lab.flows import Plan, spoken
from agent.lab.frames import Frame, Truth
from agent.lab.visits import SEGMENTS, Campus, Segment

FLOWS_PER_CLIENT = 12


class Day:
    """One day. Its frames may be asked for again, and are the same each time.

    Memory holds the flows that are open at a moment, and the truths; never the frames.
    """

    def __init__(
        self, *, seed: int, flows: int, start_ns: int, duration_ns: int, segments: tuple[Segment, ...] = SEGMENTS
    ) -> None:
        """See school_day()."""
        if flows < 1 or duration_ns < 1:
            message = f"a day needs at least one flow and one nanosecond, not {flows} and {duration_ns}"
            raise ValueError(message)
        self._seed = seed
        self._flows = flows
        self._start_ns = start_ns
        self._duration_ns = duration_ns
        self._segments = segments
        self._truths: list[Truth] = []

    @property
    def truths(self) -> tuple[Truth, ...]:
        """The flows that have ended so far, with their counts; all of them once the frames are exhausted."""
        return tuple(self._truths)

    def frames(self) -> Iterator[Frame]:
        """All frames in order of time."""
        self._truths = []
        running: list[tuple[int, int, _Running]] = []
        for plan in self._plans():
            yield from self._advance(running, until_ns=plan.start_ns)
            flow = _Running(plan, random.Random(f"{self._seed}/{plan.truth.flow_number}"))
            heapq.heappush(running, (flow.frame.time_ns, plan.truth.flow_number, flow))
        yield from self._advance(running, until_ns=None)

    def _advance(self, running: list[tuple[int, int, "_Running"]], until_ns: int | None) -> Iterator[Frame]:
        while running and (until_ns is None or running[0][0] < until_ns):
            _, number, flow = running[0]
            yield flow.frame
            if flow.step():
                heapq.heapreplace(running, (flow.frame.time_ns, number, flow))
            else:
                heapq.heappop(running)
                self._truths.append(flow.truth())

    def _plans(self) -> Iterator[Plan]:
        """Plans in order of their start. Half of the visits crowd into the first minutes after a bell."""
        rng = random.Random(self._seed)
        clients = max(3, self._flows // FLOWS_PER_CLIENT)
        campus = Campus(rng, clients=clients, segments=self._segments, max_pace_ns=max(1, self._duration_ns // 400))
        lessons = 6
        moments = []
        for _ in range(self._flows):
            within = rng.betavariate(1, 4) if rng.random() < 0.5 else rng.random()
            moments.append((rng.randrange(lessons) + within) / lessons)
        moments.sort()
        waiting: list[tuple[int, int, Plan]] = []
        for moment in moments:
            start_ns = self._start_ns + int(moment * self._duration_ns)
            while waiting and waiting[0][0] <= start_ns:
                yield heapq.heappop(waiting)[2]
            for plan in campus.visit(start_ns):
                heapq.heappush(waiting, (plan.start_ns, plan.truth.flow_number, plan))
        while waiting:
            yield heapq.heappop(waiting)[2]


def school_day(
    *, seed: int, flows: int, start_ns: int, duration_ns: int, segments: tuple[Segment, ...] = SEGMENTS
) -> Day:
    """A day of synthetic traffic, the same for the same arguments.

    Args:
        seed: any number; another seed is another day.
        flows: how many visits there are. The DNS look-ups before them are flows of their own, and come on top.
        start_ns: nanoseconds since the epoch; no frame is earlier.
        duration_ns: visits begin within this time; the last flows run on a little after it.
        segments: parts of the network that the clients belong to.

    Raises:
        ValueError: no flow or no time was asked for.
    """
    return Day(seed=seed, flows=flows, start_ns=start_ns, duration_ns=duration_ns, segments=segments)


class _Running:
    """A flow that is being spoken: the frame it is at, and what it has counted."""

    __slots__ = ("_bytes", "_frames", "_packets", "_plan", "frame")

    def __init__(self, plan: Plan, rng: random.Random) -> None:
        self._plan = plan
        self._frames = spoken(plan, rng)
        self._packets = [0, 0]
        self._bytes = [0, 0]
        self.frame = self._count(next(self._frames))

    def step(self) -> bool:
        """Moves to the next frame. False when there is none."""
        found = next(self._frames, None)
        if found is None:
            return False
        self.frame = self._count(found)
        return True

    def truth(self) -> Truth:
        """The plan's truth with the counts so far."""
        packets, octets = self._packets, self._bytes
        return replace(self._plan.truth, packets=(packets[0], packets[1]), bytes=(octets[0], octets[1]))

    def _count(self, found: tuple[Frame, Direction]) -> Frame:
        frame, direction = found
        self._packets[direction] += 1
        self._bytes[direction] += frame.wire_bytes
        return frame
