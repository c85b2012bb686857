"""Dialogues of protocols without names: their first 64 bytes each way are bare, the rest is marked."""

import random

import dpkt
import pytest

from agent.lab import banners
from agent.lab.canary import flow_numbers

SPEAKERS = {
    speaker.__name__: speaker
    for speaker in (
        banners.ssh,
        banners.ftp,
        banners.smb,
        banners.bittorrent,
        banners.dht,
        banners.utp,
        banners.stun,
        banners.wireguard,
        banners.unknown,
    )
}
STARTS = {
    "ssh": (b"SSH-2.0-", b"SSH-2.0-"),
    "ftp": (b"USER ", b"220 "),
    "bittorrent": (b"\x13BitTorrent protocol", b"\x13BitTorrent protocol"),
    "dht": (b"d1:ad2:id20:", b"d1:rd2:id20:"),
    "utp": (b"\x41\0", b"\x21\0"),
    "stun": (b"\0\x01", b"\x01\x01"),
    "wireguard": (b"\x01\0\0\0", b"\x02\0\0\0"),
}


@pytest.mark.parametrize("name", SPEAKERS)
@pytest.mark.parametrize("seed", range(3))
def test_what_may_be_opened_is_bare_and_the_rest_marked(name: str, seed: int) -> None:
    """No canary in the first 64 bytes that each side says; one in everything else that has 64 bytes or more."""
    heard = set()
    closed = 0
    for line in SPEAKERS[name](random.Random(seed), 6, [200, 3000, 100, 700]):
        sealed = line.data
        if line.speaker not in heard:
            heard.add(line.speaker)
            assert frozenset() == flow_numbers(line.data[: banners.OPENED_BYTES])
            sealed = line.data[banners.OPENED_BYTES :]
        assert len(sealed) < 64 or frozenset({6}) == flow_numbers(sealed)
        closed += len(flow_numbers(sealed))
    assert {0, 1} == heard
    assert closed > 0


@pytest.mark.parametrize("name", STARTS)
def test_introductions_are_the_protocols_own(name: str) -> None:
    """Each side's first words begin as its protocol does."""
    first: dict[int, bytes] = {}
    for line in SPEAKERS[name](random.Random(1), 6, [200, 3000]):
        first.setdefault(line.speaker, line.data)
    up, down = STARTS[name]
    assert first[0].startswith(up)
    assert first[1].startswith(down)


def test_smb_measures_itself() -> None:
    """The length before an SMB2 message is that of the negotiation."""
    up, _down = list(banners.smb(random.Random(1), 6, []))
    assert b"\xfeSMB" == up.data[4:8]
    assert len(up.data) - 4 - 96 == int.from_bytes(up.data[:4], "big")


def test_stun_measures_itself() -> None:
    """The length in a STUN header covers all attributes, and these end where the message does (RFC 8489 section 5)."""
    for line in list(banners.stun(random.Random(1), 6, [])):
        assert b"\x21\x12\xa4\x42" == line.data[4:8]
        assert len(line.data) - 20 == int.from_bytes(line.data[2:4], "big")
        at = 20
        while at < len(line.data):
            at += 4 + -(-int.from_bytes(line.data[at + 2 : at + 4], "big") // 4) * 4
        assert len(line.data) == at


def test_ntp_is_48_bytes_each_way() -> None:
    """dpkt reads client and server mode; there is nothing to mark."""
    lines = list(banners.ntp(random.Random(1), 6, []))
    assert [3, 4] == [dpkt.ntp.NTP(line.data).mode for line in lines]
    assert {48} == {len(line.data) for line in lines}


def test_midstream_is_marked_from_its_first_byte() -> None:
    """A flow met in its middle shows nothing."""
    lines = list(banners.midstream(random.Random(1), 6, [10, 3000]))
    assert {frozenset({6})} == {flow_numbers(line.data[:31]) for line in lines}
