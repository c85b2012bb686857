"""DNS messages, read back by dpkt."""

import dpkt

from agent.lab import names

ADDRESSES = (b"\xc6\x12\x01\x01", b"\x20\x01" + bytes(13) + b"\x01")


def test_a_query_reads_back() -> None:
    """Identifier, name and type are those asked for."""
    message = dpkt.dns.DNS(names.query(0xBEEF, "www.example.com", "AAAA"))
    assert (0xBEEF, 0, [("www.example.com", 28)]) == (message.id, message.qr, [(q.name, q.type) for q in message.qd])


def test_an_answer_follows_its_alias() -> None:
    """The name is an alias, and the alias has the address; every record can be read."""
    message = dpkt.dns.DNS(names.answer(7, "www.example.com", "A", ADDRESSES, alias="edge.example.net"))
    first, second = message.an
    assert ("www.example.com", "edge.example.net") == (first.name, first.cname)
    assert ("edge.example.net", ADDRESSES[0]) == (second.name, second.ip)
    message = dpkt.dns.DNS(names.answer(7, "www.example.com", "AAAA", ADDRESSES))
    assert [ADDRESSES[1]] == [record.ip6 for record in message.an]


def test_https_hints_are_in_order() -> None:
    """Parameters come by ascending key with hints and ECH as given (RFC 9460 section 2.2)."""
    ech = names.ech_config_list("public.example", bytes(32))
    message = names.answer(7, "www.example.com", "HTTPS", ADDRESSES, ech=ech)
    at = message.index(b"\0\x01\0\0\x01\0\x06\x02h3\x02h2") + 3
    found = {}
    while at < len(message):
        key, length = message[at] << 8 | message[at + 1], message[at + 2] << 8 | message[at + 3]
        found[key] = message[at + 4 : at + 4 + length]
        at += 4 + length
    assert {1: b"\x02h3\x02h2", 4: ADDRESSES[0], 5: ech, 6: ADDRESSES[1]} == found
    assert sorted(found) == list(found)


def test_an_ech_configuration_measures_itself() -> None:
    """Lengths of list and configuration are right, and the public name stands where RFC 9849 section 4 puts it."""
    made = names.ech_config_list("public.example", bytes(32))
    assert len(made) - 2 == int.from_bytes(made[:2], "big")
    assert len(made) - 6 == int.from_bytes(made[4:6], "big")
    assert b"\x0epublic.example\0\0" == made[-17:]


def test_over_tcp_gives_the_length() -> None:
    """RFC 1035 section 4.2.2."""
    assert b"\0\x03abc" == names.over_tcp(b"abc")
