"""QUIC datagrams -> the client's CRYPTO pieces, and those put together -> ClientHello.

Each step can be called alone: pull_packets (headers) -> quic_keys.derive -> quic_keys.open_packet -> pull_crypto
(frames) -> read_handshake. Opener does the middle ones for a flow, and remembers its keys.
"""

import re
from operator import itemgetter
from typing import NamedTuple

from agent.facts import ClientHello
from agent.wire import gquic, tls
from agent.wire.quic_keys import KEYS_BYTES, Q050, T050, T051, V2, InitialKeys, derive, open_packet

MAX_CONNECTION_ID_BYTES = 20
"""RFC 9000 section 17.2."""

_LONG_FORM = 0x80
_TYPE = 0x30
_INITIAL = 0x00
_INITIAL_V2 = 0x10
"""RFC 9369 section 3.2 turns the packet types by one."""
_RETRY = 0x30
_RETRY_V2 = 0x00
_OFFSET = itemgetter(0)
"""Of a CryptoPiece."""
_PADDING = re.compile(rb"\x00*")

# Frame types (RFC 9000 section 12.4)
_PING = 0x01
_ACK = 0x02
_ACK_ECN = 0x03
_CRYPTO = 0x06
_GOOGLE_CRYPTO = 0x08
"""CRYPTO of Q050, T050 and T051, which kept Google's numbers for frames."""
_GOOGLE_VERSIONS = frozenset({Q050, T050, T051})


class InitialPacket(NamedTuple):
    """One Initial packet of a datagram, still sealed (RFC 9000 section 17.2.2)."""

    version: int
    destination: bytes
    """Destination Connection ID."""
    number_at: int
    """Where the packet number starts in `data`."""
    data: bytes
    """The packet, from its first byte to the end its Length gives."""


class CryptoPiece(NamedTuple):
    """What one CRYPTO frame carries (RFC 9000 section 19.6)."""

    offset: int
    data: bytes


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """The number of 1, 2, 4 or 8 bytes at data[at], and where the next field starts (RFC 9000 section 16).

    Raises IndexError where it would end after `data`.
    """
    first = data[at]
    if first < 0x40:
        return first, at + 1
    if first < 0x80:
        return (first & 0x3F) << 8 | data[at + 1], at + 2
    size = 1 << (first >> 6)
    stop = at + size
    if stop > len(data):
        raise IndexError("a variable-length number")
    return int.from_bytes(data[at:stop]) & ((1 << (8 * size - 2)) - 1), stop


def pull_packets(datagram: bytes) -> list[InitialPacket]:
    """The Initial packets in a datagram, coalesced ones too (RFC 9000 section 12.2).

    Stops at what is no long header or ends after the datagram: a fragment may still mend that, and a client's next
    datagram does not depend on this one.
    """
    packets: list[InitialPacket] = []
    at = 0
    end = len(datagram)
    while end - at >= 7 and datagram[at] & _LONG_FORM:
        version = int.from_bytes(datagram[at + 1 : at + 5])
        packet_type = datagram[at] & _TYPE
        if version == 0 or packet_type == (_RETRY_V2 if version == V2 else _RETRY):
            break  # version negotiation and Retry fill their datagram, and carry no frames
        is_initial = packet_type == (_INITIAL_V2 if version == V2 else _INITIAL)
        try:
            destination_end = at + 6 + datagram[at + 5]
            source_bytes = datagram[destination_end]
            if datagram[at + 5] > MAX_CONNECTION_ID_BYTES or source_bytes > MAX_CONNECTION_ID_BYTES:
                break  # only versions to come may have longer ones (RFC 8999 section 5.1)
            place = destination_end + 1 + source_bytes
            if is_initial:
                token_bytes, place = read_varint(datagram, place)
                place += token_bytes
            length, number_at = read_varint(datagram, place)
        except IndexError:
            break
        stop = number_at + length
        if stop > end:
            break
        if is_initial:
            destination = datagram[at + 6 : destination_end]
            packets.append(InitialPacket(version, destination, number_at - at, datagram[at:stop]))
        at = stop
    return packets


def pull_crypto(frames: bytes, version: int) -> list[CryptoPiece]:
    """The CRYPTO pieces among the frames of an opened Initial packet.

    Stops at a frame that an Initial may not hold (RFC 9000 section 17.2.2) or that ends after the packet: what came
    before it was sealed by the client all the same.
    """
    crypto = _GOOGLE_CRYPTO if version in _GOOGLE_VERSIONS else _CRYPTO
    pieces: list[CryptoPiece] = []
    at = 0
    end = len(frames)
    try:
        while at < end:
            kind = frames[at]
            if kind == 0:
                padding = _PADDING.match(frames, at)
                at = padding.end() if padding else end
            elif kind == crypto:
                # Offset and length, mostly of one or two bytes: 0.4 us less a frame than by two calls of read_varint.
                offset = frames[at + 1]
                if offset < 0x40:
                    at += 2
                elif offset < 0x80:
                    offset = (offset & 0x3F) << 8 | frames[at + 2]
                    at += 3
                else:
                    offset, at = read_varint(frames, at + 1)
                length = frames[at]
                if 0x40 <= length < 0x80:
                    length = (length & 0x3F) << 8 | frames[at + 1]
                    at += 2
                else:
                    length, at = read_varint(frames, at)
                stop = at + length
                if stop > end:
                    break
                pieces.append(CryptoPiece(offset, frames[at:stop]))
                at = stop
            elif kind == _PING:
                at += 1
            elif kind in (_ACK, _ACK_ECN):
                at = _after_ack(frames, at + 1, ecn=kind == _ACK_ECN)
            else:
                break
    except IndexError:
        return pieces
    return pieces


def joined(pieces: list[CryptoPiece]) -> list[CryptoPiece]:
    """The same bytes in order of offset, what follows without a hole in one: 3 us a packet less for who adds them up.

    Chrome cuts its ClientHello into about five and shuffles them.
    """
    if len(pieces) < 2:
        return pieces
    runs: list[CryptoPiece] = []
    parts: list[bytes] = []
    start = end = -1
    for offset, data in sorted(pieces, key=_OFFSET):
        if offset != end:
            if parts:
                runs.append(CryptoPiece(start, b"".join(parts)))
            start, parts = offset, []
        parts.append(data)
        end = offset + len(data)
    runs.append(CryptoPiece(start, b"".join(parts)))
    return runs


def _after_ack(frames: bytes, at: int, *, ecn: bool) -> int:
    """RFC 9000 section 19.3; a lying range count ends with the packet, as each range takes two bytes at least."""
    _, at = read_varint(frames, at)
    _, at = read_varint(frames, at)
    ranges, at = read_varint(frames, at)
    numbers = 1 + 2 * min(ranges, len(frames)) + (3 if ecn else 0)
    for _ in range(numbers):
        _, at = read_varint(frames, at)
    return at


def read_handshake(crypto: bytes, version: int) -> ClientHello | None:
    """The ClientHello at the start of the CRYPTO stream, TLS or Google's CHLO; None when it goes on."""
    if crypto[:1] == b"C":
        return gquic.read_chlo(crypto, version)
    return tls.read_hello(crypto, "quic", version)


def read_partial(crypto: bytes, version: int) -> ClientHello | None:
    """The name in the start of a CRYPTO stream that stays incomplete; None when it is not wholly there."""
    return tls.read_partial(crypto, "quic", version)


class Opener:
    """Opens a flow's Initial packets. Keys come from the first connection ID and are kept for the next datagram."""

    __slots__ = ("_keys", "sealed")

    def __init__(self) -> None:
        self._keys: InitialKeys | None = None
        self.sealed = 0
        """Packets that no key opened, or whose version has no published salt."""

    def open(self, packet: InitialPacket) -> bytes | None:
        """The frames of `packet`, or None (counted in `sealed`)."""
        keys = self._keys
        if keys is not None and keys.version == packet.version:
            frames = open_packet(keys, packet.data, packet.number_at)
            if frames is not None:
                return frames
        # The first packet; or after a Retry or version negotiation, which make the client start from a new
        # connection ID (RFC 9001 section 5.2).
        keys = derive(packet.version, packet.destination)
        frames = None if keys is None else open_packet(keys, packet.data, packet.number_at)
        if frames is None:
            self.sealed += 1
        else:
            self._keys = keys
        return frames

    def kept_bytes(self) -> int:
        """Memory in use."""
        return 0 if self._keys is None else KEYS_BYTES
