"""DNS messages -> DnsMessage: what was asked, and the addresses and aliases that answer it.

Not read by dpkt: from an answer of a CNAME and three addresses to the same DnsMessage it takes about 3 times as long
(35 us against 12), reads no SVCB or HTTPS records, and meets hostile bytes with several kinds of exception. It is the
oracle of the tests instead. mDNS (RFC 6762) and LLMNR (RFC 4795) have the same format.
"""

from functools import lru_cache
from struct import Struct

from agent.facts import DnsMessage, DnsRecord
from agent.wire.cursor import Cursor, Malformed, Overrun
from agent.wire.hostname import MAX_NAME_BYTES, clean

MAX_QUESTIONS = 64
"""A resolver asks one; an mDNS query for all services of a host asks some tens (RFC 6762 section 5.3)."""

MAX_ANSWERS = 256
"""Answers read of one message. 4 KiB, the largest UDP message opened, hold 256 A records."""

MAX_NAMES_REMEMBERED = 8192
"""Names asked for: those of a resolver's busy hour. Each is read once for query and answer, A, AAAA and HTTPS, and all who
ask; at most 6 MiB."""

_CNAME, _SVCB, _HTTPS = 5, 64, 65
_ADDRESS_BYTES = {1: 4, 28: 16}
"""A, AAAA"""
_INTERNET = 1
_TYPE_BITS = 0x7FFF
"""Of the class: the top bit is mDNS's cache-flush or unicast-response bit (RFC 6762 sections 10.2 and 5.4)."""

# SvcParamKey (RFC 9460 section 14.3.2)
_IPV4HINT, _ECH, _IPV6HINT = 4, 5, 6
_ECH_VERSION = 0xFE0D
"""ECHConfig.version (RFC 9849 section 4)."""

_header = Struct(">HHHH").unpack_from
_two_numbers = Struct(">HH").unpack_from
_record = Struct(">HHIH").unpack_from
_pointed_record = Struct(">HHHIH").unpack_from
_POINTER = 0xC000
"""RFC 1035 section 4.1.4."""
_NO_RECORD = (0, 0, 0, 0, 0)
_new = tuple.__new__
"""Makes a named tuple as the tuple that it is: 0.15 us, not 0.4, for each message and each of its records."""

_Names = dict[int, bytes | None]
"""Message offset -> the name that starts there, so that a name pointed at by many records is read once."""


def parse(message: bytes) -> DnsMessage | None:
    """One message (RFC 1035 section 4); None when it ends before its questions do.

    Answers after the point where a message was cut (its TC bit, or the capture) are left out, as are records of other
    classes and types, and records whose names hold bytes that no host name needs. Raises Malformed for a name that
    loops or is too long, and for more than MAX_QUESTIONS.
    """
    if len(message) < 12:
        return None
    _, flags, question_count, answer_count = _header(message)
    if question_count > MAX_QUESTIONS:
        raise Malformed("more questions than anyone asks")
    names: _Names = {}
    questions = []
    at = 12
    try:
        for _ in range(question_count):
            end = message.find(0, at, at + MAX_NAME_BYTES) + 1
            name = _plain(message[at:end])
            if name is None:
                name, at = _name(message, at, names)
            else:
                names[at] = name
                at = end
            at += 4
            if at > len(message):
                return None
            if name:
                questions.append(name)
    except Overrun:
        return None
    answers: tuple[DnsRecord, ...] = ()
    if answer_count and flags & 0x8000:
        answers = _answers(message, at, min(answer_count, MAX_ANSWERS), names)
    return _new(DnsMessage, (flags & 0x8000 != 0, flags & 0xF, tuple(questions), answers))


def _answers(message: bytes, at: int, count: int, names: _Names) -> tuple[DnsRecord, ...]:
    records = []
    size = len(message)
    for _ in range(count):
        start = at + 12
        # As most owners are written: a pointer to a name that was read.
        pointer, kind, class_, ttl_s, length = _pointed_record(message, at) if start <= size else _NO_RECORD
        name = names.get(pointer - _POINTER)
        if name is None:
            try:
                name, at = _name(message, at, names)
            except Overrun:
                break
            start = at + 10
            if start > size:
                break
            kind, class_, ttl_s, length = _record(message, at)
        at = start + length
        if at > size:
            break
        if not name or class_ & _TYPE_BITS != _INTERNET:
            continue
        if length == _ADDRESS_BYTES.get(kind):
            records.append(_new(DnsRecord, (name, kind, ttl_s, message[start:at], b"", (), b"")))
        elif kind == _CNAME:
            target, stop = _target(message, start, at, names)
            if target and stop == at:
                records.append(DnsRecord(name, kind, ttl_s, b"", target))
        elif kind in (_SVCB, _HTTPS):
            service = _service(message, start, at, name, kind, ttl_s, names)
            if service is not None:
                records.append(service)
    return tuple(records)


def _target(message: bytes, at: int, end: int, names: _Names) -> tuple[bytes | None, int]:
    """As _name, of a name that should fill message[at:end]: plain, or plain up to a pointer to a name that was read.

    What is neither is left to _name. It could read all of them, but takes 1.3 us more an answer, of 5.6 us.
    """
    name = None
    if 2 < end - at <= MAX_NAME_BYTES:
        if message[end - 2] >= 0xC0:
            rest = names.get((message[end - 2] & 0x3F) << 8 | message[end - 1])
            run = _plain(message[at : end - 2] + b"\0") if rest else None
            name = run + b"." + rest if run and rest else None
        else:
            name = _plain(message[at:end])
    if not name or len(name) > MAX_NAME_BYTES:
        return _name(message, at, names)
    names[at] = name
    return name, end


@lru_cache(maxsize=MAX_NAMES_REMEMBERED)
def _plain(wire: bytes) -> bytes | None:
    """The name that fills `wire` from its first length to its final 0; None for what _name has to look into.

    That is half of a query's time, were it not remembered: 2 us of 4.
    """
    try:
        name, end = _name(wire, 0, {})
    except Malformed:
        return None
    return name if end == len(wire) else None


def forget_names() -> None:
    """Drops the names that were remembered to be quick, so that none is held for longer than the notice says."""
    _plain.cache_clear()


def _name(message: bytes, at: int, names: _Names) -> tuple[bytes | None, int]:
    """The name at message[at] and where the field ends; b"" is the root, None a name not fit to use.

    A pointer must point before all of the name read so far (RFC 1035 section 4.1.4), so a loop cannot be. Wherever a
    name or a pointer led is remembered, so that many pointers into one long chain cost no more than one.
    """
    size = len(message)
    start = at
    labels: list[bytes] = []
    runs = [(start, labels)]
    total = 0
    after = -1
    rest: bytes | None = b""
    while True:
        if at >= size:
            raise Overrun("a name")
        length = message[at]
        if length == 0:
            if after < 0:
                after = at + 1
            break
        if length < 64:
            total += length + 1
            if total > MAX_NAME_BYTES:
                raise Malformed("a name of more than 255 bytes")
            at += 1 + length
            labels.append(message[at - length : at])
        elif length >= 0xC0:
            if at + 1 >= size:
                raise Overrun("a pointer")
            if after < 0:
                after = at + 2
            at = (length & 0x3F) << 8 | message[at + 1]
            if at >= start:
                raise Malformed("a name that points forward")
            if at in names:
                rest = names[at]
                break
            start = at
            labels = []
            runs.append((start, labels))
        else:
            raise Malformed("a label of an unknown kind")
    for start, labels in reversed(runs):
        rest = names[start] = _joined(labels, rest)
    return rest, after


def _joined(labels: list[bytes], rest: bytes | None) -> bytes | None:
    """A run of labels before the name that its pointer led to."""
    if not labels or rest is None:
        return rest
    run = b".".join(labels).lower()
    if run.count(b".") != len(labels) - 1 or clean(run) is None:
        return None  # a dot inside a label would make another name of it
    if not rest:
        return run
    if len(run) + len(rest) >= MAX_NAME_BYTES:
        raise Malformed("a name of more than 255 bytes")
    return run + b"." + rest


def _service(message: bytes, at: int, end: int, owner: bytes, kind: int, ttl_s: int, names: _Names) -> DnsRecord | None:
    """An SVCB or HTTPS record from its RDATA, message[at:end] (RFC 9460 section 2.2); None when its target is unfit."""
    target, at = _name(message, at + 2, names)  # after SvcPriority; 0 makes it an alias, which only has a target
    if target is None:
        return None
    hints: list[bytes] = []
    public_name = b""
    while at != end:
        start = at + 4
        if start > end:
            raise Overrun("a parameter of a service")
        key, length = _two_numbers(message, at)
        at = start + length
        if at > end:
            raise Overrun("a parameter of a service")
        if key == _IPV4HINT:
            hints += _addresses(message[start:at], 4)
        elif key == _IPV6HINT:
            hints += _addresses(message[start:at], 16)
        elif key == _ECH:
            public_name = _public_name(message[start:at])
    return DnsRecord(owner, kind, ttl_s, b"", target, tuple(hints), public_name)


def _addresses(value: bytes, size: int) -> list[bytes]:
    """The addresses of a hint (RFC 9460 section 7.3); none when their sizes do not add up."""
    return [value[at : at + size] for at in range(0, len(value), size)] if len(value) % size == 0 else []


def _public_name(value: bytes) -> bytes:
    """public_name of the first ECHConfig that RFC 9849 section 4 defines in an ECHConfigList; b"" when there is none.

    A list that is cut or wrong is no reason to lose the record around it: the client would ignore it as well.
    """
    try:
        configs = Cursor(Cursor(value).block(2))
        while configs.left:
            version = configs.number(2)
            config = Cursor(configs.block(2))
            if version == _ECH_VERSION:
                config.skip(1 + 2)  # config_id, kem_id
                config.block(2)  # public_key
                config.block(2)  # cipher_suites
                config.skip(1)  # maximum_name_length
                return (clean(config.block(1)) or b"").rstrip(b".").lower()
    except Overrun:
        return b""
    return b""


def stream_messages(data: bytes | bytearray, end: int) -> tuple[list[bytes], int]:
    """The whole messages in data[:end], a stretch of a DNS stream that starts at a length, and how far they reach.

    Each message has its length before it in two bytes (RFC 1035 section 4.2.2). Raises Malformed for a length that is
    too small for a header.
    """
    messages = []
    at = 0
    while at + 2 <= end:
        length = data[at] << 8 | data[at + 1]
        if length < 12:
            raise Malformed("a message shorter than its header")
        stop = at + 2 + length
        if stop > end:
            break
        messages.append(bytes(data[at + 2 : stop]))
        at = stop
    return messages, at
