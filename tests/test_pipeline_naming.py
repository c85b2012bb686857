"""Tests of how the pipeline brings names about: by DNS, by the address book, late, and where addresses are held closed."""

import random

import pytest

from agent.flow import Endpoints, Evidence
from agent.lab import crafted, dialogues, names
from agent.lab.crafted import STEP_NS, timed
from agent.lab.flows import over_tcp, over_udp, pings
from agent.lab.frames import Line
from agent.lab.hellos import CHROME, Browser
from agent.naming.book import MAX_LIFE_S
from agent.pipeline import MAX_HOSTNAMES, REMEMBERED_NS, WAIT_NS
from agent.policy.policy import load
from agent.shipped import shipped_rules
from agent.wire import dns
from tests.plain_policy import PlainPolicy, named
from tests.tapped import (
    ANN,
    BOB,
    EVE,
    OTHER,
    RESOLVER,
    SECOND_NS,
    SERVER,
    TO_SERVER,
    Tap,
    classes,
    http,
    look_up,
    opaque,
    tls,
)

INNER, PUBLIC = "inner.example", "public.example"


# ---- DNS


def test_dns_is_named_and_never_sealed() -> None:
    """Each message of a resolver's flow is an introduction: all are opened, by datagrams and by streams."""
    one = Tap()
    for i in range(5):
        one.feed(look_up(ANN, f"n{i}.example", bytes([198, 18, 2, i])))
    one.feed(crafted.dns_over_tcp(9))

    assert [False, False] == one.sealed()
    assert {("dns", "read"): 14} == one.tick().handshakes
    asked, _ = one.finish()
    assert tuple(f"n{i}.example" for i in range(5)) == asked.hostnames
    assert [named(None, Evidence.PROTOCOL, "dns")] * 2 == classes(one.records, "dns")


@pytest.mark.parametrize("over", ["udp", "tcp"])
def test_dns_teaches(over: str) -> None:
    """What was answered names a flow that says nothing of itself, whether it came by datagram or by stream."""
    one = Tap()
    ends = Endpoints(ANN, 40_000, RESOLVER, 53)
    lines = dialogues.look_up(random.Random(1), "www.example.com", "A", [SERVER], alias="edge.example")
    if over == "tcp":
        prefixed = (Line(line.speaker, names.over_tcp(line.data)) for line in lines)
        one.feed(timed(over_tcp(random.Random(1), ends, None, prefixed)))
    else:
        one.feed(timed(over_udp(ends, None, lines)))
    one.feed(tls(ANN, None))

    assert [named("www.example.com", Evidence.DNS, "tls")] == classes(one.finish())


def test_an_unreadable_message_ends_nothing() -> None:
    """A datagram that only looks like DNS names its flow, and the messages after it teach all the same."""
    one = Tap()
    ends = Endpoints(ANN, 40_000, RESOLVER, 53)
    broken = b"\0\1\1\0\0\1\0\0\0\0\0\0" + b"\xff" * 20  # a label of 255 bytes
    one.feed(timed(over_udp(ends, None, iter([Line(TO_SERVER, broken)]))))
    assert [False] == one.sealed()
    one.feed(look_up(ANN, "www.example.com", SERVER))
    one.feed(tls(ANN, None))

    assert 1 == one.tick().handshakes["dns", "malformed"]
    assert [named("www.example.com", Evidence.DNS, "tls")] == classes(one.finish())


def test_questions_teach_nothing() -> None:
    """A query that was never answered names nothing."""
    one = Tap()
    one.feed(look_up(ANN, "www.example.com", SERVER)[:1])
    one.feed(tls(ANN, None))

    assert [named(None, Evidence.PROTOCOL, "tls")] == classes(one.finish())


def test_hostnames_of_one_flow_have_a_limit() -> None:
    """Of a resolver's flow only the first names are kept, each once."""
    one = Tap()
    for i in range(2 * MAX_HOSTNAMES):
        one.feed(look_up(ANN, f"n{i % (MAX_HOSTNAMES + 9)}.example", SERVER))

    assert tuple(f"n{i}.example" for i in range(MAX_HOSTNAMES)) == one.finish()[0].hostnames


# ---- Names by the address book


def test_the_clients_own_answer_first() -> None:
    """Two clients mean two sites at one address; a third, who did not ask, gets the latest name."""
    one = Tap()
    one.feed(look_up(ANN, "a.example", SERVER))
    one.feed(look_up(BOB, "b.example", SERVER))
    for client in (ANN, BOB, EVE):
        one.feed(tls(client, None))

    flows = [record for record in one.finish() if record.flow_class.protocol == "tls"]

    assert [(ANN, ("a.example",)), (BOB, ("b.example",)), (EVE, ("b.example",))] == [
        (record.flow.ends.client, record.hostnames) for record in flows
    ]


def test_a_class_never_changes() -> None:
    """An answer that comes after a flow was named does not name it anew; the next flow has the new name."""
    one = Tap()
    one.feed(tls(ANN, None))
    one.feed(look_up(ANN, "late.example", SERVER))
    one.feed(tls(ANN, None, port=50_001))

    assert [named(None, Evidence.PROTOCOL, "tls"), named("late.example", Evidence.DNS, "tls")] == classes(one.finish())


ECH = names.ech_config_list(PUBLIC, bytes(range(32)))


def test_encrypted_hello_with_an_outer_name_that_the_policy_knows() -> None:
    """The outer name is what there is to tell."""
    one = Tap(PlainPolicy(public_names=frozenset({PUBLIC.encode()})))
    one.feed(tls(ANN, PUBLIC, encrypted=True))

    assert [named(PUBLIC, Evidence.ECH, "tls")] == classes(one.finish())


def test_encrypted_hello_with_an_outer_name_that_dns_told() -> None:
    """An HTTPS record of anyone makes a name an outer one for everyone; the inner name is told of the asker alone."""
    one = Tap()
    one.feed(look_up(ANN, INNER, SERVER, ech=ECH))
    one.feed(tls(ANN, PUBLIC, encrypted=True))
    one.feed(tls(BOB, PUBLIC, encrypted=True))

    assert [named(INNER, Evidence.DNS, "tls"), named(PUBLIC, Evidence.ECH, "tls")] == classes(one.finish())


def test_dns_calls_a_known_site_an_outer_name() -> None:
    """Somebody's own domain, with another's name as its outer one, hides no flow to that other site."""
    one = Tap(PlainPolicy(sites=frozenset({PUBLIC.encode()})))
    one.feed(look_up(BOB, INNER, SERVER, ech=ECH))
    one.feed(look_up(ANN, INNER, SERVER))
    one.feed(tls(ANN, PUBLIC, browser=CHROME))

    assert [named(PUBLIC, Evidence.SNI, "tls")] == classes(one.finish())


def test_grease_is_no_encrypted_hello() -> None:
    """Chrome sends the extension to every server; the name beside it is the true one."""
    one = Tap()
    one.feed(look_up(ANN, INNER, SERVER, ech=ECH))
    one.feed(tls(ANN, "www.example.com", browser=CHROME))

    assert [named("www.example.com", Evidence.SNI, "tls")] == classes(one.finish())


def test_host_is_an_address_literal() -> None:
    """A literal in the Host line names nothing: DNS is asked, and the literal is shown where it knows nothing."""
    one = Tap()
    one.feed(look_up(ANN, "www.example.com", SERVER))
    one.feed(http(ANN, "198.18.1.1"))
    one.feed(http(ANN, "198.18.1.2:80", server=OTHER))

    assert [
        named("www.example.com", Evidence.DNS, "http"),
        named("198.18.1.2", Evidence.HOST, "http"),
    ] == classes(one.finish())


# ---- Late names


def test_a_hello_without_its_end() -> None:
    """When the rest has not come in time, what there is of a hello names its flow, and the flow is sealed."""
    one = Tap()
    one.feed(tls(ANN, "www.example.com", browser=Browser("early", post_quantum=True))[:4])
    assert {} == one.tick(after_ns=WAIT_NS // 2).handshakes
    assert [False] == one.sealed()
    snapshot = one.tick(after_ns=WAIT_NS)

    assert [True] == one.sealed()
    assert {("tls", "partial"): 1} == snapshot.handshakes
    assert [named("www.example.com", Evidence.SNI, "tls")] == classes(one.finish())


def test_what_nobody_knows_is_named_by_dns() -> None:
    """A banner that tells nothing, both ways, ends the introduction: the next tick asks the book, or tells the transport."""
    one = Tap()
    one.feed(look_up(ANN, "game.example", SERVER))
    one.feed(opaque(ANN))
    one.feed(opaque(ANN, server=OTHER))
    one.tick()

    assert [False, True, True] == one.sealed()
    assert [named("game.example", Evidence.DNS, "udp"), named(None, Evidence.NONE, "udp")] == classes(one.finish())


def test_silence_waits() -> None:
    """A connection that has sent no payload is not named by waiting: its first words may come much later."""
    one = Tap()
    frames = tls(ANN, "www.example.com")
    one.feed(frames[:3])
    unsettled = one.tick(after_ns=10 * WAIT_NS).gate
    assert (3, 0) == (unsettled.unsettled_packets, unsettled.settled_packets)
    one.feed([frame._replace(time_ns=one.now_ns + STEP_NS * i) for i, frame in enumerate(frames[3:])])

    assert [named("www.example.com", Evidence.SNI, "tls")] == classes(one.finish())


def test_protocols_without_an_introduction() -> None:
    """What is neither TCP nor UDP is named at the first tick, by its number or by DNS."""
    one = Tap()
    one.feed(look_up(ANN, "ping.example", SERVER))
    one.feed(timed(pings(random.Random(1), Endpoints(ANN, 0, SERVER, 0), None, 1)))
    one.feed(timed(pings(random.Random(1), Endpoints(BOB, 0, OTHER, 0), None, 1)))
    one.tick()

    assert [named("ping.example", Evidence.DNS, "icmp"), named(None, Evidence.NONE, "icmp")] == classes(one.finish())


def test_met_in_the_middle() -> None:
    """A connection whose start was not seen opens nothing, and is named by DNS at the first tick."""
    one = Tap()
    one.feed(crafted.tls_met_after_hello(3))
    one.tick()

    assert {0} == set(one.gate.opened_bytes().values())
    assert [named(None, Evidence.NONE, "tcp")] == classes(one.finish())


def test_an_end_without_a_tick() -> None:
    """Flows that never had a tick are named when the capture ends."""
    one = Tap()
    one.feed(look_up(ANN, "www.example.com", SERVER))
    one.feed(opaque(ANN))
    one.feed(crafted.snapped(5))

    assert {named("www.example.com", Evidence.DNS, "udp"), named(None, Evidence.NONE, "tls")} == set(
        classes(one.finish())
    )


# ---- Personal addresses

PERSONAL = PlainPolicy(personal=frozenset({b"mail.example"}))


def test_personal_addresses_reach_the_gate() -> None:
    """Where only personal accounts are served, no request and no banner is opened, and a ClientHello still is."""
    one = Tap(PERSONAL)
    one.feed(look_up(ANN, "mail.example", SERVER))
    before = one.gate.opened_bytes()
    one.feed(http(BOB, "mail.example"))
    one.feed(opaque(BOB))
    assert before == one.gate.opened_bytes()
    one.feed(tls(BOB, "mail.example"))

    assert one.gate.opened_bytes()["tls"] > 0
    assert [
        named("mail.example", Evidence.DNS, "tcp"),
        named("mail.example", Evidence.DNS, "udp"),
        named("mail.example", Evidence.SNI, "tls"),
    ] == classes(one.finish())


def test_a_shared_address_is_open() -> None:
    """An address that was given for another name too is no longer held closed, for flows that begin afterwards."""
    one = Tap(PERSONAL)
    one.feed(look_up(ANN, "mail.example", SERVER))
    frames = http(BOB, "mail.example")
    one.feed(frames[:3])  # begun while it was held
    one.feed(look_up(ANN, "news.example", SERVER))
    one.feed(frames[3:])
    one.feed(http(BOB, "news.example", port=51_001))
    one.feed(look_up(ANN, "mail.example", SERVER))  # shared stays shared
    one.feed(http(EVE, "mail.example"))

    assert [
        named("mail.example", Evidence.DNS, "tcp"),  # by the latest answer, when it ends
        named("news.example", Evidence.HOST, "http"),
        named("mail.example", Evidence.HOST, "http"),
    ] == classes(one.finish())


def test_a_reload_that_closes_a_name() -> None:
    """An address of a name that the new policy holds closed is held from the next answer on; one that it opens is free."""
    one = Tap()
    one.feed(look_up(ANN, "mail.example", SERVER))
    one.pipeline.reload(PERSONAL)
    one.feed(look_up(ANN, "mail.example", SERVER))
    before = one.gate.opened_bytes()
    one.feed(http(BOB, "mail.example"))
    assert before == one.gate.opened_bytes()
    one.pipeline.reload(PlainPolicy())
    one.feed(look_up(ANN, "mail.example", SERVER))
    one.feed(http(EVE, "mail.example"))

    assert [named("mail.example", Evidence.DNS, "tcp"), named("mail.example", Evidence.HOST, "http")] == classes(
        one.finish()
    )


@pytest.mark.parametrize("ech", [b"", ECH], ids=["A", "HTTPS"])
def test_every_address_of_an_answer_is_held(ech: bytes) -> None:
    """A name with several addresses is held closed at each of them, also at those that are hints of an HTTPS record."""
    one = Tap(PERSONAL)
    one.feed(look_up(ANN, "mail.example", SERVER, OTHER, ech=ech))
    before = one.gate.opened_bytes()
    for server in (SERVER, OTHER):
        one.feed(http(BOB, "mail.example", server=server))

    assert before == one.gate.opened_bytes()


def test_no_room_for_a_personal_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address that the gate cannot take is counted: the promise is weaker there, and the metric says so."""
    one = Tap(PERSONAL)
    monkeypatch.setattr(one.gate, "add_personal", lambda _address: False)
    one.feed(look_up(ANN, "mail.example", SERVER, OTHER))

    assert 2 == one.tick().limits["gate_personal_addresses"]


def test_no_name_is_remembered_for_more_than_a_day() -> None:
    """The notice says so: by then the book, the classes and what reads DNS hold none."""
    policy = load(shipped_rules())
    one = Tap(policy, names_kept=False)
    one.tick()
    one.feed(look_up(ANN, "kept.example", SERVER))
    one.feed(tls(ANN, "kept.example"))
    one.tick()
    kept = (policy.classifier.in_segment, policy.classifier.closed, dns._plain)
    assert all(cache.cache_info().currsize for cache in kept)

    assert 1 == len(one.pipeline._book)

    one.tick(after_ns=max(REMEMBERED_NS, MAX_LIFE_S * SECOND_NS + 1))
    assert [0, 0, 0] == [cache.cache_info().currsize for cache in kept]
    assert 0 == len(one.pipeline._book)
