"""HTTP and TLS dialogues: what is shown and what is marked."""

import random

import dpkt
import pytest

from agent.flow import Direction
from agent.lab.canary import flow_numbers
from agent.lab.dialogues import anonymous_tls, http, http_request, look_up, tls


def test_a_request_reads_back_and_only_host_is_bare() -> None:
    """dpkt reads method and Host; path, cookie, agent and body hold the canary, the Host line does not."""
    request = dpkt.http.Request(http_request(4, "www.example.com", body_bytes=200))
    assert ("POST", "www.example.com") == (request.method, request.headers["host"])
    marked = (request.uri, request.headers["cookie"], request.headers["user-agent"], request.body)
    for value in marked:
        assert frozenset({4}) == flow_numbers(value if isinstance(value, bytes) else value.encode())
    assert "GET" == dpkt.http.Request(http_request(4, "www.example.com")).method


def test_http_answers_every_request() -> None:
    """Requests and responses take turns, and responses have the length they claim."""
    lines = list(http(random.Random(1), 4, "www.example.com", [100, 2000, 300, 0]))
    assert [0, 1, 0, 1] == [line.speaker for line in lines]
    assert [2000, 0] == [len(dpkt.http.Response(line.data).body) for line in lines[1::2]]


def test_tls_says_the_name_once_and_marks_the_rest() -> None:
    """The client's first line alone has the name and no canary."""
    lines = list(tls(random.Random(1), 4, "www.example.com", [100, 20_000]))
    assert [b"www.example.com" in line.data for line in lines] == [True, False, False, False, False]
    assert frozenset() == flow_numbers(lines[0].data)
    assert {frozenset({4})} == {flow_numbers(line.data) for line in lines[1:]}


def test_anonymous_tls_has_no_name() -> None:
    """There is a hello, and no server_name in it."""
    hello = dpkt.ssl.TLSHandshake(next(anonymous_tls(random.Random(1), 4, [])).data[5:]).data
    assert 0 not in dict(hello.extensions)


@pytest.mark.parametrize("kind", ["A", "AAAA", "HTTPS"])
def test_a_look_up_is_a_question_and_its_answer(kind: str) -> None:
    """Both messages bear the same identifier, and no canary."""
    question, answer = look_up(random.Random(1), "www.example.com", kind, [b"\xc6\x12\x01\x01", bytes(16)])
    assert (Direction.TO_SERVER, Direction.TO_CLIENT) == (question.speaker, answer.speaker)
    assert question.data[:2] == answer.data[:2]
    assert frozenset() == flow_numbers(question.data + answer.data)
