"""How late the reactor was, for Prometheus: the same figures for every program, under its own name."""

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

LOOP_DELAYS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0)
SPAN = 60.0  # seconds


class Worst:
    """The highest of what was noted lately: for a minute at least, for two at most. However often it is read."""

    def __init__(self) -> None:
        self._span = 0
        self._now = self._before = 0.0

    def note(self, now: float, value: float) -> None:
        """Note one, at a time in steady seconds."""
        self._move(now)
        self._now = max(self._now, value)

    def told(self, now: float) -> float:
        """The highest; 0 where none was noted."""
        self._move(now)
        return max(self._now, self._before)

    def _move(self, now: float) -> None:
        span = int(now // SPAN)
        if span != self._span:
            self._before = self._now if span == self._span + 1 else 0.0
            self._now = 0.0
            self._span = span


class DelayMetrics(Collector):
    """Figures of a LoopDelay, which is to call `observe`. `seconds` reads a steady clock."""

    def __init__(self, program: str, registry: CollectorRegistry, seconds: Callable[[], float]) -> None:
        self._name = f"{program}_loop_delay_seconds"
        self._seconds = seconds
        self._worst = Worst()
        self._delays = Histogram(
            self._name,
            "How late the reactor was, looked at 200 times a second while it has work, else 10 times.",
            buckets=LOOP_DELAYS,
            registry=registry,
        )
        registry.register(self)

    def observe(self, delay: float) -> None:
        """Note how late the reactor was, in seconds."""
        self._delays.observe(delay)
        self._worst.note(self._seconds(), delay)

    def collect(self) -> Iterator[Metric]:
        """Give the longest delay."""
        yield GaugeMetricFamily(
            f"{self._name}_max",
            "How late the reactor was at most within the last one to two minutes.",
            value=self._worst.told(self._seconds()),
        )
