"""One flow that goes on for as long as a test wants: its introduction, and packets of its middle."""

import itertools
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from agent.flow import Direction
from agent.lab.crafted import NAME, ends_of
from agent.lab.hellos import Browser, client_hello, records, sealed_records
from agent.lab.stack import TcpTalk, Wire
from tests.live.sender import Load, Sender

SMALL = Browser("small")
"""Its hello fits one packet."""


def introduction(flow_number: int, name: str = NAME) -> list[bytes]:
    """The frames that open a TLS connection, up to its ClientHello."""
    talk = TcpTalk(Wire(ends_of(flow_number, 443)))
    hello = records(client_hello(random.Random(flow_number), name, browser=SMALL))
    packets = [*talk.open(), *talk.send(Direction.TO_SERVER, hello)]
    return [packet.data for packet in packets]


def middle(flow_number: int, packets: int) -> list[bytes]:
    """Frames of the same connection, later on: sealed records, both ways in turn."""
    wire = Wire(ends_of(flow_number, 443))
    frames = []
    for i in range(packets):
        talk = TcpTalk(wire, initial_sequences=(100_000 + 1000 * i, 200_000 + 1000 * i))
        speaker = Direction(i % 2)
        frames += [packet.data for packet in talk.send(speaker, sealed_records(flow_number, 500))][:1]
    return frames


@contextmanager
def going_on(sender: Sender, load: Load, *, packets_per_s: float) -> Iterator[None]:
    """Sends the load over and over, at a steady rate, by a thread of its own, while the block runs."""
    stop = threading.Event()

    def send() -> None:
        for _ in itertools.takewhile(lambda _: not stop.is_set(), itertools.count()):
            sender.send(load, packets_per_s=packets_per_s)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
