"""Slices in the order they were captured -> facts: the machine that keeps what has begun of each flow's introduction.

Most introductions fit one slice and leave no trace here. The others are kept, within limits, until they are whole, the
flow ends (finish) or a limit is met. After facts other than a DnsMessage a flow is done: its state is gone, and its
later slices should not be fed.

What lies in a slice was chosen by whoever sent it, so one that meets a defect of ours may end no daemon: it is counted, and
whoever runs this machine can be told where the defect is. Without somebody to tell, as in a replay, it is raised.
"""

from collections import Counter
from collections.abc import Callable, Iterable

from agent.facts import DnsMessage, Facts, Unread
from agent.flow import Direction, Slice, SliceFlag, SliceKind
from agent.wire import dns, tls
from agent.wire.cursor import Malformed
from agent.wire.readings import READINGS, BannerReading, Reading, read_dns_message

MAX_FLOWS = 65_536
"""Introductions read at the same time: a second's worth of new flows on a busy 10 Gbit/s tap, ten times over."""

MAX_FLOW_BYTES = 16_384
"""Of one introduction and direction. The gate opens no more of a stream (gate_core.h: GATE_TLS_BYTES)."""

MAX_BYTES = 64 << 20
"""Of all introductions together: MAX_FLOWS of 1 KiB, so that many large ones cannot fill the memory."""

_STATE_BYTES = 256
"""What a reading takes beside the bytes it keeps, roughly."""

# As plain integers: to look up a member of an enumeration and to compare with it takes 0.1 us, some five times a slice.
_TLS = int(SliceKind.TLS)
_DNS = int(SliceKind.DNS)
_TO_SERVER = int(Direction.TO_SERVER)
_FRAGMENT = int(SliceFlag.FRAGMENT)


class Handshakes:
    """Every introduction that is being read, by the flow's slot in the gate's table.

    A new introduction beyond `max_flows`, and one that grows beyond `max_bytes`, is given up and counted: the best that
    its slices say by then is the answer. Those already begun stay: they are nearer their end.
    """

    __slots__ = (
        *("_kept_bytes", "_max_bytes", "_max_flow_bytes", "_max_flows", "_on_defect", "_readings"),
        *("defects", "limits_met"),
    )

    def __init__(
        self,
        *,
        max_flows: int = MAX_FLOWS,
        max_flow_bytes: int = MAX_FLOW_BYTES,
        max_bytes: int = MAX_BYTES,
        on_defect: Callable[[], None] | None = None,
    ) -> None:
        """`on_defect` is called while the exception of a defect is handled; without it the exception is raised on."""
        self._max_flows = max_flows
        self._max_flow_bytes = max_flow_bytes
        self._max_bytes = max_bytes
        self._on_defect = on_defect
        self._kept_bytes = 0
        self._readings: dict[int, tuple[Reading, int]] = {}
        """slot -> the reading, and the bytes it was counted with in `kept_bytes`"""
        self.limits_met: Counter[str] = Counter()
        """Name of a limit -> how often it was met: "handshake_flows", "handshake_bytes" (all together),
        "handshake_flow_bytes" (of one flow), "dns_answers" (of one message)."""
        self.defects = 0
        """Slices and ends of flows whose reading failed by a defect of ours, and said nothing."""

    def __len__(self) -> int:
        """Introductions begun and not done."""
        return len(self._readings)

    @property
    def kept_bytes(self) -> int:
        """Memory in use, roughly."""
        return self._kept_bytes

    def feed(
        self, s: Slice, ip_protocol: int, client_port: int, server_port: int, payload_len: int = 0
    ) -> tuple[Facts, ...]:
        """What the slice completes: nothing, one fact, or several messages of DNS over TCP.

        `payload_len` is the packet's payload in bytes, for banners; 0 stands for the slice's own. Any fact but a
        DnsMessage ends the introduction; so does an Unread, except that of a DNS message in a datagram of its own.
        """
        try:
            return self._read(s, ip_protocol, client_port, server_port, payload_len)
        except Exception as error:  # noqa: BLE001 - nobody may end a daemon with a packet; told of and counted, or raised on
            self._count_defect(error)
            return ()

    def finish(self, slot: int) -> Facts | None:
        """The best that can be said when no more will come; None when there is nothing to say. The state is dropped."""
        reading = self._take(slot)
        try:
            best = None if reading is None else _best(reading)
        except Exception as error:  # noqa: BLE001 - as in feed
            self._count_defect(error)
            return None
        if best is not None:
            self._count((best,))
        return best

    def forget(self, slots: Iterable[int]) -> None:
        """Drops what is kept of these flows, if anything."""
        for slot in self._readings.keys() & slots:
            self._take(slot)

    def _count_defect(self, error: Exception) -> None:
        """Call it while handling: tells of the exception, or raises it on."""
        if self._on_defect is None:
            raise error
        self._on_defect()
        self.defects += 1

    def _read(
        self, s: Slice, ip_protocol: int, client_port: int, server_port: int, payload_len: int
    ) -> tuple[Facts, ...]:
        slot, kind = s.slot, s.kind
        reading = self._take(slot) if slot in self._readings else None
        if reading is not None and type(reading) is not READINGS.get(kind, BannerReading):
            reading = None  # the slot has passed to another flow
        if reading is None:
            at_once = self._at_once(s)
            if at_once is not None:
                return at_once
            reader = READINGS.get(kind)
            if reader is None:
                reading = BannerReading(ip_protocol, client_port, server_port)
            else:
                reading = reader(self._max_flow_bytes)
        try:
            facts = reading.feed(s, payload_len)
        except Malformed:
            return (Unread(reading.protocol, "malformed"),)
        if not reading.done and (not facts or type(facts[-1]) is DnsMessage):
            facts += self._put(slot, reading)
        return self._count(facts)

    def _at_once(self, s: Slice) -> tuple[Facts, ...] | None:
        """The facts of a slice that holds a whole introduction, as most do; None when it must be put together."""
        _slot, direction, kind, flags, offset, _time_ns, data = s
        if offset:
            return None
        if kind == _DNS:
            return None if flags & _FRAGMENT else self._count((read_dns_message(data),))
        if kind == _TLS and direction == _TO_SERVER:
            try:
                hello = tls.read_stream(data)
            except Malformed:
                return (Unread("tls", "malformed"),)
            return None if hello is None else (hello,)
        return None

    def _take(self, slot: int) -> Reading | None:
        """The flow's reading, out of the table; _put brings it back."""
        found = self._readings.pop(slot, None)
        if found is None:
            return None
        reading, kept = found
        self._kept_bytes -= kept
        return reading

    def _put(self, slot: int, reading: Reading) -> tuple[Facts, ...]:
        """Keeps the reading for the flow's next slice; or, where a limit is met, gives it up and says what it has."""
        kept = reading.kept_bytes() + _STATE_BYTES
        if len(self._readings) >= self._max_flows:
            met = "handshake_flows"
        elif self._kept_bytes + kept > self._max_bytes:
            met = "handshake_bytes"
        else:
            self._readings[slot] = reading, kept
            self._kept_bytes += kept
            return ()
        self.limits_met[met] += 1
        best = _best(reading)
        return () if best is None else (best,)

    def _count(self, facts: tuple[Facts, ...]) -> tuple[Facts, ...]:
        for fact in facts:
            if isinstance(fact, DnsMessage):
                if len(fact.answers) >= dns.MAX_ANSWERS:
                    self.limits_met["dns_answers"] += 1
            elif isinstance(fact, Unread) and fact.reason == "too_large":
                self.limits_met["handshake_flow_bytes"] += 1
        return facts


def _best(reading: Reading) -> Facts | None:
    try:
        return reading.finish()
    except Malformed:
        return Unread(reading.protocol, "malformed")
