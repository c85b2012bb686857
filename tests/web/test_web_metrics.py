"""How the web configuration stands, as metrics."""

from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client.registry import CollectorRegistry

from agent.metrics import ReloadState
from agent.web import Listener
from agent.web.web_metrics import ProtectionCollector


@pytest.mark.parametrize("runs_out_s", [1_800_000_000.0, None])
def test_what_is_told(runs_out_s: float | None) -> None:
    """State, end of the certificate where there is one, and each reason from 0."""
    registry = CollectorRegistry()
    state = ReloadState(successful=False, last_success_s=1_795_000_000.0)
    registry.register(
        ProtectionCollector(state=lambda: state, runs_out_s=lambda: runs_out_s, refused={"password": 3, "handshake": 0})
    )
    value = registry.get_sample_value

    assert 0 == value("hallwatch_web_config_last_reload_successful")
    assert 1_795_000_000 == value("hallwatch_web_config_last_reload_success_timestamp_seconds")
    assert runs_out_s == value("hallwatch_web_certificate_expiry_timestamp_seconds")
    assert (3, 0) == tuple(
        value("hallwatch_web_refused_total", {"reason": reason}) for reason in ("password", "handshake")
    )


def test_only_with_a_web_configuration(
    start: Callable[..., Listener], ask: Callable[..., tuple[object, bytes]], tmp_path: Path
) -> None:
    """Who has no such file has no such metrics."""
    assert b"hallwatch_web_" not in ask(start(), "GET", "/metrics")[1]
    (tmp_path / "web.yml").write_text("{}")
    assert b"hallwatch_web_refused_total" in ask(start(web_config=tmp_path / "web.yml"), "GET", "/metrics")[1]
