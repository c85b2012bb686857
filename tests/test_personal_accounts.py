"""Personal online accounts are not opened (Conn. Gen. Stat. 31-40x): the shipped policy, DNS, the gate, and canaries."""

import random
from datetime import UTC, datetime

import pytest

from agent.flow import Direction, Evidence, SliceKind
from agent.gate.native import NativeGate
from agent.lab.canary import flow_numbers
from agent.lab.crafted import ends_of, timed
from agent.lab.dialogues import http_request, look_up
from agent.lab.flows import over_udp
from agent.lab.stack import TcpTalk, Wire
from agent.pipeline import FlowRecord, Pipeline
from agent.policy.policy import Policy, load
from agent.shipped import shipped_rules

PERSONAL, OF_THE_BOARD, UNKNOWN = "mail.yahoo.com", "mail.schools.example.org", "www.nobody-knows.example"
FLOW = 77
NOW_NS = int(datetime(2026, 11, 23, 15, tzinfo=UTC).timestamp()) * 1_000_000_000

DECLARED = """\
board_services:
  - service: District webmail
    hosts: [mail.schools.example.org]
    decided: "Board of Education, 2026-08-18"
"""


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    """The shipped rules, with one service that the board has declared."""
    directory = tmp_path_factory.mktemp("rules")
    for path in shipped_rules().rglob("*.yaml"):
        copy = directory / path.relative_to(shipped_rules())
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    (directory / "accounts.yaml").write_text(DECLARED, encoding="utf-8")
    return load(directory, now_ns=NOW_NS)


def request_after_look_up(
    policy: Policy, name: str, *, asked: bool = True
) -> tuple[list[tuple[int, bytes]], FlowRecord]:
    """What leaves the gate of a plain request to `name`, after DNS has shown its address or not; and the flow's record."""
    gate = NativeGate(max_flows=64)
    records: list[FlowRecord] = []
    pipeline = Pipeline(gate, policy, on_flow=records.append)
    server = ends_of(FLOW, 80).server
    dns = over_udp(ends_of(FLOW, 53), None, look_up(random.Random(1), name, "A", [server]))
    talk = TcpTalk(Wire(ends_of(FLOW, 80)))
    web = [*talk.open(), *talk.send(Direction.TO_SERVER, http_request(FLOW, name, body_bytes=400)), *talk.close()]
    opened: list[tuple[int, bytes]] = []
    for frame in timed([*(dns if asked else ()), *web]):
        batch = gate.feed(frame.data, time_ns=frame.time_ns)
        opened += [(one.kind, one.data) for one in batch.slices if one.kind != SliceKind.DNS]
        pipeline.read(batch.slices, batch.payload_bytes)
    pipeline.finish(NOW_NS)
    gate.close()
    return opened, next(record for record in records if record.flow.ends.server_port == 80)


@pytest.mark.parametrize("name", [PERSONAL, UNKNOWN])
def test_a_personal_request_is_not_opened(policy: Policy, name: str) -> None:
    """Of a request to a personal webmail, or to what nobody has declared, no byte leaves the gate; DNS names it."""
    opened, record = request_after_look_up(policy, name)

    assert [] == opened
    assert ((name,), Evidence.DNS) == (record.hostnames, record.flow_class.evidence)


def test_a_request_to_the_boards_service_is_read(policy: Policy) -> None:
    """Of a request to what the board has declared, the method and the Host line are read, and no marked byte."""
    opened, record = request_after_look_up(policy, OF_THE_BOARD)

    host = b"".join(data for kind, data in opened if kind == SliceKind.HTTP_HOST)
    assert {SliceKind.HTTP_METHOD, SliceKind.HTTP_HOST} == {kind for kind, _ in opened}
    assert (OF_THE_BOARD.encode(), "board") == (host.strip(), record.flow_class.account)
    assert frozenset() == flow_numbers(b"".join(data for _, data in opened))


def test_the_answer_of_dns_is_what_closes_the_door(policy: Policy) -> None:
    """The same request without DNS before it is read: what is not known to be personal has only its name on the wire."""
    opened, record = request_after_look_up(policy, PERSONAL, asked=False)

    assert SliceKind.HTTP_HOST in {kind for kind, _ in opened}
    assert ((PERSONAL,), Evidence.HOST) == (record.hostnames, record.flow_class.evidence)
