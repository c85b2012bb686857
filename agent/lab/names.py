"""Names and addresses -> DNS messages (RFC 1035, RFC 9460), built once by scapy, each with its own identifier."""

import ipaddress
import struct
from collections.abc import Sequence
from functools import lru_cache

from scapy.layers.dns import DNS, DNSQR, DNSRR, DNSRRHTTPS, DNSRROPT, SvcParam
from scapy.packet import Packet as Layers

QUERY_KINDS = {"A": 1, "AAAA": 28, "HTTPS": 65}

ANSWER_TTL_S = 300

MAX_REMEMBERED_MESSAGES = 1024
"""More than a school day has names, times kinds of query."""


def query(identifier: int, name: str, kind: str) -> bytes:
    """A query for `kind`: "A", "AAAA" or "HTTPS"."""
    return struct.pack("!H", identifier) + _query(name, kind)[2:]


def answer(
    identifier: int, name: str, kind: str, addresses: Sequence[bytes], *, alias: str | None = None, ech: bytes = b""
) -> bytes:
    """The answer to such a query.

    Args:
        identifier: as in the query.
        name: the name asked for.
        kind: "A" and "AAAA" give the addresses of that length; "HTTPS" gives them all as hints.
        addresses: 4 or 16 bytes each.
        alias: a canonical name between `name` and its addresses (a CNAME chain of one link).
        ech: an ECHConfigList for the HTTPS record.
    """
    return struct.pack("!H", identifier) + _answer(name, kind, tuple(addresses), alias, ech)[2:]


def over_tcp(message: bytes) -> bytes:
    """The message with the length before it (RFC 1035 section 4.2.2)."""
    return struct.pack("!H", len(message)) + message


def ech_config_list(public_name: str, public_key: bytes) -> bytes:
    """An ECHConfigList of one configuration for X25519, HKDF-SHA256 and AES-128-GCM (RFC 9849 section 4)."""
    name = public_name.encode()
    contents = struct.pack("!BHH", 7, 0x0020, len(public_key)) + public_key + struct.pack("!HHH", 4, 1, 1)
    contents += bytes([0, len(name)]) + name + b"\0\0"
    config = struct.pack("!HH", 0xFE0D, len(contents)) + contents
    return struct.pack("!H", len(config)) + config


@lru_cache(MAX_REMEMBERED_MESSAGES)
def _query(name: str, kind: str) -> bytes:
    return bytes(DNS(id=0, rd=1, qd=[DNSQR(qname=name, qtype=QUERY_KINDS[kind])], ar=[DNSRROPT(rclass=1232)]))


@lru_cache(MAX_REMEMBERED_MESSAGES)
def _answer(name: str, kind: str, addresses: tuple[bytes, ...], alias: str | None, ech: bytes) -> bytes:
    records: list[Layers] = []
    if alias is not None:
        records.append(DNSRR(rrname=name, type="CNAME", ttl=ANSWER_TTL_S, rdata=alias))
    owner = alias or name
    texts = {length: [str(ipaddress.ip_address(raw)) for raw in addresses if len(raw) == length] for length in (4, 16)}
    if kind == "HTTPS":
        hints = [SvcParam(key="alpn", value=[b"h3", b"h2"])]
        hints += [SvcParam(key="ipv4hint", value=texts[4])] if texts[4] else []
        hints += [SvcParam(key="ech", value=ech)] if ech else []
        hints += [SvcParam(key="ipv6hint", value=texts[16])] if texts[16] else []
        records.append(DNSRRHTTPS(rrname=owner, ttl=ANSWER_TTL_S, svc_priority=1, target_name=".", svc_params=hints))
    else:
        found = texts[4 if kind == "A" else 16]
        records += [DNSRR(rrname=owner, type=kind, ttl=ANSWER_TTL_S, rdata=text) for text in found]
    message = DNS(id=0, qr=1, rd=1, ra=1, qd=[DNSQR(qname=name, qtype=QUERY_KINDS[kind])], an=records)
    return bytes(message.compress())
