"""Tests of an interface's packet socket: it receives what it should, tells why it cannot, and comes back."""

import errno
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.capture import interface
from agent.capture.interface import Interface, InterfaceError
from tests.live.cable import SWITCH, TAP, Cable
from tests.live.needs import need_packet_sockets
from tests.live.sender import Load, Sender
from tests.live.traffic import middle
from tests.live.waiting import wait_for

TIMEOUT_S = 10.0
FRAMES = middle(1, 20)
TINY_BUFFER_BYTES = 4096
QUIET_S = 0.1
"""Long enough for what should not arrive to arrive."""


@pytest.fixture
def tap(cable: Cable) -> Iterator[Interface]:
    """The near end, not yet bound."""
    with cable.inside(cable.near):
        made = Interface(TAP)
    yield made
    made.close()


def received(tap: Interface) -> list[bytes]:
    """Frames that have arrived."""
    found = []
    while True:
        try:
            found.append(tap.socket.recv(65_536))
        except BlockingIOError:
            return found
        except OSError as error:
            if error.errno != errno.ENETDOWN:  # told once, after a link was down
                raise


def receives_all(tap: Interface) -> bool:
    """Whether FRAMES arrive, in their order, and nothing else; the kernel may take a moment."""
    found: list[bytes] = []

    def enough() -> bool:
        found.extend(received(tap))
        return len(found) >= len(FRAMES)

    wait_for(enough, TIMEOUT_S, lambda: f"{len(found)} of {len(FRAMES)} frames arrived")
    return found == FRAMES


def bind(cable: Cable, tap: Interface) -> None:
    """Binds where the interface is."""
    with cable.inside(cable.near):
        tap.bind()


def test_nothing_before_it_is_bound(cable: Cable, tap: Interface, sender: Sender) -> None:
    """What comes before the gate stands is not received; afterwards all is, whoever it is addressed to."""
    sender.send(Load(FRAMES))
    time.sleep(QUIET_S)
    assert [] == received(tap)
    bind(cable, tap)
    sender.send(Load(FRAMES))

    assert receives_all(tap)
    assert (None, 0) == (tap.follow(), tap.dropped_packets())


def test_only_what_arrives(cable: Cable, tap: Interface) -> None:
    """What this machine itself sends on the interface is not seen: on a tap that is nothing, elsewhere it is twice."""
    bind(cable, tap)
    with cable.inside(cable.near):
        own = Sender(TAP)
    own.send(Load(FRAMES))
    own.close()
    time.sleep(QUIET_S)

    assert [] == received(tap)


def test_down_and_up(cable: Cable, tap: Interface, sender: Sender) -> None:
    """A link that is down is told; when it is up frames arrive again, without binding anew."""
    bind(cable, tap)
    cable.set_tap("down")
    assert f"interface {TAP} is down" == tap.follow()
    cable.set_tap("up")
    wait_for(lambda: tap.follow() is None, TIMEOUT_S, lambda: str(tap.follow()))
    sender.send(Load(FRAMES))

    assert receives_all(tap)


@pytest.mark.parametrize("same_index", [False, True])
def test_gone_and_back(same_index: bool, cable: Cable, tap: Interface) -> None:
    """An interface made anew is bound again, promiscuous, whether or not someone saw it go."""
    bind(cable, tap)
    index = cable.tap_index()
    cable.pull_out()
    if not same_index:
        assert f"interface {TAP} is gone" == tap.follow()
    cable.plug_in(index if same_index else index + 10)
    with cable.inside(cable.far):
        again = Sender(SWITCH)
    assert tap.follow() is None
    again.send(Load(FRAMES))
    again.close()

    assert receives_all(tap)


def test_renamed(cable: Cable, tap: Interface, sender: Sender) -> None:
    """An interface of another name is another one; under its own name it is bound again."""
    bind(cable, tap)
    cable.set_tap("down")
    cable.set_tap("name", "other0")
    assert f"interface {TAP} is gone" == tap.follow()
    cable.set_tap("name", TAP, name="other0")
    cable.set_tap("up")
    wait_for(lambda: tap.follow() is None, TIMEOUT_S, lambda: str(tap.follow()))
    sender.send(Load(FRAMES))

    assert receives_all(tap)


def test_no_such_interface(cable: Cable) -> None:
    """The error says which there are."""
    with cable.inside(cable.near):
        absent = Interface("eth99")
        with pytest.raises(InterfaceError, match=f"eth99: no such interface; there are: lo, {TAP}"):
            absent.bind()
        absent.close()


def test_no_ethernet(cable: Cable) -> None:
    """Frames of other links would not be understood, so they are refused at the start."""
    if not Path("/dev/net/tun").exists():
        pytest.skip("NO /dev/net/tun HERE: no interface can be made that is not Ethernet")
    cable.ip_near("tuntap", "add", "dev", "tunnel0", "mode", "tun")
    with cable.inside(cable.near):
        other = Interface("tunnel0")
        with pytest.raises(InterfaceError, match="tunnel0: not an Ethernet interface"):
            other.bind()
        other.close()


def test_no_permission(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the capability."""

    def refuse(*_arguments: object) -> socket.socket:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(socket, "socket", refuse)
    with pytest.raises(InterfaceError, match="eth1: Operation not permitted; listening takes CAP_NET_RAW"):
        Interface("eth1")


def test_what_the_socket_lost(cable: Cable, tap: Interface, sender: Sender) -> None:
    """Frames that found no room are counted, once each, however often one asks."""
    tap.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, TINY_BUFFER_BYTES)
    bind(cable, tap)
    sender.send(Load(FRAMES * 10))
    kept: list[bytes] = []

    def all_told() -> bool:
        time.sleep(0.05)  # meanwhile nobody reads, so there is no room
        lost = tap.dropped_packets()
        kept.extend(received(tap))
        return len(kept) + lost >= len(FRAMES) * 10

    wait_for(all_told, TIMEOUT_S, lambda: f"{len(kept)} kept, {tap.dropped_packets()} lost")
    lost = tap.dropped_packets()
    assert lost > 0
    assert (len(FRAMES) * 10, lost) == (len(kept) + lost, tap.dropped_packets())


def test_what_the_card_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted from the start on; a card that goes and comes back, with its counts or with none, takes nothing back."""
    need_packet_sockets()
    told = iter([1000, 1003, None, 1009, 1010, 2, 5])
    monkeypatch.setattr(interface, "_lost", lambda _name: next(told))
    tap = Interface("eth1")

    assert [0, 3, 3, 3, 4, 4, 7] == [tap.dropped_packets() for _ in range(7)]
    tap.close()


def test_a_card_that_is_not_there() -> None:
    """It has lost nothing that could be known."""
    assert interface._lost("no-such-card") is None
