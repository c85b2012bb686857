"""A school day by another maker, where it is beside the checkout -> replayed: every packet, every byte, and the names."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent.cli.flow_lines import FlowLines
from tests.conserved import Played, play, shipped_policy

LEAST_NAMES_FOUND = 0.98


@dataclass(frozen=True, slots=True, repr=False)
class Day:
    """A replayed day, its truth, and what the maker's own scorer says."""

    played: Played
    flows: list[Mapping[str, list[int]]]
    score: Mapping[str, Mapping[str, float]]


@pytest.fixture(scope="module")
def day(make_day: Path, tmp_path_factory: pytest.TempPathFactory) -> Day:
    """Returns a day of 1,000 flows and about 50,000 packets."""
    folder = tmp_path_factory.mktemp("day")
    capture, truth, lines = folder / "day.pcap", folder / "truth.json", folder / "flows.jsonl"
    size = ("--flows", "1000", "--packets", "50000")
    made = [sys.executable, str(make_day), *size, "--out", str(capture), "--truth", str(truth)]
    subprocess.run(made, capture_output=True, check=True)
    with lines.open("w", encoding="utf-8") as out:
        played = play(capture, shipped_policy(), on_flow=FlowLines(out).write)
    scorer = [sys.executable, str(make_day.parent / "score_flows.py"), str(truth), str(lines), "--json"]
    score = json.loads(subprocess.run(scorer, capture_output=True, text=True, check=True).stdout)
    return Day(played, json.loads(truth.read_text("utf-8"))["flows"], score)


def test_every_packet_and_byte(day: Day) -> None:
    """What was seen is what was sent, to the packet and the byte; nothing is untracked or undecodable."""
    gate = day.played.snapshot.gate
    packets, octets = (sum(sum(flow[name]) for flow in day.flows) for name in ("pkts", "bytes"))

    assert (packets, octets) == (gate.seen_packets, gate.seen_bytes)
    assert (packets, octets) == (gate.settled_packets, gate.settled_bytes)


def test_the_scorer_agrees(day: Day) -> None:
    """The sums over the lines that are written for each flow are those of the truth."""
    totals = day.score["totals"]

    assert (totals["truth_packets"], totals["truth_bytes"]) == (totals["packets"], totals["bytes"])


def test_names(day: Day) -> None:
    """Almost every name that is on the wire is found, every flow that has one is seen, and no name is wrong."""
    names = day.score["names"]

    assert names["recall"] >= LEAST_NAMES_FOUND
    assert 1 == names["flows_seen"]
    assert 0 == names["wrong"]
