"""Small capture files, and rules of one's own, for tests of commands."""

import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import dpkt
import pytest

from agent.shipped import shipped_rules

Capture = Callable[..., Path]

MONDAY_S = 1_795_446_000
"""2026-11-23, 10:00 in New York: a school day, in school hours."""


def http_frames(host: str, *, vlan: int | None, client_port: int) -> list[bytes]:
    """A SYN, a request for `host`, and an answer with a body."""
    client, server = socket.inet_aton("10.20.1.7"), socket.inet_aton("192.0.2.80")
    request = f"GET /secret-path HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000
    segments = (
        (client, server, dpkt.tcp.TCP(sport=client_port, dport=80, seq=1, flags=dpkt.tcp.TH_SYN)),
        (client, server, dpkt.tcp.TCP(sport=client_port, dport=80, seq=2, flags=dpkt.tcp.TH_ACK, data=request)),
        (server, client, dpkt.tcp.TCP(sport=80, dport=client_port, seq=9, flags=dpkt.tcp.TH_ACK, data=answer)),
    )
    frames = []
    for src, dst, segment in segments:
        packet = bytes(dpkt.ip.IP(src=src, dst=dst, p=dpkt.ip.IP_PROTO_TCP, data=segment, len=20 + len(segment)))
        tag = b"" if vlan is None else b"\x81\x00" + vlan.to_bytes(2, "big")
        frames.append(b"\x02" * 6 + b"\x04" * 6 + tag + b"\x08\x00" + packet)
    return frames


@pytest.fixture
def capture(tmp_path: Path) -> Capture:
    """Write a pcap in which a student's device asks for hosts over HTTP, on a Monday in school hours."""

    def write(name: str, *hosts: str, vlan: int | None = 20) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            writer = dpkt.pcap.Writer(file)
            for number, host in enumerate(hosts):
                for frame in http_frames(host, vlan=vlan, client_port=40_000 + number):
                    writer.writepkt(frame, MONDAY_S + number)
        return path

    return write


@pytest.fixture
def own_rules(tmp_path: Path) -> Path:
    """A copy of the shipped rules, to be changed."""
    return shutil.copytree(shipped_rules(), tmp_path / "own-rules")
