"""Replay reports for machines."""

import json

from agent.cli.document import document, written
from tests.cli.replayed import REPORT


def test_the_document_for_machines() -> None:
    """Its shape is a promise: scripts read these keys."""
    made = json.loads(written(document(REPORT)))
    assert (3, 405, 605, 3_500, 5_500, 8_000, 2_000, 6_000) == tuple(
        made[key]
        for key in (
            "flows",
            "sent_packets",
            "received_packets",
            "sent_bytes",
            "received_bytes",
            "payload_bytes",
            "opened_bytes",
            "unopened_bytes",
        )
    )
    assert {
        "segment": "students",
        "application": "youtube",
        "category": "video_streaming",
        "protocol": "tls",
        "evidence": "sni",
        "account": "personal",
        "verdict": "prohibited",
        "flows": 2,
        "sent_packets": 400,
        "received_packets": 600,
        "sent_bytes": 3_000,
        "received_bytes": 5_000,
        "payload_bytes": 8_000,
        "opened_bytes": 2_000,
        "unopened_bytes": 6_000,
    } == made["traffic"][0]
    assert {"path": "b.pcap", "packets": 0, "bytes": 0, "note": None, "error": "No such file"} == made["files"][1]
    assert {"tls": 2_000, "quic": 0} == made["opened"]
    assert [{"rule": "video", "verdict": "prohibited", "flows": 2}] == made["rules"]
    assert [{"protocol": "tls", "result": "read", "count": 2}] == made["handshakes"]
    assert {"flow_table": 0} == made["limits"]
    assert (1_010, 0, 0) == tuple(made["gate"][key] for key in ("seen_packets", "missing_packets", "missing_bytes"))
    assert (2.0, 1.01) == (made["elapsed_s"], made["cpu_s"])


def test_a_line_for_each_row() -> None:
    """Rows can be told apart by line, an empty list is a list, and what is written is the document."""
    text = written({"a": [], "b": [{"c": 1}, {"c": "\n"}], "d": {"e": None}})

    assert {"a": [], "b": [{"c": 1}, {"c": "\n"}], "d": {"e": None}} == json.loads(text)
    assert ['{"c": 1},', '{"c": "\\n"}'] == [line.strip() for line in text.splitlines() if '"c"' in line]
