"""Two agents in two namespaces, one Prometheus, one Redis: totals are the sum, distinct devices are those that there are."""

import random
import re
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.flow import Direction, Endpoints
from agent.lab.hellos import client_hello, records
from agent.lab.stack import TcpTalk, Wire
from agent.shipped import shipped_rules
from deploy.grafana.dashboards import dashboards
from tests.deploy.prometheus import OF_DEVICES, SHIPPED, Prometheus, as_asked
from tests.live.cable import SWITCH, Cable
from tests.live.hub import Hub
from tests.live.needs import need_namespaces, need_packet_sockets
from tests.live.sender import Load, Sender
from tests.live.traffic import SMALL
from tests.live.waiting import wait_for
from tests.live.watcher import PORT, Watcher
from tests.sketches.redis_server import RedisServer

REDIS_PORT = 6379
SECOND_OCTETS = {"staff": 10, "students": 20, "guests": 30}
"""10.x.0.0/16, as the shipped segments have it."""
NAMES = {"social_networking": "www.youtube.com", "generative_ai": "chatgpt.com"}
EACH, SHARED = 700, 200
"""Devices of a segment that a tap sees, and those of them that the other sees too: 1,200 in all."""
DISTINCT = 2 * EACH - SHARED
CLOSE = 0.02
"""The standard error of a sum over three sketches of 1,200 is 0.34 %: 2 % are six of them, whatever today's hashes are."""
SOON_S = 30.0
"""An exchange every 5 seconds, two scrapes a second."""


def hellos(first: int) -> Load:
    """EACH devices of each segment, from the first on; one in two uses each of NAMES."""
    frames = []
    for octet in SECOND_OCTETS.values():
        for number in range(first, first + EACH):
            client = bytes((10, octet)) + (number + 1).to_bytes(2, "big")
            name = list(NAMES.values())[number % 2]
            talk = TcpTalk(Wire(Endpoints(client, 50_000, b"\xc6\x12\1\1", 443)))
            hello = records(client_hello(random.Random(number), name, browser=SMALL))
            frames += [packet.data for packet in (*talk.open(), *talk.send(Direction.TO_SERVER, hello))]
    return Load(frames)


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """The shipped rules, with a notice that tells of the store."""
    copied = shutil.copytree(shipped_rules(), tmp_path / "rules")
    with (copied / "premises.yaml").open("a") as file:
        file.write("distinct_devices: {where: network room}\n")
    return copied


@pytest.fixture
def secrets(tmp_path: Path) -> tuple[str, ...]:
    """Options with the district's secret and the store's password, in files."""
    words: list[str] = []
    for name, text in (("secret", "0123456789abcdef" * 4), ("password", "of-the-store")):
        path = tmp_path / name
        path.write_text(f"{text}\n")
        path.chmod(0o600)
        words += [f"--devices.{name}-file", str(path)]
    return tuple(words)


@pytest.fixture
def cables() -> Iterator[tuple[Cable, Cable]]:
    """Two taps, each with its switch."""
    need_packet_sockets()
    need_namespaces()
    with Cable() as one, Cable() as other:
        yield one, other


@pytest.fixture
def hub(cables: tuple[Cable, Cable]) -> Iterator[Hub]:
    """Where Prometheus and Redis are."""
    del cables  # the first of them finds out whether there can be namespaces
    with Hub() as made:
        yield made


def send(cable: Cable, load: Load) -> None:
    """Into the far end."""
    with cable.inside(cable.far):
        sender = Sender(SWITCH)
    sender.send(load, packets_per_s=20_000)
    sender.close()


def near(truth: dict[tuple[str, ...], int]) -> Callable[[dict[tuple[str, ...], float]], bool]:
    """Whether what is found is the truth, within CLOSE."""
    expected = {labels: pytest.approx(number, rel=CLOSE) for labels, number in truth.items()}
    return lambda found: expected == found


def prometheus_in(hub: Hub, way: Cable, folder: Path, targets: dict[str, str]) -> Prometheus:
    """One with the shipped configuration and rules, which scrapes each target as of its site of the one district."""

    def connect(port: int) -> socket.socket:
        with way.inside(hub.namespace):
            return socket.create_connection(("127.0.0.1", port), SOON_S)

    shipped = (SHIPPED / "prometheus.yml").read_text("utf-8")
    target = re.search(
        r"^ +- targets: .*\n +labels:\n +district: example\n +site: high_school\n", shipped, re.MULTILINE
    )
    assert target is not None
    each = (
        target[0].replace("127.0.0.1:10484", address).replace("high_school", targets[address]) for address in targets
    )
    config = shipped.replace(target[0], "".join(each))
    return Prometheus(folder / "prometheus", "", prefix=hub.prefix, connect=connect, config=config)


@pytest.mark.timeout(300)
def test_two_agents(
    cables: tuple[Cable, Cable], hub: Hub, rules: Path, secrets: tuple[str, ...], tmp_path: Path
) -> None:
    """Bytes and flows of the district are those of both taps, to the last one; a device that both have seen is one."""
    loads = hellos(0), hellos(EACH - SHARED)
    joined = [hub.join(cable) for cable in cables]
    server = ("--bind", "0.0.0.0", "--requirepass", "of-the-store")
    targets = {f"{there}:{PORT}": site for (there, _), site in zip(joined, ("east", "west"), strict=True)}
    with (
        RedisServer(tmp_path, *server, port=REDIS_PORT, prefix=hub.prefix),
        watching(cables[0], joined[0][1], rules, secrets, tmp_path),
        watching(cables[1], joined[1][1], rules, secrets, tmp_path),
        prometheus_in(hub, cables[0], tmp_path, targets) as prometheus,
    ):
        prometheus.ready()

        def found(query: str) -> dict[tuple[str, ...], float]:
            return {
                tuple(value for label, value in sorted(labels.items()) if label != "__name__"): number
                for labels, number in prometheus.ask(query)
            }

        def soon(query: str, expected: Callable[[dict[tuple[str, ...], float]], bool]) -> None:
            wait_for(lambda: expected(found(query)), SOON_S, lambda: f"{query}: {found(query)}")

        for cable, load in zip(cables, loads, strict=True):
            send(cable, load)
        octets = "hallwatch_sent_bytes_total + hallwatch_received_bytes_total"
        flows = "hallwatch_flows_total"
        of_sites = {("east",): loads[0].bytes, ("west",): loads[1].bytes}
        soon("district:hallwatch_agents:sum", lambda told: {("example",): 2} == told)
        soon(f"sum by (site) ({octets})", lambda told: of_sites == told)
        soon(f"sum by (district) ({octets})", lambda told: {("example",): sum(of_sites.values())} == told)
        soon(f"sum by (district) ({flows})", lambda told: {("example",): 6 * EACH} == told)
        soon("sum by (site) (hallwatch_tap_devices)", lambda told: {("east",): 3 * EACH, ("west",): 3 * EACH} == told)
        soon("hallwatch_device_store_up", lambda told: [1, 1] == list(told.values()))

        of_segments, of_categories, _ = OF_DEVICES
        soon(f"sum by (district) ({of_segments})", near({("example",): 3 * DISTINCT}))
        soon(
            f"sum by (category) ({of_categories})",
            near(dict.fromkeys(((category,) for category in NAMES), 3 * DISTINCT // 2)),
        )
        # Both tell the same; and of one segment the error may be larger than of three.
        soon(f"{of_segments} - min by (district, segment, family) (hallwatch_district_devices)", same)
        for count in found(of_segments).values():
            assert count == pytest.approx(DISTINCT, rel=2 * CLOSE)
        asked = [query for query in dashboard_queries() if any(name in query for name in OF_DEVICES)]
        assert 2 <= len(asked)
        assert [] == [query for query in asked if not prometheus.has(as_asked(query))]


def dashboard_queries() -> list[str]:
    """Everything that the shipped dashboards ask."""
    panels = [panel for made in dashboards().values() for panel in made["panels"]]
    return [target["expr"] for panel in panels for target in panel.get("targets", [])]


def same(found: dict[tuple[str, ...], float]) -> bool:
    """Whether there is no difference in any segment."""
    return dict.fromkeys((("example", "ipv4", segment) for segment in SECOND_OCTETS), 0) == found


def watching(cable: Cable, redis: str, rules: Path, secrets: tuple[str, ...], folder: Path) -> Watcher:
    """An agent on a tap, which the hub may scrape."""
    words = ("--devices.redis", f"redis://{redis}:{REDIS_PORT}", *secrets)
    return Watcher(cable, folder, gate="auto", rules=rules, listen="0.0.0.0", words=words).ready()
