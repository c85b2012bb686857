"""What protects the listener -> metric families of its own, beside those of a snapshot (metrics.py)."""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from agent.metrics import ReloadState


class ProtectionCollector(Collector):
    """Emits how the web configuration stands, and who was turned away. There is none without such a file."""

    def __init__(
        self,
        *,
        state: Callable[[], ReloadState],
        runs_out_s: Callable[[], float | None],
        refused: Mapping[str, int],
    ) -> None:
        """
        Args:
            state: What became of the newest attempt to load it.
            runs_out_s: When the certificate runs out, in seconds since the epoch; None without TLS.
            refused: Clients turned away, by reason.
        """
        self._state = state
        self._runs_out_s = runs_out_s
        self._refused = refused

    def collect(self) -> Iterator[Metric]:
        state, runs_out_s = self._state(), self._runs_out_s()
        yield GaugeMetricFamily(
            "hallwatch_web_config_last_reload_successful",
            "Whether the newest version of the web configuration is in force (1) or could not be used (0).",
            value=float(state.successful),
        )
        yield GaugeMetricFamily(
            "hallwatch_web_config_last_reload_success_timestamp_seconds",
            "When the web configuration in force was loaded, in seconds since the epoch.",
            value=state.last_success_s,
        )
        if runs_out_s is not None:
            yield GaugeMetricFamily(
                "hallwatch_web_certificate_expiry_timestamp_seconds",
                "When the listener's certificate, or one that vouches for it, runs out, in seconds since the epoch.",
                value=runs_out_s,
            )
        refused = CounterMetricFamily(
            "hallwatch_web_refused",
            "Clients and requests that the listener turned away, by reason.",
            labels=("reason",),
        )
        for reason, times in self._refused.items():
            refused.add_metric((reason,), times)
        yield refused
