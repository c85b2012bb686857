"""A browser and a name -> its ClientHello, and the sealed records that follow one.

Scapy builds every extension and the message around them; what is fresh in each hello (keys, random values, GREASE, the
order of Chrome's extensions) comes from the caller's random numbers.
"""

import random
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache

from scapy.layers.tls.extensions import (
    ProtocolName,
    ServerName,
    TLS_Ext_ALPN,
    TLS_Ext_CSR,
    TLS_Ext_ExtendedMasterSecret,
    TLS_Ext_PSKKeyExchangeModes,
    TLS_Ext_RenegotiationInfo,
    TLS_Ext_ServerName,
    TLS_Ext_SessionTicket,
    TLS_Ext_SignatureAlgorithms,
    TLS_Ext_SupportedGroups,
    TLS_Ext_SupportedPointFormat,
    TLS_Ext_SupportedVersion_CH,
    TLS_Ext_Unknown,
)
from scapy.layers.tls.handshake import TLSClientHello
from scapy.layers.tls.keyexchange_tls13 import KeyShareEntry, TLS_Ext_KeyShare_CH

from agent.lab.canary import filled
from agent.lab.cuts import pieces

X25519 = 0x001D
X25519MLKEM768 = 0x11EC
MLKEM_SHARE_BYTES = 1216
"""ML-KEM-768 encapsulation key and X25519 share (draft-ietf-tls-ecdhe-mlkem section 4.1)."""

ECH = 0xFE0D
"""encrypted_client_hello (RFC 9849 section 5)."""

TLS12_CIPHERS = (0xC02C, 0xC02B, 0xC030, 0xC02F, 0xC024, 0xC023, 0xC028, 0xC027, 0x009D, 0x009C, 0x003D, 0x003C)
TLS13_CIPHERS = (0x1301, 0x1302, 0x1303, 0xC02B, 0xC02F, 0xC02C, 0xC030, 0xCCA9, 0xCCA8, 0xC013, 0xC014, 0x009C, 0x009D)


MAX_REMEMBERED_NAMES = 1024
"""server_name extensions kept built: more than a school day has names."""


@dataclass(frozen=True, slots=True)
class Browser:
    """What tells one client's hellos from another's, as far as a reader of hellos can stumble over it."""

    name: str
    ciphers: tuple[int, ...] = TLS13_CIPHERS
    tls13: bool = True
    post_quantum: bool = False
    """Offers an X25519MLKEM768 share: the hello then spans two TCP segments."""
    grease: bool = False
    """Sends reserved values (RFC 8701)."""
    shuffled: bool = False
    """Puts its extensions into a new order each time, as Chrome does since version 110."""
    ech: bool = False
    """Sends GREASE for encrypted_client_hello where it has no key for the server (RFC 9849 section 6.2)."""


CHROME = Browser("chrome", post_quantum=True, grease=True, shuffled=True, ech=True)
OLD_CHROME = Browser("old chrome", grease=True, shuffled=True)
FIREFOX = Browser("firefox", post_quantum=True, ech=True)
SAFARI = Browser("safari", grease=True)
TLS12_CLIENT = Browser("tls 1.2 client", ciphers=TLS12_CIPHERS, tls13=False)

BROWSERS = (CHROME, OLD_CHROME, FIREFOX, SAFARI, TLS12_CLIENT)


def client_hello(
    rng: random.Random,
    server_name: str | None,
    *,
    browser: Browser = CHROME,
    alpn: tuple[str, ...] = ("h2", "http/1.1"),
    quic_parameters: bytes | None = None,
    encrypted: bool = False,
) -> bytes:
    """A ClientHello message (RFC 8446 section 4.1.2) from its type on, without records.

    Args:
        rng: source of everything that differs from hello to hello.
        server_name: the name for server_name (the public name when `encrypted`), or None for a hello without one.
        browser: whose hello.
        alpn: protocols offered; none for a hello without ALPN.
        quic_parameters: encoded transport parameters: this hello goes into QUIC, where there is no session identifier.
        encrypted: a real Encrypted ClientHello, whose payload is as long as a hello would be.
    """
    extensions = list(_fixed_extensions(browser, alpn))
    if server_name is not None:
        extensions.append(_server_name(server_name))
    if browser.tls13:
        extensions.append(_key_share(rng, browser))
    if encrypted or browser.ech:
        extensions.append(_ech(rng, payload_bytes=432 if encrypted else rng.choice((144, 176, 208, 240))))
    if quic_parameters is not None:
        extensions.append(_extension(0x39, quic_parameters))
    if browser.shuffled:
        rng.shuffle(extensions)
    if browser.grease:
        extensions.insert(0, _extension(_grease(rng), b""))
        extensions.append(_extension(_grease(rng), b"\0"))
    ciphers = ((_grease(rng),) if browser.grease else ()) + browser.ciphers
    session = b"" if quic_parameters is not None else rng.randbytes(32)
    head = _head(len(session), ciphers)
    body = head[:2] + rng.randbytes(32) + bytes([len(session)]) + session + head[35 + len(session) :]
    block = b"".join(extensions)
    body += struct.pack("!H", len(block)) + block
    return b"\x01" + len(body).to_bytes(3, "big") + body


def records(message: bytes, cuts: Iterable[int] = (), *, version: int = 0x0301) -> bytes:
    """A handshake message as TLS records (RFC 8446 section 5.1), cut into several at the given positions."""
    return b"".join(struct.pack("!BHH", 22, version, len(piece)) + piece for _, piece in pieces(message, cuts))


def dtls_records(message: bytes, datagrams: int = 1) -> list[bytes]:
    """A ClientHello as DTLS 1.2 datagrams, one fragment each (RFC 6347 sections 4.1 and 4.2.2).

    DTLS adds an (empty) cookie after the session identifier.
    """
    session_end = 39 + message[38]
    body = b"\xfe\xfd" + message[6:session_end] + b"\0" + message[session_end:]
    size = -(-len(body) // datagrams)
    made = []
    for number, (start, piece) in enumerate(pieces(body, range(size, len(body), size))):
        head = b"\x01" + len(body).to_bytes(3, "big") + b"\0\0"
        fragment = head + start.to_bytes(3, "big") + len(piece).to_bytes(3, "big") + piece
        made.append(b"\x16\xfe\xfd" + number.to_bytes(8, "big") + struct.pack("!H", len(fragment)) + fragment)
    return made


def server_flight(rng: random.Random, flow_number: int, *, tls13: bool = True) -> bytes:
    """ServerHello and what follows it, in records; key material and certificates are canaries."""
    hello = (
        b"\x03\x03" + filled(flow_number, 32) + b"\x20" + rng.randbytes(32) + (b"\x13\x01" if tls13 else b"\xc0\x2f")
    )
    hello += b"\0" + (
        b"\x00\x2e\x00\x2b\x00\x02\x03\x04\x00\x33\x00\x24\x00\x1d\x00\x20" if tls13 else b"\x00\x20\xff\xfe\x00\x1c"
    )
    hello += filled(flow_number, 32 if tls13 else 28)
    flight = records(b"\x02" + len(hello).to_bytes(3, "big") + hello, version=0x0303)
    if tls13:
        return flight + b"\x14\x03\x03\x00\x01\x01" + sealed_records(flow_number, rng.randrange(1800, 4200))
    certificate = filled(flow_number, rng.randrange(1800, 4200))
    return flight + records(b"\x0b" + len(certificate).to_bytes(3, "big") + certificate, version=0x0303)


def sealed_records(flow_number: int, length_bytes: int) -> bytes:
    """Application data records (RFC 8446 section 5.1) of `length_bytes` of canary in all."""
    made = []
    while length_bytes > 0:
        size = min(length_bytes, 2**14)
        made.append(b"\x17\x03\x03" + struct.pack("!H", size) + filled(flow_number, size))
        length_bytes -= size
    return b"".join(made)


def _grease(rng: random.Random) -> int:
    """One of the sixteen reserved values (RFC 8701 section 2)."""
    return 0x0A0A + 0x1010 * rng.randrange(16)


@cache
def _head(session_bytes: int, ciphers: tuple[int, ...]) -> bytes:
    """A hello's body up to its extensions; random value and session identifier are blank."""
    hello = TLSClientHello(
        version=0x0303,
        gmt_unix_time=0,
        random_bytes=bytes(28),
        sid=bytes(session_bytes),
        ciphers=list(ciphers),
        comp=[0],
        ext=[],
    )
    return bytes(hello)[4:].removesuffix(b"\0\0")


@cache
def _fixed_extensions(browser: Browser, alpn: tuple[str, ...]) -> tuple[bytes, ...]:
    """The extensions that are alike in all of a browser's hellos."""
    groups = [*((X25519MLKEM768,) if browser.post_quantum else ()), X25519, 0x0017, 0x0018]
    made = [
        TLS_Ext_ExtendedMasterSecret(),
        TLS_Ext_RenegotiationInfo(),
        TLS_Ext_SupportedGroups(groups=groups),
        TLS_Ext_SupportedPointFormat(ecpl=[0]),
        TLS_Ext_SessionTicket(),
        TLS_Ext_CSR(),
        TLS_Ext_SignatureAlgorithms(sig_algs=[0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601]),
    ]
    if alpn:
        made.append(TLS_Ext_ALPN(protocols=[ProtocolName(protocol=name.encode()) for name in alpn]))
    if browser.tls13:
        made.append(TLS_Ext_SupportedVersion_CH(versions=[0x0304, 0x0303]))
        made.append(TLS_Ext_PSKKeyExchangeModes(kxmodes=[1]))
    return tuple(bytes(extension) for extension in made)


@lru_cache(MAX_REMEMBERED_NAMES)
def _server_name(name: str) -> bytes:
    return bytes(TLS_Ext_ServerName(servernames=[ServerName(servername=name.encode())]))


def _key_share(rng: random.Random, browser: Browser) -> bytes:
    shares = [KeyShareEntry(group=X25519, key_exchange=rng.randbytes(32))]
    if browser.post_quantum:
        shares.insert(0, KeyShareEntry(group=X25519MLKEM768, key_exchange=rng.randbytes(MLKEM_SHARE_BYTES)))
    if browser.grease:
        shares.insert(0, KeyShareEntry(group=_grease(rng), key_exchange=b"\0"))
    return bytes(TLS_Ext_KeyShare_CH(client_shares=shares))


def _ech(rng: random.Random, payload_bytes: int) -> bytes:
    """Outer encrypted_client_hello: HKDF-SHA256, AES-128-GCM, X25519 (RFC 9849 section 5)."""
    head = struct.pack("!BHHB", 0, 1, 1, rng.randrange(256))
    sealed = struct.pack("!H", 32) + rng.randbytes(32) + struct.pack("!H", payload_bytes) + rng.randbytes(payload_bytes)
    return _extension(ECH, head + sealed)


def _extension(kind: int, value: bytes) -> bytes:
    return bytes(TLS_Ext_Unknown(type=kind, val=value))
