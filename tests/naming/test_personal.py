"""Tests of which addresses serve personal online accounts and nothing else."""

from agent.naming.personal import PersonalAddresses

A, B, C, D = (bytes([i]) * 4 for i in range(4))


def test_an_address_of_a_personal_name_is_held() -> None:
    """The first personal name at an address closes it, once."""
    personal = PersonalAddresses()

    assert (A, None) == personal.learn(A, personal=True)
    assert (None, None) == personal.learn(A, personal=True)


def test_an_address_of_another_name_is_not_held() -> None:
    """What was never held need not be dropped."""
    assert (None, None) == PersonalAddresses().learn(A, personal=False)


def test_another_name_at_the_address_frees_it() -> None:
    """An address that turns out to be shared is dropped, once."""
    personal = PersonalAddresses()
    personal.learn(A, personal=True)

    assert (None, A) == personal.learn(A, personal=False)
    assert (None, None) == personal.learn(A, personal=False)


def test_shared_stays_shared() -> None:
    """A personal name at an address that serves something else too does not close it, in whatever order they come."""
    first, second = PersonalAddresses(), PersonalAddresses()
    first.learn(A, personal=False)
    second.learn(A, personal=True)
    second.learn(A, personal=False)

    assert [(None, None)] * 2 == [personal.learn(A, personal=True) for personal in (first, second)]


def test_names_judged_anew() -> None:
    """What was open is learned again, since its names may be personal now; what is held stays held until it is shared."""
    personal = PersonalAddresses()
    personal.learn(A, personal=False)
    personal.learn(B, personal=True)
    personal.judge_anew()

    assert (A, None) == personal.learn(A, personal=True)
    assert (None, None) == personal.learn(B, personal=True)
    assert (None, B) == personal.learn(B, personal=False)


def test_addresses_are_apart() -> None:
    """What is learned of one address says nothing of another, IPv4 and IPv6 alike."""
    personal = PersonalAddresses()
    personal.learn(A, personal=False)

    assert (B, None) == personal.learn(B, personal=True)
    assert (bytes(16), None) == personal.learn(bytes(16), personal=True)


def test_the_oldest_makes_room() -> None:
    """Beyond the limit the oldest address is forgotten, and dropped from the gate if it was held there."""
    personal = PersonalAddresses(max_addresses=2)
    personal.learn(A, personal=True)
    personal.learn(B, personal=False)

    assert (C, A) == personal.learn(C, personal=True)
    assert (D, None) == personal.learn(D, personal=True)
    assert (None, C) == personal.learn(A, personal=False)
    assert 3 == personal.limits_met["personal_addresses"]


def test_the_gate_never_holds_more_than_the_limit() -> None:
    """Applying every answer to a set keeps that set within the limit, and free of shared addresses."""
    personal = PersonalAddresses(max_addresses=10)
    held: set[bytes] = set()
    for i in range(200):
        address = (i * 7 % 31).to_bytes(4, "big")
        hold, drop = personal.learn(address, personal=i % 3 != 0)
        held |= {hold} if hold else set()
        if drop is not None:
            held.remove(drop)
        assert len(held) <= 10
        assert i % 3 or address not in held

    assert held
