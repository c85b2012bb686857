"""The promise: no device can be found in what is kept of it, not in memory, in the state file or in the metrics."""

import gc
import json
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType

import numpy as np

from agent.allowance.state_file import read_state, write_state
from agent.metrics import SnapshotCollector, exposition, new_registry
from agent.snapshot import Snapshot
from tests.allowance.school import CELL, TWO_MINUTES, School, connection, device, each_minute, use

CODE = (type, ModuleType, FunctionType, BuiltinFunctionType, MethodType)
"""What leads from an object to the program rather than to what it holds."""
V4, V6 = device(77), bytes.fromhex("fd48575700000000000000000a1407ee")


def reached(start: object) -> Iterator[object]:
    """Everything that an object holds, directly or not."""
    waiting, seen = [start], {id(start)}
    while waiting:
        found = waiting.pop()
        yield found
        keys = found.keys() if isinstance(found, dict) else ()  # CPython leaves out those that are text
        for inner in (*gc.get_referents(found), *keys):
            if id(inner) not in seen and not isinstance(inner, CODE):
                seen.add(id(inner))
                waiting.append(inner)


def traces(address: bytes) -> tuple[bytes, ...]:
    """What would give an address away: its bytes either way round, and how it is written."""
    written = ip_address(address)
    return address, address[::-1], str(written).encode(), written.exploded.encode(), address.hex().encode()


def given_away(start: object, address: bytes) -> list[object]:
    """Objects that hold a trace of an address."""
    found = []
    for one in reached(start):
        held = b""
        if isinstance(one, np.ndarray):
            held = one.tobytes()
        elif isinstance(one, bytes | bytearray):
            held = bytes(one)
        elif isinstance(one, str):
            held = one.encode()
        elif isinstance(one, int) and 0 <= one < 1 << 128:
            held = one.to_bytes(16, "big")
        if any(trace in held for trace in traces(address)):
            found.append(one)
    return found


def used(school: School) -> Snapshot:
    """Both devices go beyond their minutes, and their flows are still open."""
    frames = [one for client in (V4, V6) for one in connection(client, each_minute(3))]
    return school.play(frames)


def test_the_search_finds_addresses() -> None:
    """The control: where an address is kept, in any shape, this search finds it."""
    for address in (V4, V6):
        for kept in (
            {"a": [(address, 1)]},
            {str(ip_address(address)): 1},
            {int.from_bytes(address, "big")},
            [np.frombuffer(b"\1" + address + bytes(3), dtype=np.uint8)],
        ):
            assert [] != given_away(kept, address)
    school = School(TWO_MINUTES)
    assert [] != given_away((school, V4), V4)


def test_memory_holds_no_address() -> None:
    """While its flows live, a device that went beyond its allowance is not to be found in what counts allowances."""
    school = School(TWO_MINUTES)
    assert 2 == use(used(school)).over_allowance

    assert 2 == len(school.live())
    for address in (V4, V6):
        assert [] == given_away(school.allowances, address)


def test_nothing_but_numbers_is_left_of_a_flow() -> None:
    """When its flows have ended, nothing leads from their rows to what their device used."""
    school = School(TWO_MINUTES)
    used(school)
    school.finish()

    assert [0, 0] == [int(school.allowances._use_of.any()), int(school.allowances._is_beyond.any())]
    for address in (V4, V6):
        assert [] == given_away(school.allowances, address)


def test_nothing_is_left_of_yesterday() -> None:
    """After midnight neither yesterday's key nor any hash made with it is in memory."""
    school = School(TWO_MINUTES)
    snapshot = used(school)
    salt, keys = school.allowances._uses._salt, set(school.allowances._uses._numbers)
    school.tick_at(snapshot.time_ns + 24 * 3600 * 1_000_000_000)
    left = [one for one in reached(school.allowances) if isinstance(one, bytes)]

    assert 2 == len(keys)
    assert [] == [one for one in left if one == salt or one in keys]


def test_the_state_file_holds_what_is_told(tmp_path: Path) -> None:
    """It has no address and no hash of one, no key, and no number that is not in the metrics."""
    school = School(TWO_MINUTES, min_devices=2)
    snapshot = used(school)
    path = tmp_path / "state.json"
    write_state(path, school.allowances.told()[0])
    data = path.read_bytes()
    uses = school.allowances._uses
    told = read_state(path)

    for address in (V4, V6):
        assert [] == given_away(data, address)
    assert [] == [key for key in (*uses._numbers, uses._salt) if key in data or key.hex().encode() in data]
    assert told is not None
    assert snapshot.incidental == told.uses == {CELL: use(snapshot)}
    assert {"format", "day", "minutes", "cells"} == set(json.loads(data))


def test_few_devices_are_not_written(tmp_path: Path) -> None:
    """What the metrics do not tell because it is about few, the file does not tell either."""
    school = School(TWO_MINUTES, min_devices=3)
    used(school)
    path = tmp_path / "state.json"
    write_state(path, school.allowances.told()[0])

    assert [] == json.loads(path.read_bytes())["cells"]


def test_metrics_name_nobody() -> None:
    """No address is in the snapshot or in any exposition of it."""
    snapshot = used(School(TWO_MINUTES))
    bodies = [
        exposition(new_registry(SnapshotCollector(lambda: snapshot)), openmetrics=kind)[0] for kind in (True, False)
    ]

    assert b'hallwatch_over_allowance_devices{category="named",segment="unknown"} 2.0' in bodies[0]
    for address in (V4, V6):
        assert [] == given_away((snapshot.incidental, bodies), address)
