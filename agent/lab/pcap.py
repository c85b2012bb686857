"""Frames -> capture files, classic pcap or pcapng, by scapy's writers."""

from collections.abc import Iterable
from pathlib import Path

from scapy.utils import RawPcapNgWriter, RawPcapWriter

from agent.lab.frames import Frame

LINKTYPE_ETHERNET = 1

SECOND_NS = 1_000_000_000


def write_pcap(path: Path, frames: Iterable[Frame], linktype: int = LINKTYPE_ETHERNET) -> int:
    """Writes a classic capture file with nanoseconds (magic 0xA1B23C4D), in the machine's byte order.

    Args:
        path: replaced when it exists.
        frames: in the order in which they are to stand in the file.
        linktype: what the frames begin with, by https://www.tcpdump.org/linktypes.html.

    Returns:
        How many frames were written.

    Raises:
        OSError: the file cannot be written.
    """
    count = 0
    with RawPcapWriter(str(path), nano=True) as writer:
        writer.linktype = linktype
        writer.write_header(None)
        for frame in frames:
            seconds, nanoseconds = divmod(frame.time_ns, SECOND_NS)
            writer.write_packet(frame.data, sec=seconds, usec=nanoseconds, wirelen=frame.wire_bytes)
            count += 1
    return count


def write_pcapng(path: Path, frames: Iterable[Frame], linktype: int = LINKTYPE_ETHERNET) -> int:
    """As write_pcap(), in pcapng with one interface; scapy keeps microseconds there, rounded through a float."""
    count = 0
    with RawPcapNgWriter(str(path)) as writer:
        writer.linktype = linktype
        writer.write_header(None)
        for frame in frames:
            writer.write_packet(frame.data, sec=frame.time_ns / SECOND_NS, wirelen=frame.wire_bytes)
            count += 1
    return count
