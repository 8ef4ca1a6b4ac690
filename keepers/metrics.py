"""Metrics of a keeper, in a registry of their own, served on loopback."""

from contextlib import AbstractContextManager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server


class KeeperMetrics:
    """Counters and gauges of one duty (`matcher`, `settler`)."""

    def __init__(self, duty: str) -> None:
        self.registry = registry = CollectorRegistry()
        self._ticks = Counter("stun_keeper_ticks", "Cycles", ["duty", "outcome"], registry=registry)
        self._acts = Counter("stun_keeper_acts", "Acts", ["duty", "kind", "outcome"], registry=registry)
        self._errors = Counter("stun_keeper_errors", "Errors", ["duty", "kind"], registry=registry)
        self._open = Gauge("stun_keeper_open", "What waits", ["duty", "what"], registry=registry)
        self._undone = Counter("stun_keeper_events_undone", "Events undone", ["duty"], registry=registry)
        self._seconds = Histogram("stun_keeper_tick_seconds", "Time of a cycle", ["duty"], registry=registry)
        self._duty = duty

    def timed(self) -> AbstractContextManager[object]:
        """Measure a cycle."""
        return self._seconds.labels(self._duty).time()

    def ticked(self, outcome: str) -> None:
        """Count a cycle: `ok`, `retry` or `fatal`."""
        self._ticks.labels(self._duty, outcome).inc()

    def acted(self, kind: str, outcome: str) -> None:
        """Count an act: `sent`, `done`, `lost`, `failed`, `told`."""
        self._acts.labels(self._duty, kind, outcome).inc()

    def failed(self, error: Exception) -> None:
        """Count an error by its class."""
        self._errors.labels(self._duty, type(error).__name__).inc()

    def waits(self, what: str, number: int) -> None:
        """Set how many of something wait."""
        self._open.labels(self._duty, what).set(number)

    def undone(self, number: int) -> None:
        """Count events that a reorganisation took back."""
        self._undone.labels(self._duty).inc(number)

    def count(self, kind: str, outcome: str) -> int:
        """How often an act ended so; for receipts and tests."""
        value = self.registry.get_sample_value(
            "stun_keeper_acts_total", {"duty": self._duty, "kind": kind, "outcome": outcome}
        )
        return int(value or 0)

    def serve(self, port: int, host: str = "127.0.0.1") -> None:
        """Serve /metrics in a thread."""
        start_http_server(port, host, self.registry)
