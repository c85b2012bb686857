"""The control keeps whole packets, and can be searched like the one that watches."""

from pathlib import Path

import pytest

from agent.lab.canary import filled
from agent.lab.frames import Frame
from agent.lab.pcap import write_pcap
from agent.selftest.child import Child
from agent.selftest.namespaces import cable
from agent.selftest.reports import Ready, Seen, Sent
from agent.selftest.search import search


@pytest.mark.usefixtures("root")
def test_marks_are_found_in_it(tmp_path: Path) -> None:
    """Every mark of every packet is in its memory when it has told its counts."""
    path = tmp_path / "marked.pcap"
    head = b"\x02" * 6 + b"\x04" * 6 + b"\x88\xb5"
    write_pcap(path, [Frame(number, head + filled(number, 160)) for number in range(1, 21)])
    with cable() as laid:
        end = laid.receiver
        with Child("agent.selftest.unguarded", [end.interface], end.enter) as control:
            ready = control.hear(Ready, within_s=30)
            before = search(ready.pid, frozenset(range(1, 21)))
            with Child("agent.selftest.sender", [str(path), laid.sender.interface], laid.sender.enter) as sender:
                sender.hear(Sent, within_s=30)
            control.say("stop")
            seen = control.hear(Seen, within_s=30)
            after = search(ready.pid, frozenset(range(1, 21)))

    assert ("none", 0) == (ready.gate, before.halves)
    assert (20, 20 * 174, True) == (seen.packets, seen.kept_bytes, seen.kept_all)
    assert frozenset(range(1, 21)) == after.flows
    assert after.whole >= 200
