"""The process that watches: counts as the daemon does, keeps what was opened, and does not know what is searched for."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from agent.gate.slices import SliceBatch
from agent.lab import crafted
from agent.lab.frames import Frame
from agent.selftest import CannotRunError, watched
from agent.selftest.child import Child
from agent.selftest.namespaces import cable
from agent.selftest.reports import Ready
from agent.selftest.watched import Watch
from tests.quiet_tap import QuietTap

ROOT = Path(__file__).parent.parent.parent


class Played(QuietTap):
    """A tap that gives one frame at each read."""

    def __init__(self, frames: list[Frame]) -> None:
        super().__init__(max_flows=256)
        self._frames = list(reversed(frames))

    @property
    def behind(self) -> bool:
        return bool(self._frames)

    def read(self) -> SliceBatch:
        return self.play([self._frames.pop()._replace(time_ns=self.now_ns())] if self._frames else [])


def test_all_is_counted_and_what_was_opened_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts are the frames' own; every opened byte is kept; what came through is what the gate says it opened.

    Whatever time a look takes, what waits is read: here no time at all counts as quiet.
    """
    monkeypatch.setattr(watched, "QUIET_S", 0.0)
    monkeypatch.setattr(watched, "MAX_QUIET_S", 60.0)
    frames = [frame for name in ("tls", "http", "quic", "dns-a", "ssh") for frame in crafted.CASES[name]()]
    tap = Played(frames)
    watch = Watch(tap)
    watch.until(lambda _wait_s: True)  # told to stop at once: what still comes is counted
    seen = watch.end()
    tap.close()

    assert (len(frames), sum(len(frame.data) for frame in frames)) == (seen.packets, seen.bytes)
    assert (0, 0, 5) == (seen.missing_packets, seen.missing_bytes, seen.flows)
    assert seen.opened == seen.received
    assert {"tls", "http_method", "http_host", "quic", "dns", "banner"} == set(seen.opened)
    assert (sum(seen.opened.values()), True) == (seen.kept_bytes, seen.kept_all)
    assert seen.most["banner"] <= 64


def test_it_waits_no_longer_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    """Traffic that never ends does not keep it from telling."""
    monkeypatch.setattr(watched, "MAX_QUIET_S", 0.2)
    tap = Played(crafted.CASES["tls"]() * 100)
    watch = Watch(tap)
    watch.until(lambda _wait_s: True)
    seen = watch.end()
    tap.close()

    assert 0 < seen.packets < 1500


def test_it_does_not_know_what_is_searched_for() -> None:
    """Neither it nor the control imports the lab, whose marks would then be in its memory."""
    code = "import json, sys, agent.selftest.watched, agent.selftest.unguarded; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded: list[str] = json.loads(done.stdout)

    assert "agent.selftest.watched" in loaded
    assert [] == [name for name in loaded if name.startswith(("agent.lab", "agent.selftest.search", "scapy"))]


@pytest.mark.usefixtures("root")
def test_no_such_interface() -> None:
    """What cannot be watched is refused with the reason."""
    with (
        cable() as laid,
        Child("agent.selftest.watched", ["nowhere0", "process", "0"], laid.receiver.enter) as child,
        pytest.raises(CannotRunError, match="nowhere0: no such interface"),
    ):
        child.hear(Ready, within_s=60)
