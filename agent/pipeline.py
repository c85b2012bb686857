"""Slices from the gate -> names -> classes and seals back to the gate; rows -> ledger -> snapshot. The order of things."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from agent.allowance.allowances import Allowances, DaySoFar
from agent.allowance.day import day_of
from agent.contracts import Gate, Policy, Slots
from agent.devices.census import Census, Today
from agent.facts import Banner, ClientHello, DnsMessage, Facts, HttpRequest, Unread
from agent.flow import Flow, FlowClass, Slice, SliceKind
from agent.handshake import Handshakes
from agent.ledger import FIELDS, Ledger
from agent.naming.book import AddressBook
from agent.naming.name import find_name
from agent.naming.personal import PersonalAddresses
from agent.snapshot import GateTotals, Snapshot
from agent.verdict import Decision, Verdict
from agent.wire.dns import forget_names

WAIT_NS: Final = 5_000_000_000
"""A flow that has sent payload and is not named after this is named by what there is."""
REMEMBERED_NS: Final = 3_600_000_000_000
"""An hour: for so long names are remembered to be quick. The notice says that no name is held for more than a day."""
MAX_HOSTNAMES: Final = 64
"""Names kept for one flow record; a resolver's flow asks for thousands."""

LIMITS: Final = (
    *("policy_names_remembered", "policy_decisions_remembered", "classes"),
    *("handshake_flows", "handshake_bytes", "handshake_flow_bytes", "dns_answers"),
    *("book_entries", "book_public_names", "personal_addresses", "gate_personal_addresses"),
    *("incidental_uses", "device_hashes", "flow_table", "lost_slices", "headers"),
)
"""What Snapshot.limits can count, so that each series can start at 0."""

_NO_PORTS: Final = (0, 0, 0)
_DNS: Final = int(SliceKind.DNS)
_BANNER: Final = int(SliceKind.BANNER)


@dataclass(frozen=True, slots=True)
class FlowRecord:
    """One flow at its end: for the owner of a capture file, and for what a written authorisation covers; else never made."""

    flow: Flow
    hostnames: tuple[str, ...]
    """What the flow was called; for DNS, the names asked for."""
    flow_class: FlowClass
    verdict: Verdict
    packets: tuple[int, int]
    """(to server, to client)"""
    bytes: tuple[int, int]


class Pipeline:
    """Everything between a gate and a snapshot.

    Args:
        gate: whose slices these are and whose rows are settled.
        policy: classifies and judges; replaced by `reload`.
        allowances: counts what devices use of what is incidental; without it no allowance is ever met.
        census: counts distinct devices; without it nobody does.
        on_flow: called with each flow when its row is given back; names are kept only when it is given,
        keeps_names: and this says so at that moment.
        on_defect: called while the exception is handled, when the reading of an introduction fails by a defect of ours;
        without it the exception is raised on.
    """

    def __init__(
        self,
        gate: Gate,
        policy: Policy,
        *,
        allowances: Allowances | None = None,
        census: Census | None = None,
        on_flow: Callable[[FlowRecord], None] | None = None,
        keeps_names: Callable[[], bool] = lambda: True,
        on_defect: Callable[[], None] | None = None,
    ) -> None:
        self._gate = gate
        self._policy = policy
        self._allowances = allowances
        self._census = census
        self._ahead_ns = 0
        self._on_flow = on_flow
        self._keeps_names = keeps_names
        self._handshakes = Handshakes(on_defect=on_defect)
        self._book = AddressBook()
        self._remembering_since_ns = 0
        self._personal = PersonalAddresses()
        self._ledger = Ledger()
        self._retired = np.zeros((self._ledger.classes, FIELDS), dtype=np.int64)
        self._hostnames: dict[int, dict[str, None]] = {}
        self._results: Counter[tuple[str, str]] = Counter()
        self._met: Counter[str] = Counter()
        self._seen: Mapping[str, int] = {}
        self._settled = self._retired
        self._unsettled = np.zeros(FIELDS, dtype=np.int64)
        self._active: Mapping[str, int] = {}

    def reload(self, policy: Policy) -> None:
        """From the next flow and tick on, `policy` classifies and judges. Classes that flows have stay theirs."""
        self._policy = policy
        self._personal.judge_anew()

    def read(self, slices: Iterable[Slice], payload_bytes: Sequence[int]) -> None:
        """Reads opened bytes, names their flows, and seals them.

        Args:
            slices: in the order in which the gate gave them.
            payload_bytes: of the packet behind each slice.
        """
        table, feed = self._gate.table, self._handshakes.feed
        is_sealed = table.is_sealed
        for piece, payload in zip(slices, payload_bytes, strict=True):
            slot, _direction, kind, _flags, _offset, time_ns, _data = piece
            if is_sealed(slot):
                continue  # named earlier in this batch
            ip_protocol, client_port, server_port = table.ports(slot) if kind == _BANNER else _NO_PORTS
            # A datagram of DNS that cannot be read says nothing about the next one, so it seals no more than the others.
            seal = kind != _DNS
            for facts in feed(piece, ip_protocol, client_port, server_port, payload):
                self._take(slot, facts, time_ns, seal=seal)

    def tick(self, now_ns: int, wall_ns: int) -> None:
        """Names what will introduce itself no further, gives back idle rows, and judges what was counted since.

        Args:
            now_ns: by the clock that stamps packets.
            wall_ns: nanoseconds since the epoch, by which bells ring.
        """
        table, high_water = self._gate.table, self._gate.high_water
        for slot in table.undecided(high_water, now_ns - WAIT_NS):
            self._name_late(slot)
        self._gate.release(table.idle(high_water, now_ns))
        self._ahead_ns = wall_ns - now_ns
        self._count_incidental_use(wall_ns)
        self._count_devices(wall_ns)
        self._retire(self._gate.released(), wall_ns)
        self._judge(wall_ns)
        self._forget_names(now_ns)

    def finish(self, wall_ns: int) -> None:
        """Ends every flow: the capture is over."""
        live = self._gate.table.live(self._gate.high_water)
        for slot in self._gate.table.unclassed(live):
            self._name_late(slot)
        self._count_incidental_use(wall_ns)
        self._count_devices(wall_ns)
        self._retire(live, wall_ns)
        self._judge(wall_ns)

    def snapshot(self, wall_ns: int) -> Snapshot:
        """All counts as of the last tick."""
        seen, unsettled = self._seen, self._unsettled
        settled = self._settled.sum(axis=0)
        today, held_back = self._allowances.told() if self._allowances else (DaySoFar(""), 0)
        return Snapshot(
            time_ns=wall_ns,
            gate=GateTotals(
                kind=self._gate.kind,
                seen_packets=seen.get("seen_packets", 0),
                seen_bytes=seen.get("seen_bytes", 0),
                settled_packets=int(settled[1] + settled[2]),
                settled_bytes=int(settled[3] + settled[4]),
                unsettled_packets=int(unsettled[1] + unsettled[2]),
                unsettled_bytes=int(unsettled[3] + unsettled[4]),
                untracked_packets=seen.get("untracked_packets", 0),
                untracked_bytes=seen.get("untracked_bytes", 0),
                undecodable_packets=seen.get("undecodable_packets", 0),
                undecodable_bytes=seen.get("undecodable_bytes", 0),
                active_flows=sum(self._active.values()),
                max_flows=self._gate.table.capacity,
            ),
            classes=self._ledger.class_counts(),
            active_flows=self._active,
            opened_bytes=dict(self._gate.opened_bytes()),
            rule_matches=dict(self._ledger.rule_matches),
            handshakes=dict(self._results),
            defects=self._handshakes.defects,
            limits=self._limits(),
            incidental=today.uses,
            suppressed_cells=held_back,
        )

    def _forget_names(self, now_ns: int) -> None:
        """Drops names whose time is over; the notice says for how long they are held at most."""
        self._book.forget(now_ns)
        if not self._remembering_since_ns <= now_ns < self._remembering_since_ns + REMEMBERED_NS:
            self._remembering_since_ns = now_ns
            self._policy.forget_names()
            forget_names()

    # ---- Naming

    def _take(self, slot: int, facts: Facts, now_ns: int, *, seal: bool) -> None:
        """Uses what one introduction said; a flow that it names says no more when `seal`."""
        self._results[_result_of(facts)] += 1
        if isinstance(facts, DnsMessage):
            self._take_dns(slot, facts, now_ns)
        elif not self._gate.table.class_of(slot):
            self._name(slot, facts, now_ns, seal=seal)

    def _take_dns(self, slot: int, message: DnsMessage, now_ns: int) -> None:
        """Learns from a DNS message. Its flow is named once and never sealed: each message is an introduction."""
        table = self._gate.table
        if message.response:
            self._book.learn(table.client(slot), message, now_ns)
            self._learn_personal(message)
        if self._on_flow and self._keeps_names():
            self._keep_hostnames(slot, message.questions)
        if not table.class_of(slot):
            self._name(slot, message, now_ns, seal=False)

    def _learn_personal(self, message: DnsMessage) -> None:
        if not message.questions:
            return
        asked = message.questions[0]
        holds_closed, learn = self._policy.holds_closed, self._personal.learn
        for record in message.answers:
            for address in record.hints or (record.address,):
                if not address:
                    continue
                hold, drop = learn(address, personal=holds_closed(asked, address))
                if hold and not self._gate.add_personal(hold):
                    self._met["gate_personal_addresses"] += 1
                if drop:
                    self._gate.drop_personal(drop)

    def _name(self, slot: int, facts: Facts | None, now_ns: int, *, seal: bool) -> None:
        """Gives a flow its class, for good."""
        policy, place = self._policy, self._gate.table.place(slot)
        name = find_name(
            facts,
            place,
            self._book,
            now_ns,
            is_public_name=policy.is_public_name,
            is_site=policy.is_site,
            is_known_protocol=policy.is_known_protocol,
        )
        flow_class = policy.classify(
            vlan=place.vlan,
            client=place.client,
            name=name.name,
            evidence=name.evidence,
            protocol=name.protocol,
            server=place.server,
        )
        self._gate.table.settle(slot, self._ledger.number(flow_class), seal=seal)
        if self._on_flow and name.name and self._keeps_names():
            self._keep_hostnames(slot, (name.name,))

    def _name_late(self, slot: int) -> None:
        """Names a flow that will say no more about itself, by what it said and by what DNS said."""
        table = self._gate.table
        first_ns = table.flow(slot).first_ns
        facts = self._handshakes.finish(slot)
        if facts is not None:
            self._take(slot, facts, first_ns, seal=True)
        if not table.class_of(slot):  # a look-up that nobody answered is DNS all the same, and may yet be answered
            unanswered = table.is_dns(slot)
            self._name(slot, Banner("dns") if unanswered else None, first_ns, seal=not unanswered)

    def _keep_hostnames(self, slot: int, names: Iterable[bytes]) -> None:
        kept = self._hostnames.setdefault(slot, {})
        for name in names:
            if len(kept) < MAX_HOSTNAMES:
                kept[name.decode("ascii", "backslashreplace")] = None

    # ---- Counting

    def _count_incidental_use(self, wall_ns: int) -> None:
        """Finds what went beyond an allowance since the last tick, while every row that it was counted in is there."""
        if self._allowances is None:
            return
        gate, ledger, policy = self._gate, self._ledger, self._policy

        def judge(number: int) -> tuple[FlowClass, Decision]:
            flow_class = ledger.flow_class(number)
            return flow_class, policy.decide(flow_class, wall_ns)

        beyond = self._allowances.count(
            *(gate.table, gate.high_water),
            wall_ns=wall_ns,
            ahead_ns=self._ahead_ns,
            zone=policy.zone,
            judge=judge if policy.has_allowances else None,
        )
        ledger.go_beyond(beyond)

    def _count_devices(self, wall_ns: int) -> None:
        """Counts the devices of flows that are new since the last tick, while every row of theirs is there."""
        if self._census is None:
            return
        gate, policy = self._gate, self._policy
        day = day_of(wall_ns, policy.zone)
        self._census.count(
            *(gate.table, gate.high_water),
            today=Today(day.name, day.start_ns, day.end_ns),
            ahead_ns=self._ahead_ns,
            flow_class=self._ledger.flow_class,
            is_device=policy.is_device,
        )

    def _retire(self, slots: Slots, wall_ns: int) -> None:
        """Takes over the counts of rows that no packet reaches any more, and gives the rows back."""
        if not len(slots):
            return
        table = self._gate.table
        for slot in table.unclassed(slots):
            self._name_late(slot)
        if self._on_flow:
            for slot in slots.tolist():
                self._on_flow(self._record(slot, wall_ns))
                self._hostnames.pop(slot, None)
        self._retired = _wider(self._retired, self._ledger.classes)
        self._retired += table.totals_of(slots, self._ledger.classes)
        self._handshakes.forget(slots.tolist())
        if self._allowances:
            self._allowances.forget(slots)
        if self._census:
            self._census.forget(slots)
        self._gate.remove(slots)

    def _record(self, slot: int, wall_ns: int) -> FlowRecord:
        table = self._gate.table
        flow_class = self._ledger.flow_class(table.class_of(slot))
        packets, octets = table.counts(slot)
        verdict = self._policy.decide(flow_class, wall_ns).verdict
        if verdict is Verdict.INCIDENTAL and self._allowances and self._allowances.is_beyond(slot):
            verdict = Verdict.REVIEW
        names = tuple(self._hostnames.get(slot, ()))
        return FlowRecord(table.flow(slot), names, flow_class, verdict, packets, octets)

    def _judge(self, wall_ns: int) -> None:
        """Brings the ledger up to date: the rows that are left behind, and those that live."""
        before = self._gate.totals()
        classes = self._ledger.classes
        live = self._gate.table.totals(self._gate.high_water, classes)
        self._unsettled = live[0].copy()
        self._settled = _wider(self._retired, classes) + live
        self._seen = _between(before, self._gate.totals(), self._settled.sum(axis=0))
        self._settled[0] = 0
        self._ledger.judge(self._settled, lambda flow_class: self._policy.decide(flow_class, wall_ns))
        active: Counter[str] = Counter()
        for number in np.flatnonzero(live[:, 0]).tolist():
            active[self._ledger.flow_class(number).category if number else "unclassified"] += int(live[number, 0])
        self._active = active

    def _limits(self) -> Mapping[str, int]:
        met = Counter(self._met)
        for limits in (self._policy.limits(), self._handshakes.limits_met, self._book.limits_met):
            met.update(limits)
        met.update(self._personal.limits_met)
        met.update(self._ledger.limits_met)
        met.update(self._allowances.limits_met if self._allowances else {})
        met.update(self._census.limits_met if self._census else {})
        met["flow_table"] += self._seen.get("untracked_packets", 0)
        met["lost_slices"] += self._seen.get("lost_slices", 0)
        met["headers"] += self._seen.get("truncated_headers", 0)
        return met


def _result_of(facts: Facts) -> tuple[str, str]:
    """(protocol, result) of an introduction, for hallwatch_handshakes_total."""
    if isinstance(facts, DnsMessage):
        return "dns", "read"
    if isinstance(facts, ClientHello):
        return facts.protocol, "read" if facts.complete else "partial"
    if isinstance(facts, Unread):
        return facts.protocol, facts.reason
    return "http" if isinstance(facts, HttpRequest) else facts.protocol, "read"


def _between(before: Mapping[str, int], after: Mapping[str, int], in_flows: npt.NDArray[np.int64]) -> Mapping[str, int]:
    """The gate's totals at the moment at which the rows were summed, told from a reading before and one after it.

    The kernel goes on counting meanwhile. What the rows held is true of a moment between the readings, unless frames
    are really missing: then it is less than even the first of them had seen.
    """
    seen = dict(before)
    for unit, columns in (("packets", slice(1, 3)), ("bytes", slice(3, 5))):
        accounted = int(in_flows[columns].sum()) + before[f"untracked_{unit}"] + before[f"undecodable_{unit}"]
        seen[f"seen_{unit}"] = min(max(accounted, before[f"seen_{unit}"]), after[f"seen_{unit}"])
    return seen


def _wider(totals: npt.NDArray[np.int64], classes: int) -> npt.NDArray[np.int64]:
    """`totals` with a line for each class number; the missing ones are 0."""
    return np.pad(totals, ((0, classes - len(totals)), (0, 0)))
