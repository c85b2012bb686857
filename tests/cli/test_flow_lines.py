"""Flow records to lines of JSON."""

import io
import json
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest

from agent.cli.flow_lines import FlowLines, flow_line, protocol_name
from agent.cli.outcome import FailedError
from agent.flow import Account, Endpoints, Evidence, Flow, FlowClass
from agent.pipeline import FlowRecord
from agent.verdict import Verdict


def ends(client: str, client_port: int, server: str, server_port: int) -> Endpoints:
    return Endpoints(ip_address(client).packed, client_port, ip_address(server).packed, server_port)


FLOW = Flow(
    ends=ends("10.20.1.7", 40_000, "192.0.2.80", 443), ethertype=0x0800, ip_protocol=6, vlan=20, outer=None, first_ns=0
)
RECORD = FlowRecord(
    flow=FLOW,
    hostnames=("www.youtube.com",),
    flow_class=FlowClass("students", "youtube", "video_streaming", "tls", Evidence.SNI, Account.PERSONAL),
    verdict=Verdict.PROHIBITED,
    packets=(3, 4),
    bytes=(300, 4_000),
)


def test_a_line_holds_what_is_documented() -> None:
    """Keys, order and values as `replay --help` lists them."""
    out = io.StringIO()
    FlowLines(out).write(Path("day/monday.pcap"), RECORD)
    assert {
        "capture": "day/monday.pcap",
        "proto": "tcp",
        "src": "10.20.1.7",
        "sport": 40_000,
        "dst": "192.0.2.80",
        "dport": 443,
        "hostname": "www.youtube.com",
        "category": "video_streaming",
        "application": "youtube",
        "verdict": "prohibited",
        "evidence": "sni",
        "packets": [3, 4],
        "bytes": [300, 4_000],
        "vlan": 20,
    } == json.loads(out.getvalue())
    assert out.getvalue().endswith("}\n")


def test_tunnelled_flows_have_their_outer_ends() -> None:
    """`outer` stands with flows that came through a tunnel, and with no other."""
    inside = replace(RECORD, flow=FLOW._replace(outer=ends("2001:db8::1", 0, "2001:db8::2", 0)))
    assert {"src": "2001:db8::1", "sport": 0, "dst": "2001:db8::2", "dport": 0} == flow_line(Path("x"), inside)["outer"]
    assert "outer" not in flow_line(Path("x"), RECORD)


@pytest.mark.parametrize(
    ("names", "expected"), [((), None), (("a.org",), "a.org"), (("a.org", "b.org"), ["a.org", "b.org"])]
)
def test_hostnames(names: tuple[str, ...], expected: object) -> None:
    """None, one, or all that a resolver's flow asked for."""
    assert expected == flow_line(Path("x"), replace(RECORD, hostnames=names))["hostname"]


@pytest.mark.parametrize(
    ("ethertype", "ip_protocol", "expected"),
    [
        (0x0800, 17, "udp"),
        (0x86DD, 58, "icmp6"),
        (0x0800, 132, "sctp"),
        (0x0800, 115, "l2tp"),
        (0x0800, 253, "253"),
        (0x0800, 0, "0"),
        (0x0806, 0, "arp"),
        (0x88CC, 0, "0x88cc"),
        (0x0027, 0, "0x0027"),
    ],
)
def test_protocol_names(ethertype: int, ip_protocol: int, expected: str) -> None:
    """A name where there is one, else the number as the registry of its kind writes it."""
    assert expected == protocol_name(FLOW._replace(ethertype=ethertype, ip_protocol=ip_protocol))


def test_frames_without_ip_have_no_addresses() -> None:
    """Empty addresses become empty text."""
    lldp = replace(RECORD, flow=FLOW._replace(ends=Endpoints(b"", 0, b"", 0), ethertype=0x88CC, ip_protocol=0))
    line = flow_line(Path("x"), lldp)
    assert ("0x88cc", "", "") == (line["proto"], line["src"], line["dst"])


def test_a_full_disk_is_not_the_captures_fault() -> None:
    """A line that cannot be written raises what `replay` does not take for an unreadable capture."""
    full = Path("/dev/full").open("w", buffering=1, encoding="utf-8")  # noqa: SIM115 - closing it raises, see below
    with pytest.raises(FailedError, match="/dev/full: No space left on device"):
        FlowLines(full).write(Path("x"), RECORD)
    with pytest.raises(OSError, match="No space left on device"):  # what is buffered can never be flushed
        full.close()
