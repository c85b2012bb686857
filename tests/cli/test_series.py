"""The bound that `check` prints, metric by metric, against what is exported; and a flood of names and addresses below it."""

import random
import re
import shutil
import struct
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from agent.capture.tap import WAITING_SLICES
from agent.cli.series import most_series
from agent.flow import FlowClass
from agent.lab.frames import Frame
from agent.lab.pcap import write_pcap
from agent.metrics import ReloadState, SnapshotCollector, exposition, new_registry
from agent.pipeline import LIMITS
from agent.policy.bounds import label_sets
from agent.policy.policy import Policy, load
from agent.replay import replay
from agent.verdict import Verdict
from tests.exported import collector, every_family, protection
from tests.wire import build

FLOWS = 100_000
START_NS = 1_795_437_000_000_000_000
"""A Monday morning in November 2026."""
SECOND_NS = 1_000_000_000
GAP_NS = 300_000_000
"""A day of eight hours and more: every bell rings, and rows become free again."""
VLANS = (None, 10, 20, 30, 77)
PORTS = (22, 25, 80, 123, 443, 3478, 5060, 6881, 8443, 27_015)
ROOT = Path(__file__).parent.parent.parent


def test_every_metric_has_its_bound() -> None:
    """What an agent exports has a bound, and no bound speaks of what is not exported."""
    registry = new_registry(collector())
    registry.register(protection())
    body, _ = exposition(registry, openmetrics=False)
    names = {sample.name for family in text_string_to_metric_families(body.decode()) for sample in family.samples}
    own = {name for name in names if name.startswith("hallwatch_")}
    assert own == {sample.name for family in every_family() for sample in family.samples}
    bounds = most_series(load(ROOT / "rules").worst_case())

    assert own == bounds.keys() - {"process_*"}
    assert len(names - own) == bounds["process_*"]


def test_every_limit_is_known() -> None:
    """Each limit that the machines count has its name in LIMITS, so that its series is there at 0 and within the bound."""
    counted = re.compile(r'(?:limits_met|_met|met)\[\s*"(\w+)"\s*\]|met = "(\w+)"|Counter\((\w+)=0\)')
    files = [*(ROOT / "agent" / "naming").glob("*.py"), *(ROOT / "agent" / "allowance").glob("*.py")]
    files += (ROOT / "agent" / "devices").glob("*.py")
    files += [ROOT / "agent" / f"{name}.py" for name in ("handshake", "ledger", "pipeline")]
    found = {"".join(match) for file in files for match in counted.findall(file.read_text("utf-8"))}

    assert found | set(load(ROOT / "rules").limits()) == set(LIMITS)
    assert WAITING_SLICES not in LIMITS


def ethernet(
    rng: random.Random, protocol: int, ports: tuple[int, int], payload: bytes, ends: tuple[bytes, bytes]
) -> bytes:
    """A frame of one of the segments, or of none."""
    vlan = rng.choice(VLANS)
    tag = b"" if vlan is None else struct.pack("!HH", 0x8100, vlan)
    if protocol == 6:
        head = struct.pack("!HHIIBBHHH", *ports, rng.getrandbits(32), 1, 0x50, 0x18, 0xFFFF, 0, 0)
    else:
        head = struct.pack("!HHHH", *ports, 8 + len(payload), 0)
    body = head + payload
    if len(ends[0]) == 4:
        network = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), rng.getrandbits(16), 0, 64, protocol, 0)
        kind = 0x0800
    else:
        network, kind = struct.pack("!IHBB", 6 << 28, len(body), protocol, 64), 0x86DD
    return b"\2" * 6 + b"\4" * 6 + tag + struct.pack("!H", kind) + network + b"".join(ends) + body


def some_name(rng: random.Random, known: list[bytes]) -> bytes:
    """One that the catalogue knows, one below it, or one that nobody knows; each other name is another one."""
    label = b"%x" % rng.getrandbits(64)
    kind = rng.randrange(4)
    if kind == 0:
        return rng.choice(known)
    return b"n" + label + b"." + (rng.choice(known) if kind == 1 else b"x%x.example" % rng.getrandbits(24))


def some_ends(rng: random.Random) -> tuple[bytes, bytes]:
    """Client and server: any address, or a client of a segment that goes by its prefix."""
    size = rng.choice((4, 4, 4, 16))
    client = b"\x0a" + bytes([rng.choice((10, 20, 30, 99))]) + rng.randbytes(2) if size == 4 else rng.randbytes(16)
    return client, rng.randbytes(size)


def dns_answer(rng: random.Random, name: bytes, address: bytes) -> bytes:
    """A response: one question, one address."""
    wire = b"".join(bytes([len(label)]) + label for label in name.split(b".")) + b"\0"
    kind = 1 if len(address) == 4 else 28
    head = struct.pack("!HHHHHH", rng.getrandbits(16), 0x8180, 1, 1, 0, 0)
    record = struct.pack("!HHHIH", 0xC00C, kind, 1, 3600, len(address)) + address
    return head + wire + struct.pack("!HH", kind, 1) + record


def flood(rng: random.Random, known: list[bytes]) -> Iterator[Frame]:
    """FLOWS flows, each a frame or two: hellos, requests, banners, look-ups and what is spoken with their answers."""
    for number in range(FLOWS):
        now_ns = START_NS + number * GAP_NS
        ends, client_port = some_ends(rng), rng.randrange(1024, 65_536)
        name = some_name(rng, known)
        port = rng.choice(PORTS)
        kind = rng.randrange(8)
        frames: list[bytes]
        if kind < 4:
            hello = build.records(build.hello(build.sni(name)))
            frames = [ethernet(rng, 6, (client_port, port), hello, ends)]
        elif kind == 4:
            request = b"GET / HTTP/1.1\r\nHost: " + name + b"\r\n\r\n"
            frames = [ethernet(rng, 6, (client_port, port), request, ends)]
        elif kind == 5:
            frames = [
                ethernet(rng, rng.choice((6, 17)), (client_port, port), rng.randbytes(rng.randrange(1, 200)), ends)
            ]
        else:
            client, server = ends
            resolver = client[:1] + rng.randbytes(len(client) - 1)
            frames = [
                ethernet(rng, 17, (53, client_port), dns_answer(rng, name, server), (resolver, client)),
                ethernet(rng, 6, (client_port, port), rng.randbytes(60), ends),
            ]
        for at, data in enumerate(frames):
            yield Frame(now_ns + at * SECOND_NS // 10, data, len(data))


@pytest.fixture
def policy(tmp_path: Path) -> Policy:
    """The shipped rules, with an allowance, and with services of the board: what makes for the most label sets."""
    rules = shutil.copytree(ROOT / "rules", tmp_path / "rules")
    text = (rules / "rules.yaml").read_text("utf-8")
    text = text.replace("    verdict: incidental\n", "    verdict: incidental\n    allowance: {minutes: 1}\n")
    (rules / "rules.yaml").write_text(text, encoding="utf-8")
    declared = "board_services:\n  - {service: Own, decided: Board 2026-08-18, prefixes: [203.0.113.0/24], domains: [google.com]}\n"
    (rules / "accounts.yaml").write_text(declared, encoding="utf-8")
    return load(rules)


@pytest.mark.timeout(300)
def test_random_traffic_stays_within(policy: Policy, tmp_path: Path) -> None:
    """100,000 flows with names and addresses as they come, through gate, pipeline and exposition: not one series beyond
    the bound, none with labels that the rules do not admit, and no name in any.
    """
    rng = random.Random(20_261_122)
    known = [name for entry in policy.catalogue.entries.values() for name in (*entry.domains, *entry.hosts)]
    capture = tmp_path / "flood.pcap"
    write_pcap(capture, flood(rng, known))
    snapshot = replay([capture], policy, max_flows=1 << 16, min_devices=2).snapshot
    clauses = {rule.identifier: rule.clause for rule in (*policy.rulebook.rules, policy.rulebook.default)}
    state = ReloadState(
        successful=True, last_success_s=0, catalogue_reviewed_s=0, notice_is_posted=True, clauses=clauses
    )
    exported = SnapshotCollector(lambda: snapshot, reload_state=lambda: state, known_limits=LIMITS)
    body, _ = exposition(new_registry(exported), openmetrics=False)
    samples = [sample for family in text_string_to_metric_families(body.decode()) for sample in family.samples]

    found = Counter(sample.name for sample in samples if sample.name.startswith("hallwatch_"))
    bounds = most_series(policy.worst_case())
    assert [] == [(name, count, bounds.get(name)) for name, count in found.items() if count > bounds.get(name, 0)]
    classes = (policy.catalogue, policy.segments, policy.services, policy.rulebook)
    admitted = {_labels(seen, verdict) for seen, verdict in label_sets(*classes)}
    flows = [sample for sample in samples if sample.name == "hallwatch_flows_total"]
    assert set() == {tuple(sorted(sample.labels.items())) for sample in flows} - admitted
    assert b".example" not in body

    # And it was a flood: nearly every flow had a row and a class, and a good part of all label sets occurred.
    assert sum(sample.value for sample in flows) > FLOWS
    assert 0 == snapshot.gate.untracked_packets
    assert len(flows) > 5_000
    assert set(Verdict) == {Verdict(sample.labels["verdict"]) for sample in flows}


def _labels(seen: FlowClass, verdict: Verdict) -> tuple[tuple[str, str], ...]:
    labels = {
        "segment": seen.segment,
        "category": seen.category,
        "application": seen.application,
        "verdict": verdict.value,
        "account": seen.account.value,
        "evidence": seen.evidence.value,
    }
    return tuple(sorted(labels.items()))
