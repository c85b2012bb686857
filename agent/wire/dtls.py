"""DTLS datagrams -> pieces of a ClientHello, and a whole one -> ClientHello. For DTLS 1.0, 1.2 and 1.3."""

from typing import NamedTuple

from agent.facts import ClientHello
from agent.wire.cursor import Cursor, Malformed, Overrun
from agent.wire.tls import CLIENT_HELLO, MAX_RECORD_BYTES, read_hello

_HANDSHAKE = 22
_VERSIONS = frozenset({0xFEFF, 0xFEFD, 0xFEFC, 0x0100})
"""Of the record layer: DTLS 1.0, 1.2 (1.3 hellos too, RFC 9147 section 5.3), 1.3, and OpenSSL's before RFC 4347."""


class Fragment(NamedTuple):
    """A piece of a ClientHello (RFC 9147 section 5.2)."""

    message_seq: int
    """0 for the first hello, 1 for the one that answers HelloVerifyRequest or HelloRetryRequest."""
    length: int
    """Of the whole message, in bytes, without its header."""
    offset: int
    data: bytes


def pull_fragments(datagram: bytes) -> list[Fragment]:
    """The pieces of ClientHellos in one datagram; records after the first that is not of a plain hello are left out.

    Raises Malformed when the datagram does not start with a ClientHello, or a length inside a whole record is wrong.
    A record that ends after the datagram (which was captured short) gives what it holds.
    """
    fragments: list[Fragment] = []
    records = Cursor(datagram)
    while records.left >= 13:
        content_type = records.number(1)
        version = records.number(2)
        epoch = records.number(2)
        records.skip(6)  # sequence number
        length = records.number(2)
        if content_type != _HANDSHAKE or version not in _VERSIONS or epoch != 0 or length > MAX_RECORD_BYTES:
            break
        cut = length > records.left
        record = Cursor(records.take(min(length, records.left)))
        try:
            while record.left:
                fragment = _pull_fragment(record, cut=cut)
                if fragment is None:
                    break
                fragments.append(fragment)
        except Overrun:
            if not cut:
                raise
    if not fragments and len(datagram) >= 13:
        raise Malformed("no ClientHello in the datagram")
    return fragments


def _pull_fragment(record: Cursor, *, cut: bool) -> Fragment | None:
    """The next handshake message header and its bytes; None when it is of another message than ClientHello."""
    kind = record.number(1)
    length = record.number(3)
    message_seq = record.number(2)
    offset = record.number(3)
    size = record.number(3)
    if offset + size > length:
        raise Malformed("a fragment ends after its message")
    if cut:
        size = min(size, record.left)
    data = record.take(size)
    return Fragment(message_seq, length, offset, data) if kind == CLIENT_HELLO else None


def as_handshake(length: int, body: bytes) -> bytes:
    """The message as TLS would carry it: a four-byte header with the length of the whole, then what there is of it."""
    return bytes((CLIENT_HELLO,)) + length.to_bytes(3) + body


def read_datagram(datagram: bytes) -> ClientHello | None:
    """The ClientHello that one datagram holds whole; None when it holds a part. Raises Malformed as pull_fragments."""
    for fragment in pull_fragments(datagram):
        if fragment.offset == 0 and len(fragment.data) == fragment.length:
            return read_hello(as_handshake(fragment.length, fragment.data), "dtls", cookie=True)
    return None
