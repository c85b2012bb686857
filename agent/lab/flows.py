"""A planned flow -> its frames: a dialogue over TCP or UDP, the troubles of a real network, and their times."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from scapy.layers.l2 import ARP, Dot1Q, Ether

from agent.flow import Direction, Endpoints
from agent.lab.canary import filled
from agent.lab.frames import Dialogue, Frame, Packet, Truth
from agent.lab.stack import TcpTalk, Wire, fragments, mac

TO_SERVER, TO_CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT

INTRODUCTION_PACKETS = 8
"""Handshake and first words of a flow without TLS or QUIC. They keep their order: if sealed bytes overtook them, sealed
bytes would be the flow's first payload, which is opened by right."""

Talk = Callable[[random.Random], Iterator[Packet]]
"""Speaks a flow from its first packet to its last; all chance comes from the argument."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A flow that is decided, and not yet spoken."""

    truth: Truth
    """Without counts."""
    talk: Talk
    start_ns: int
    pace_ns: int
    """Mean time between two packets."""


def over_tcp(
    rng: random.Random, ends: Endpoints, vlan: int | None, dialogue: Dialogue, *, midstream: bool = False
) -> Iterator[Packet]:
    """The dialogue as a connection: most end with FIN, some with RST, some are still open when the day ends.

    Every second segment is acknowledged. A connection met `midstream` has no SYN and no end.
    """
    talk = TcpTalk(
        Wire(ends, vlan=vlan),
        initial_sequences=(rng.getrandbits(32), rng.getrandbits(32)),
        start_ms=rng.getrandbits(31) if rng.random() < 0.5 else None,
    )
    if not midstream:
        yield from talk.open()
    for line in dialogue:
        for index, packet in enumerate(talk.send(line.speaker, line.data)):
            yield packet
            if index % 2:
                yield talk.acknowledge(Direction(1 - line.speaker))
    ending = 1.0 if midstream else rng.random()
    if ending < 0.8:
        yield from talk.close()
    elif ending < 0.9:
        yield talk.reset(Direction(rng.randrange(2)))


def over_udp(ends: Endpoints, vlan: int | None, dialogue: Dialogue) -> Iterator[Packet]:
    """The dialogue as datagrams, one for each line."""
    wire = Wire(ends, vlan=vlan)
    for line in dialogue:
        yield wire.udp(line.speaker, line.data)


def pings(rng: random.Random, ends: Endpoints, vlan: int | None, flow_number: int) -> Iterator[Packet]:
    """Echo requests and replies; the first 64 bytes of data are a counter, as ping sends, the rest is marked."""
    wire = Wire(ends, vlan=vlan)
    identifier = rng.randrange(2**16)
    data = bytes(range(64)) + filled(flow_number, 64)
    for sequence in range(1, rng.randrange(3, 8)):
        yield wire.echo(TO_SERVER, identifier, sequence, data)
        yield wire.echo(TO_CLIENT, identifier, sequence, data)


def address_resolution(asker: bytes, owner: bytes, vlan: int | None) -> Iterator[Packet]:
    """An ARP request for `owner` and its reply (RFC 826); IPv4 addresses."""
    tag = Dot1Q(vlan=vlan) if vlan is not None else None
    texts = {address: (mac(address).hex(":"), ".".join(map(str, address))) for address in (asker, owner)}
    (asker_mac, asker_text), (owner_mac, owner_text) = texts[asker], texts[owner]
    for direction, link, body in (
        (
            TO_SERVER,
            Ether(src=asker_mac, dst="ff:ff:ff:ff:ff:ff"),
            ARP(op=1, hwsrc=asker_mac, psrc=asker_text, pdst=owner_text),
        ),
        (
            TO_CLIENT,
            Ether(src=owner_mac, dst=asker_mac),
            ARP(op=2, hwsrc=owner_mac, psrc=owner_text, hwdst=asker_mac, pdst=asker_text),
        ),
    ):
        yield Packet(direction, bytes(link / tag / body if tag is not None else link / body))


def impaired(rng: random.Random, packets: Iterator[Packet], spared: int) -> Iterator[Packet]:
    """After the first `spared` packets: repeats some, swaps some with the next of their direction, fragments some."""
    held: Packet | None = None
    for index, packet in enumerate(packets):
        if index < spared:
            yield packet
        elif held is not None:
            yield from (packet, held) if packet.direction == held.direction else (held, packet)
            held = None
        else:
            chance = rng.random()
            if chance < 0.08:
                held = packet
            elif chance < 0.12:
                yield from (packet, packet)
            elif chance < 0.16 and len(packet.data) > 700:
                yield from fragments(packet, 552)
            else:
                yield packet
    if held is not None:
        yield held


def spoken(plan: Plan, rng: random.Random) -> Iterator[tuple[Frame, Direction]]:
    """The plan's frames in order of time, the first at its start."""
    time_ns = plan.start_ns
    for packet in plan.talk(rng):
        yield Frame(time_ns, packet.data), packet.direction
        time_ns += 1 + int(rng.expovariate(1 / plan.pace_ns))
