"""The truth beside a capture, as its two makers write it -> the flows that show a name."""

import json
from pathlib import Path

import pytest

from agent.lab.__main__ import main as lab
from bench.truth import Shown, key_of, read_truth, truth_beside

LARGE_DAY_FLOW = {
    "src": "10.20.1.26",
    "sport": 42920,
    "dst": "2001:db8::1",
    "dport": 443,
    "proto": 17,
    "hostname": "WWW.example.com",
    "visible": "quic",
    "service": "google",
    "category": "productivity",
    "head": True,
}


def test_the_key_is_the_same_from_either_end() -> None:
    """Who began, how an address is written, and whether a protocol is told by name make no other flow."""
    assert key_of("udp", "::1", 1, "2001:DB8:0::2", 53) == key_of(17, "2001:db8::2", 53, "::1", 1)
    assert key_of("tcp", "10.0.0.1", 1, "10.0.0.2", 53) != key_of("udp", "10.0.0.1", 1, "10.0.0.2", 53)


def test_large_day(tmp_path: Path) -> None:
    """A flow of the large day that shows its name is read; a look-up is not, and neither is what hides its name."""
    path = truth_beside(tmp_path / "day.pcap")
    hidden = [LARGE_DAY_FLOW | {"visible": where} for where in ("dns", "dns-only", "ech", "none")]
    path.write_text(json.dumps({"flows": [LARGE_DAY_FLOW, *hidden]}))
    key = key_of(17, "10.20.1.26", 42920, "2001:db8::1", 443)

    assert path == tmp_path / "day.truth.json"
    assert read_truth(path) == [Shown(key, "quic", "www.example.com", "productivity", "google", popular=True)]


def test_day_of_the_lab(tmp_path: Path) -> None:
    """The lab's own file is read, for each place in which a name can stand."""
    capture = tmp_path / "day.pcap"
    assert lab([str(capture), "--flows", "150", "--truth", str(truth_beside(capture))]) == 0
    flows = read_truth(truth_beside(capture))
    written = json.loads(truth_beside(capture).read_text())

    assert {flow.place for flow in flows} == {"sni", "quic", "host"}
    assert len(flows) == sum(flow["visible"] in {"sni", "quic", "host"} for flow in written)
    assert {flow.popular for flow in flows} == {None}


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"flows": [{"visible": "quic"}]}', '{"flows": 3}'])
def test_another_file(tmp_path: Path, text: str) -> None:
    """What neither of them writes is refused by name, and is not taken for a capture in which nothing shows."""
    path = tmp_path / "day.truth.json"
    path.write_text(text)

    with pytest.raises(SystemExit, match=r"day\.truth\.json is not the truth"):
        read_truth(path)
