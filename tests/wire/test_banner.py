"""Tests of banners as a whole: the tables together, both directions, and no opinion on noise."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.facts import Banner
from agent.wire.banner import PROTOCOLS, read_both, read_opening
from agent.wire.opening import Opening

TCP, UDP = 6, 17
PORTS = [
    *(21, 25, 43, 53, 67, 69, 80, 88, 110, 123, 137, 138, 139, 143, 161, 389, 443, 445, 500, 502, 514, 546, 1080, 1194),
    *(1400, 1718, 1719, 1720, 1812, 2000, 2049, 3389, 3478, 4500, 5060, 5222, 5683, 5938, 6881, 8000, 8801, 17_500),
]
"""Those that a probe asks about, and some that none does."""


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
    st.just(0) | st.integers(0, 2000),
    st.integers(0, 65535),
    st.sampled_from(PORTS),
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
