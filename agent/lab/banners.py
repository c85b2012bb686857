"""A protocol without names -> what its two ends say to each other.

In every dialogue the first 64 bytes that each side says are the protocol's own and hold no canary, since the gate may
open them; whatever comes after is marked.
"""

import random
import struct
from collections.abc import Callable, Sequence
from functools import cache

from scapy.contrib.stun import STUN, STUNUsername, STUNXorMappedAddress
from scapy.contrib.wireguard import Wireguard, WireguardInitiation, WireguardResponse, WireguardTransport
from scapy.layers.ntp import NTPHeader
from scapy.layers.smb2 import DirectTCP, SMB2_Header, SMB2_Negotiate_Protocol_Request, SMB2_Negotiate_Protocol_Response
from scapy.layers.ssh import SSH, NameList, SSHKexInit, SSHVersionExchange

from agent.flow import Direction
from agent.lab.canary import canary, filled
from agent.lab.frames import Dialogue, Line

TO_SERVER, TO_CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT

OPENED_BYTES = 64
"""How much of the first payload each way the gate may open when it recognises nothing else."""

MAX_DATAGRAM_BYTES = 1300

Speaker = Callable[[random.Random, int, Sequence[int]], Dialogue]
"""(rng, flow number, sizes in bytes of what is said after the introduction, up and down in turn) -> dialogue"""


def ssh(rng: random.Random, flow_number: int, sizes: Sequence[int]) -> Dialogue:
    """Versions, key exchange (RFC 4253 section 7.1), then sealed packets."""
    yield Line(TO_SERVER, bytes(SSHVersionExchange(lines=[b"SSH-2.0-OpenSSH_9.9"])))
    yield Line(TO_CLIENT, bytes(SSHVersionExchange(lines=[b"SSH-2.0-OpenSSH_10.0"])))
    algorithms = NameList(names=[canary(flow_number), b"curve25519-sha256"])
    kex = bytes(
        SSH(pay=SSHKexInit(cookie=canary(flow_number), kex_algorithms=algorithms), random_padding=rng.randbytes(6))
    )
    yield Line(TO_SERVER, kex)
    yield Line(TO_CLIENT, kex)
    yield from _sealed(flow_number, sizes)


def ftp(rng: random.Random, flow_number: int, sizes: Sequence[int]) -> Dialogue:
    """Greeting, login and commands of a control connection (RFC 959)."""
    mark = canary(flow_number)
    yield Line(TO_CLIENT, b"220 (vsFTPd 3.0.5)\r\n")
    yield Line(TO_SERVER, b"USER anonymous\r\n")
    yield Line(TO_CLIENT, b"331 Please specify the password.\r\n")
    yield Line(TO_SERVER, b"PASS " + mark + b"\r\n")
    yield Line(TO_CLIENT, b"230 Login successful. " + mark + b"\r\n")
    for size in sizes[: rng.randrange(2, 8)]:
        yield Line(TO_SERVER, b"RETR " + filled(flow_number, 32) + b"\r\n")
        yield Line(TO_CLIENT, b"150 Opening data connection for " + mark + b" (%d bytes).\r\n" % size)


def smb(rng: random.Random, flow_number: int, sizes: Sequence[int]) -> Dialogue:
    """SMB2 NEGOTIATE (MS-SMB2 2.2.3, 2.2.4), then encrypted messages."""
    yield Line(TO_SERVER, _smb_negotiate(response=False) + filled(flow_number, 96))
    yield Line(TO_CLIENT, _smb_negotiate(response=True) + filled(flow_number, 96))
    for index, size in enumerate(sizes):
        head = struct.pack("!I", 52 + size) + b"\xfdSMB" + rng.randbytes(48)
        yield Line(Direction(index % 2), head + filled(flow_number, size))


def bittorrent(rng: random.Random, flow_number: int, sizes: Sequence[int]) -> Dialogue:
    """Handshake and pieces over TCP (BEP 3). The infohash lies within the first 64 bytes; the peer's name does not."""
    head = b"\x13BitTorrent protocol" + b"\0\0\0\0\0\x10\0\x05" + rng.randbytes(20)
    for speaker in (TO_SERVER, TO_CLIENT):
        peer = b"-qB5000-" + rng.randbytes(12)
        yield Line(speaker, head + peer + b"\0\0\0\x61\x05" + filled(flow_number, 96))
    for index, size in enumerate(sizes):
        yield Line(Direction(index % 2), struct.pack("!IBII", 9 + size, 7, index, 0) + filled(flow_number, size))


def dht(rng: random.Random, flow_number: int, sizes: Sequence[int]) -> Dialogue:
    """Kademlia messages over UDP (BEP 5); nodes are marked."""
    node = rng.randbytes(20)
    for index in range(0, len(sizes), 2):
        turn = b"%02x" % (index % 256)
        query = b"d1:ad2:id20:" + node + b"6:target20:" + rng.randbytes(20)
        yield Line(
            TO_SERVER, query + b"4:wants96:" + filled(flow_number, 96) + b"e1:q9:find_node1:t2:" + turn + b"1:y1:qe"
        )
        reply = b"d1:rd2:id20:" + rng.randbytes(20) + b"1:p4:" + rng.randbytes(4) + b"1:v4:qB50" + b"1:x4:none"
        yield Line(TO_CLIENT, reply + b"5:nodes208:" + filled(flow_number, 208) + b"e1:t2:" + turn + b"1:y1:re")


def utp(rng: random.Random, flow_number: int, sizes: Sequence[int]) -> Dialogue:
    """BitTorrent over UDP: SYN, STATE, handshakes, then data (BEP 29)."""
    connection = rng.randrange(2**16 - 1)

    def head(kind: int, speaker: Direction, number: int) -> bytes:
        identifier = connection + (1 if speaker == TO_SERVER and kind != 4 else 0)
        clock = rng.randrange(2**32)
        return struct.pack("!BBHIIIHH", kind << 4 | 1, 0, identifier, clock, 0, 1_048_576, number, 0)

    yield Line(TO_SERVER, head(4, TO_SERVER, 1))
    yield Line(TO_CLIENT, head(2, TO_CLIENT, 1))
    shake = b"\x13BitTorrent protocol" + b"\0\0\0\0\0\x10\0\x05" + filled(flow_number, 40)
    yield Line(TO_SERVER, head(0, TO_SERVER, 2) + shake)
    yield Line(TO_CLIENT, head(0, TO_CLIENT, 2) + shake)
    for index, size in enumerate(sizes):
        speaker = Direction(index % 2)
        for number, start in enumerate(range(0, size, MAX_DATAGRAM_BYTES)):
            piece = filled(flow_number, min(MAX_DATAGRAM_BYTES, size - start))
            yield Line(speaker, head(0, speaker, (3 + number) % 2**16) + piece)


def ntp(rng: random.Random, flow_number: int, sizes: Sequence[int]) -> Dialogue:
    """One exchange of 48 bytes (RFC 5905): nothing in it must stay closed."""
    del rng, flow_number, sizes
    yield Line(TO_SERVER, _ntp(mode=3))
    yield Line(TO_CLIENT, _ntp(mode=4))


def stun(rng: random.Random, flow_number: int, sizes: Sequence[int]) -> Dialogue:
    """A binding request and its success (RFC 8489), then media as a WebRTC call sends it (RFC 3550)."""
    transaction = rng.getrandbits(96)
    user = filled(flow_number, 64)
    request = STUN(
        stun_message_type=0x0001, transaction_id=transaction, attributes=[STUNUsername(length=64, username=user)]
    )
    bare = bytes(STUN(stun_message_type=0x0001, transaction_id=transaction))
    yield Line(TO_SERVER, _stun_padded(bare, bytes(request)[20:]))
    mapped = STUNXorMappedAddress(xport=40_000, xip="198.51.100.7")
    reply = STUN(stun_message_type=0x0101, transaction_id=transaction, attributes=[mapped])
    yield Line(TO_CLIENT, bytes(reply))
    for index, size in enumerate(sizes):
        for number, start in enumerate(range(0, size, 1000)):
            head = struct.pack("!BBHII", 0x80, 111, number, 960 * number, transaction % 2**32)
            yield Line(Direction(index % 2), head + filled(flow_number, min(1000, max(64, size - start))))


def wireguard(rng: random.Random, flow_number: int, sizes: Sequence[int]) -> Dialogue:
    """Initiation, response and transport messages (WireGuard white paper, section 5.4)."""
    start = WireguardInitiation(
        sender_index=rng.getrandbits(32),
        unencrypted_ephemeral=rng.randbytes(32),
        encrypted_static=rng.randbytes(24) + filled(flow_number, 24),
        encrypted_timestamp=filled(flow_number, 28),
        mac1=canary(flow_number),
        mac2=bytes(16),
    )
    yield Line(TO_SERVER, bytes(Wireguard(message_type=1) / start))
    reply = WireguardResponse(
        sender_index=rng.getrandbits(32),
        receiver_index=1,
        unencrypted_ephemeral=rng.randbytes(32),
        encrypted_nothing=rng.randbytes(16),
        mac1=rng.randbytes(4) + canary(flow_number)[:12],
        mac2=canary(flow_number),
    )
    yield Line(TO_CLIENT, bytes(Wireguard(message_type=2) / reply))
    head = bytes(
        Wireguard(message_type=4) / WireguardTransport(receiver_index=1, counter=0, encrypted_encapsulated_packet=b"")
    )
    for index, size in enumerate(sizes):
        for number, at in enumerate(range(0, size, MAX_DATAGRAM_BYTES)):
            body = filled(flow_number, min(MAX_DATAGRAM_BYTES, max(64, size - at)))
            yield Line(Direction(index % 2), head[:8] + struct.pack("<Q", number) + body)


def unknown(rng: random.Random, flow_number: int, sizes: Sequence[int]) -> Dialogue:
    """A protocol that nobody knows, such as a game's: random bytes, then sealed ones."""
    yield Line(TO_SERVER, b"\0" + rng.randbytes(OPENED_BYTES - 1) + filled(flow_number, 64))
    yield Line(TO_CLIENT, b"\0" + rng.randbytes(OPENED_BYTES - 1) + filled(flow_number, 64))
    for index, size in enumerate(sizes):
        for start in range(0, size, MAX_DATAGRAM_BYTES):
            yield Line(Direction(index % 2), filled(flow_number, min(MAX_DATAGRAM_BYTES, max(64, size - start))))


def midstream(rng: random.Random, flow_number: int, sizes: Sequence[int]) -> Dialogue:
    """The middle of a conversation: everything is sealed."""
    del rng
    yield from _sealed(flow_number, sizes)


def _sealed(flow_number: int, sizes: Sequence[int]) -> Dialogue:
    for index, size in enumerate(sizes):
        yield Line(Direction(index % 2), filled(flow_number, max(64, size)))


@cache
def _smb_negotiate(*, response: bool) -> bytes:
    body = (
        SMB2_Negotiate_Protocol_Response(DialectRevision=0x0311, ServerTime=0, ServerStartTime=0)
        if response
        else SMB2_Negotiate_Protocol_Request(Dialects=[0x0202, 0x0210, 0x0300, 0x0302])
    )
    return bytes(DirectTCP() / SMB2_Header(Command=0, Flags=int(response)) / body)


@cache
def _ntp(*, mode: int) -> bytes:
    return bytes(NTPHeader(version=4, mode=mode, stratum=0 if mode == 3 else 2, ref=0, orig=0, recv=0, sent=0))


def _stun_padded(message: bytes, attributes: bytes) -> bytes:
    """The message with SOFTWARE before its attributes, so that these lie beyond the first 64 bytes."""
    software = b"\x80\x22\0\x2c" + b"WebRTC endpoint, version 1.0, build 20261121".ljust(44)
    body = software + attributes
    return message[:2] + struct.pack("!H", len(body)) + message[4:] + body
