"""Entries over a real socket, read as journald reads them."""

import os
import socket
import struct
from pathlib import Path

import pytest

from agent.journal import Journal, encode


def read(datagram: bytes) -> list[tuple[str, str]]:
    """The fields of a datagram, by the description of the protocol."""
    fields = []
    while datagram:
        line, _, datagram = datagram.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if not equals:
            (length,) = struct.unpack_from("<Q", datagram)
            value, end, datagram = datagram[8 : 8 + length], datagram[8 + length], datagram[9 + length :]
            assert end == ord("\n")
        fields.append((name.decode(), value.decode()))
    return fields


@pytest.mark.parametrize(
    "value", ["", "plain", "a=b", "two words", "line\nend", "\n", "fake\nPRIORITY=0", "\x00\x1b[31m", "größer"]
)
def test_values_come_over_whole(value: str) -> None:
    """No value can end its field early, or forge another one."""
    fields = [("MESSAGE", value), ("HALLWATCH_EVENT", "ready")]

    assert fields == read(encode(fields))


def test_a_value_that_is_not_unicode() -> None:
    """A name of a file may hold a lone surrogate (os.fsdecode): it is shown, not refused."""
    assert [("MESSAGE", "a\\udcffb")] == read(encode([("MESSAGE", os.fsdecode(b"a\xffb"))]))


@pytest.mark.parametrize("name", ["", "lower", "_PID", "A-B", "A B", "A\n", "A" * 65])
def test_names_that_journald_drops(name: str) -> None:
    """They are refused here, rather than lost there."""
    with pytest.raises(ValueError, match="no name of a journal field"):
        encode([(name, "x")])


def test_one_event_is_one_datagram(tmp_path: Path) -> None:
    """The journal's socket gets what was encoded."""
    journal = Journal(str(tmp_path / "socket"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journald:
        journald.bind(str(tmp_path / "socket"))
        journal.send([("MESSAGE", "a\nb"), ("PRIORITY", "6")])
        received = journald.recv(1 << 16)
    journal.close()

    assert [("MESSAGE", "a\nb"), ("PRIORITY", "6")] == read(received)


def test_no_journal(tmp_path: Path) -> None:
    """It is told, so that the event can go elsewhere."""
    journal = Journal(str(tmp_path / "nobody"))
    with pytest.raises(FileNotFoundError):
        journal.send([("MESSAGE", "x")])
    journal.close()


def send_for_ever(journal: Journal) -> None:
    """Sends, until something stops it."""
    while True:
        journal.send([("MESSAGE", "x")])


def test_a_journal_that_is_stuck(tmp_path: Path) -> None:
    """When it reads nothing the sender is not held up: unix(7) takes so many datagrams, and no more."""
    journal = Journal(str(tmp_path / "socket"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journald:
        journald.bind(str(tmp_path / "socket"))
        with pytest.raises(BlockingIOError):
            send_for_ever(journal)
    journal.close()


def test_an_event_that_is_too_long(tmp_path: Path) -> None:
    """No datagram holds it: that is told too."""
    journal = Journal(str(tmp_path / "socket"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journald:
        journald.bind(str(tmp_path / "socket"))
        with pytest.raises(OSError, match="too long"):
            journal.send([("MESSAGE", "x" * (1 << 24))])
    journal.close()
