"""Flow records -> lines of JSON, for the owner of a capture file to see what each flow was taken for."""

import json
from ipaddress import ip_address
from pathlib import Path
from typing import TextIO

from agent.cli.outcome import FailedError
from agent.flow import Endpoints, Flow
from agent.naming.name import TRANSPORTS
from agent.pipeline import FlowRecord

_IPV4, _ARP, _IPV6 = 0x0800, 0x0806, 0x86DD


class FlowLines:
    """Writes one line for each flow."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def write(self, capture: Path, record: FlowRecord) -> None:
        """Write a flow of the file `capture`.

        Raises:
            FailedError: The line could not be written. It is no OSError, for replay takes those for the capture's.
        """
        try:
            self._out.write(json.dumps(flow_line(capture, record), separators=(",", ":")) + "\n")
        except OSError as error:
            raise FailedError(f"{self._out.name}: {error.strerror}") from error


def flow_line(capture: Path, record: FlowRecord) -> dict[str, object]:
    """A flow as a JSON object.

    `packets` and `bytes` are [to the server, to the client]. `hostname` is null, a string, or a list where a flow had
    several names, as one to a DNS resolver has. `outer` stands only with a flow that came through a tunnel.
    """
    line: dict[str, object] = {"capture": str(capture), "proto": protocol_name(record.flow)}
    line |= _ends(record.flow.ends)
    names = record.hostnames
    line |= {
        "hostname": list(names) if len(names) > 1 else names[0] if names else None,
        "category": record.flow_class.category,
        "application": record.flow_class.application,
        "verdict": record.verdict,
        "evidence": record.flow_class.evidence,
        "packets": list(record.packets),
        "bytes": list(record.bytes),
        "vlan": record.flow.vlan,
    }
    if record.flow.outer is not None:
        line["outer"] = _ends(record.flow.outer)
    return line


def protocol_name(flow: Flow) -> str:
    """The name of a flow's protocol, such as "tcp" or "arp".

    What has no name here is told by its number: an IP protocol in decimal, an EtherType as 0x88cc.
    """
    if flow.ethertype in {_IPV4, _IPV6}:
        return TRANSPORTS.get(flow.ip_protocol, str(flow.ip_protocol))
    return "arp" if flow.ethertype == _ARP else f"0x{flow.ethertype:04x}"


def _ends(ends: Endpoints) -> dict[str, object]:
    return {
        "src": _address(ends.client),
        "sport": ends.client_port,
        "dst": _address(ends.server),
        "dport": ends.server_port,
    }


def _address(packed: bytes) -> str:
    return str(ip_address(packed)) if packed else ""
