"""What the maker of a capture wrote beside it -> the flows of it whose packets show a name, and what each really is.

Two makers are understood: the lab of this package (`python -m agent.lab day.pcap --truth day.truth.json`, a list), and
the larger maker of school days that may lie beside a checkout (tests/conftest.py), an object with `flows`.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

PLACES = {
    "sni": "ClientHello over TCP",
    "tls-sni": "ClientHello over TCP, name in the first segment",
    "tls-sni-second-segment": "ClientHello over TCP, name in a later segment",
    "quic": "ClientHello over QUIC",
    "host": "Host line of HTTP",
    "http-host": "Host line of HTTP",
}
"""Where a flow may show its name, by both makers' words, in the order of the table; the first word is the lab's."""

_PROTOCOLS = {"tcp": 6, "udp": 17}


@dataclass(frozen=True, slots=True)
class Key:
    """What a flow is told by in any program's output: protocol, and both ends, whichever began."""

    protocol: int | str
    ends: tuple[tuple[bytes, int], ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """A flow that shows its name."""

    key: Key
    place: str
    """As in PLACES."""
    name: str
    category: str
    """By the maker's word."""
    service: str
    popular: bool | None
    """Whether its host is one that many use; None where the maker does not say."""


def key_of(protocol: int | str, client: str, client_port: int, server: str, server_port: int) -> Key:
    """The key of a flow, from addresses as text and a protocol as number or as "tcp" and "udp"."""
    ends = sorted([(ip_address(client).packed, client_port), (ip_address(server).packed, server_port)])
    return Key(_PROTOCOLS.get(str(protocol), protocol), tuple(ends))


def truth_beside(capture: Path) -> Path:
    """Where the truth about a capture lies: day.truth.json beside day.pcap."""
    return capture.with_suffix(".truth.json")


def read_truth(path: Path) -> list[Shown]:
    """The flows that show a name.

    Raises:
        SystemExit: the file is not what one of the two makers writes.
        OSError: it cannot be read.
    """
    try:
        document = json.loads(path.read_bytes())
        return list(_of_lab(document) if isinstance(document, list) else _of_large_day(document["flows"]))
    except (ValueError, KeyError, TypeError) as error:
        sys.exit(f"{path} is not the truth about a capture as agent.lab writes it: {error!r}")


def _of_lab(flows: list[Mapping[str, Any]]) -> Iterator[Shown]:
    for flow in flows:
        if flow["visible"] in PLACES:
            ends = flow["client"], flow["client_port"], flow["server"], flow["server_port"]
            key = key_of(flow["transport"], *ends)
            yield Shown(key, flow["visible"], flow["hostname"].lower(), flow["category"], flow["application"], None)


def _of_large_day(flows: list[Mapping[str, Any]]) -> Iterator[Shown]:
    for flow in flows:
        if flow["visible"] in PLACES:
            key = key_of(flow["proto"], flow["src"], flow["sport"], flow["dst"], flow["dport"])
            name = flow["hostname"].lower()
            yield Shown(key, flow["visible"], name, flow["category"], flow["service"], flow["head"])
