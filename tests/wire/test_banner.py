"""Tests of banners as a whole: the tables together, both directions, and no opinion on noise."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.facts import Banner
from agent.wire.banner import PROTOCOLS, read_both, read_opening
from agent.wire.opening import Opening

TCP, UDP = 6, 17


def test_one_direction() -> None:
    """The tables of TCP and UDP are apart; other transports have none."""
    ssh = Opening(b"SSH-2.0-x\r\n", 11, 50_000, 22, 1)

    assert [Banner("ssh"), None, None] == [read_opening(ssh, number) for number in (TCP, UDP, 132)]


def test_both_directions() -> None:
    """What one direction leaves open, both may tell."""
    assert Banner("ftp") == read_both(b"USER me\r\n", b"220 hello\r\n", TCP)
    assert Banner("socks") == read_both(b"\x05\x01\x00", b"\x05\x00", TCP)
    assert [None, None] == [read_both(b"USER me\r\n", b"220 hello\r\n", number) for number in (UDP, 132)]


def test_empty() -> None:
    """No bytes, no opinion."""
    assert [None, None] == [read_opening(Opening(b"", 100, 500, 500, 0), number) for number in (TCP, UDP)]


def test_names() -> None:
    """The protocols a banner can name are words for a catalogue: lower case, digits and underscores."""
    assert {True} == {name.replace("_", "").isalnum() and name == name.lower() for name in PROTOCOLS}
    assert {"ssh", "bittorrent", "smb", "stun", "wireguard", "dns", "rtp"} <= PROTOCOLS


@given(
    st.binary(max_size=64),
    st.integers(0, 2000),
    st.integers(0, 65535),
    st.sampled_from(
        [21, 25, 53, 88, 123, 137, 161, 389, 443, 500, 514, 1080, 1719, 2000, 3389, 4500, 5060, 8000, 8801]
    ),
    st.integers(0, 1),
    st.sampled_from([TCP, UDP]),
)
def test_any_bytes(data: bytes, more: int, client_port: int, server_port: int, direction: int, number: int) -> None:
    """Any bytes on any port give a Banner or None; nothing is raised."""
    found = read_opening(Opening(data, len(data) + more, client_port, server_port, direction), number)

    assert found is None or found.protocol in PROTOCOLS


@pytest.mark.parametrize("number", [TCP, UDP])
def test_no_opinion_on_noise(number: int) -> None:
    """Of 20,000 packets of random bytes between high ports, none is named: encrypted traffic looks like that."""
    dice = random.Random(64)
    named = []
    for _ in range(20_000):
        size = dice.choice((20, 48, 74, 92, 148, 172, 600, 1200))
        data = dice.randbytes(64)[:size]
        found = read_opening(Opening(data, size, dice.randrange(20_000, 60_000), 40_000, dice.randrange(2)), number)
        named += [] if found is None else [(found.protocol, data)]

    assert [] == named
