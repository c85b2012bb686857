"""A capture's frames on an interface."""

import errno
from pathlib import Path
from typing import Self

import pytest

from agent.lab.frames import Frame
from agent.lab.pcap import write_pcap
from agent.selftest import sender
from agent.selftest.child import Child
from agent.selftest.namespaces import cable
from agent.selftest.reports import Ready, Seen, Sent

FRAMES = [b"\x02" * 6 + b"\x04" * 6 + b"\x88\xb5" + bytes([number]) * (46 + number) for number in range(100)]
"""Of the EtherType for experiments (IEEE 802), so that no protocol of the machine minds them."""


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    """Returns a file with FRAMES."""
    path = tmp_path / "frames.pcap"
    write_pcap(path, [Frame(number, data) for number, data in enumerate(FRAMES)])
    return path


def test_frames_are_read_as_they_were_written(capture: Path) -> None:
    """The reader gives each frame of the lab's file, whole and in order."""
    assert FRAMES == list(sender.frames(capture))


@pytest.mark.parametrize("content", [b"", b"\xd4", b"\x0a\x0d\x0d\x0a" + bytes(40)])
def test_another_file_is_refused(content: bytes, tmp_path: Path) -> None:
    """What the lab has not written so is not sent."""
    path = tmp_path / "other"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="not a capture file of the lab"):
        list(sender.frames(path))


class FullWire:
    """A socket of an interface that has no room at first."""

    def __init__(self, refusals: int, error: int) -> None:
        self._refusals = refusals
        self._error = error
        self.sent: list[bytes] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def bind(self, _address: object) -> None:
        return

    def send(self, frame: bytes) -> int:
        if self._refusals:
            self._refusals -= 1
            raise OSError(self._error, "")
        self.sent.append(frame)
        return len(frame)


@pytest.fixture
def unmoved(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keeps send() from moving the process that runs the tests to one CPU."""
    monkeypatch.setattr("agent.selftest.sender.os.sched_setaffinity", lambda *_: None)


@pytest.mark.usefixtures("unmoved")
def test_an_interface_without_room(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When there is no room for a frame, it is sent a little later: none is lost or sent twice."""
    wire = FullWire(3, errno.ENOBUFS)
    monkeypatch.setattr("agent.selftest.sender.socket.socket", lambda *_: wire)
    sent = sender.send(capture, "lo")

    assert FRAMES == wire.sent
    assert (len(FRAMES), 3) == (sent.packets, sent.retries)


@pytest.mark.usefixtures("unmoved")
def test_an_interface_without_room_for_ever(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not tried for ever."""
    monkeypatch.setattr("agent.selftest.sender.socket.socket", lambda *_: FullWire(10**9, errno.ENOBUFS))
    monkeypatch.setattr(sender, "MAX_RETRIES", 5)
    with pytest.raises(OSError, match="no room"):
        sender.send(capture, "lo")


@pytest.mark.usefixtures("unmoved")
def test_other_errors_are_not_retried(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link that is down is an error at once."""
    monkeypatch.setattr("agent.selftest.sender.socket.socket", lambda *_: FullWire(1, errno.ENETDOWN))
    with pytest.raises(OSError, match=rf"Errno {errno.ENETDOWN}"):
        sender.send(capture, "lo")


@pytest.mark.usefixtures("root")
def test_what_is_sent_arrives(capture: Path) -> None:
    """All frames come out of the other end of a cable, and are counted, to the byte."""
    with cable() as laid:
        end = laid.receiver
        with Child("agent.selftest.unguarded", [end.interface], end.enter) as receiver:
            receiver.hear(Ready, within_s=30)
            with Child("agent.selftest.sender", [str(capture), laid.sender.interface], laid.sender.enter) as child:
                sent = child.hear(Sent, within_s=30)
            receiver.say("stop")
            seen = receiver.hear(Seen, within_s=30)

    size = sum(map(len, FRAMES))
    assert Sent(len(FRAMES), size, 0, 0) == sent
    assert (len(FRAMES), size, 0) == (seen.packets, seen.bytes, seen.dropped_packets)
