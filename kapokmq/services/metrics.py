"""A node's figures for Prometheus. Each node has its own registry, so two in one process do not mix.

Nothing here is called per message: totals are read from the engine when somebody asks, commits are observed one by one.
"""

from collections.abc import Callable, Iterator, Sequence

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from kapokmq.core.commit_times import RecentCommits
from kapokmq.core.engine import Figures
from kapokmq.core.vitals import CommitTimes
from serena.services.delay_metrics import DelayMetrics

COMMIT_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
COMMIT_MESSAGES = (1, 10, 100, 500, 1_000, 2_500, 5_000, 10_000)

_TOTALS = (
    ("published", "kapokmq_messages_published", "Messages taken from producers."),
    ("delivered", "kapokmq_messages_delivered", "Messages written to consumers, repeats included."),
    ("acked", "kapokmq_messages_acked", "Messages acknowledged by consumers."),
    ("retried", "kapokmq_messages_retried", "Messages made ready again because their delivery ended without an ack."),
    ("expired", "kapokmq_messages_expired", "Messages removed because of their age."),
    ("nacked", "kapokmq_messages_nacked", "Messages that consumers gave back."),
    ("dead", "kapokmq_messages_dead", "Messages that groups gave up: they became dead letters."),
    ("duplicates", "kapokmq_publishes_duplicate", "Messages not stored because one with their key was."),
    ("ignored_acks", "kapokmq_acks_ignored", "Acknowledgements of codes that the consumer did not hold."),
)
_LEVELS = (
    ("waiting", "kapokmq_messages_waiting", "Messages due and not yet consumed."),
    ("in_flight", "kapokmq_messages_in_flight", "Messages with a consumer, not yet acknowledged."),
    ("delayed", "kapokmq_messages_delayed", "Messages not yet due."),
    ("memory", "kapokmq_memory_held_bytes", "Bytes of message bodies held in memory."),
    ("topics", "kapokmq_topics", "Topics known."),
    ("groups", "kapokmq_groups", "Durable groups known."),
    ("oldest_unacked", "kapokmq_leases_oldest_seconds", "How long the message has been held that is held for longest."),
)
_KINDS = ("producer", "consumer", "v2")


class _FiguresCollector(Collector):
    """Reads the engine's figures at scrape time."""

    def __init__(self, figures: Callable[[], Figures], connections: Callable[[], Sequence[int]], version: str) -> None:
        self._figures = figures
        self._connections = connections
        self._version = version

    def collect(self) -> Iterator[Metric]:
        """Give all figures as they are now."""
        figures = self._figures()
        for field, name, about in _TOTALS:
            yield CounterMetricFamily(name, about, value=getattr(figures, field))
        for field, name, about in _LEVELS:
            yield GaugeMetricFamily(name, about, value=getattr(figures, field))
        connected = GaugeMetricFamily("kapokmq_connections", "Clients connected, by kind.", labels=["kind"])
        for kind, number in zip(_KINDS, self._connections(), strict=True):
            connected.add_metric([kind], number)
        yield connected
        yield InfoMetricFamily("kapokmq_build", "What runs here.", value={"version": self._version})


class NodeMetrics:
    """One node's figures. `connections` gives how many producers, consumers and v2 clients there are.

    `clock` reads a steady clock, in seconds.
    """

    def __init__(
        self,
        figures: Callable[[], Figures],
        connections: Callable[[], Sequence[int]],
        version: str,
        clock: Callable[[], float],
    ) -> None:
        self._clock = clock
        self.registry = CollectorRegistry(auto_describe=False)
        self.registry.register(_FiguresCollector(figures, connections, version))
        self._seconds = Histogram(
            "kapokmq_commit_seconds",
            "How long the store took for a commit.",
            buckets=COMMIT_SECONDS,
            registry=self.registry,
        )
        self._messages = Histogram(
            "kapokmq_commit_messages",
            "How many messages a commit held.",
            buckets=COMMIT_MESSAGES,
            registry=self.registry,
        )
        self._recent = RecentCommits()
        self.observe_delay = DelayMetrics("kapokmq", self.registry, clock).observe

    def observe_commit(self, seconds: float, messages: int) -> None:
        """Note one commit: how long it took, and how many messages it held."""
        self._seconds.observe(seconds)
        self._messages.observe(messages)
        self._recent.observe(self._clock(), seconds)

    def commits(self) -> CommitTimes | None:
        """How long commits took lately."""
        return self._recent.told(self._clock())

    def exposition(self) -> bytes:
        """Give everything in Prometheus' text format."""
        return generate_latest(self.registry)
