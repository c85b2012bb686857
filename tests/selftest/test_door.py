"""What came through the gate is kept, and measured by row of the table."""

from agent.flow import Direction, Slice, SliceKind
from agent.selftest.door import Door


def piece(kind: SliceKind, size: int, *, slot: int = 1, offset: int = 0, direction: int = Direction.TO_SERVER) -> Slice:
    """Returns a slice of so many bytes."""
    return Slice(slot, direction, kind, 0, offset, 0, b"x" * size)


def test_bytes_by_kind() -> None:
    """Bytes are summed by kind, over all flows."""
    door = Door()
    door.take(piece(SliceKind.TLS, 500), 1)
    door.take(piece(SliceKind.TLS, 300, slot=2), 1)
    door.take(piece(SliceKind.HTTP_HOST, 20), 1)

    assert {"tls": 800, "http_host": 20} == door.received()
    assert (820, True) == (door.kept_bytes, door.kept_all)


def test_the_most_of_one_flow() -> None:
    """Repetitions add up; directions, and flows that have had the same slot one after another, do not."""
    door = Door()
    for first_ns in (1, 2):
        door.take(piece(SliceKind.BANNER, 40), first_ns)
        door.take(piece(SliceKind.BANNER, 30, direction=Direction.TO_CLIENT), first_ns)
    door.take(piece(SliceKind.BANNER, 5), 1)

    assert {"banner": 45} == door.most()


def test_the_furthest_end() -> None:
    """How far a slice reaches, by kind."""
    door = Door()
    door.take(piece(SliceKind.DNS_TCP, 10, offset=90), 1)
    door.take(piece(SliceKind.DNS_TCP, 10, offset=20), 1)

    assert {"dns_tcp": 100} == door.furthest()


def test_there_is_an_end_to_keeping() -> None:
    """What finds no room is said, and still measured."""
    door = Door(max_kept_bytes=100)
    door.take(piece(SliceKind.TLS, 90), 1)
    door.take(piece(SliceKind.TLS, 20), 1)

    assert (90, False) == (door.kept_bytes, door.kept_all)
    assert {"tls": 110} == door.received()
